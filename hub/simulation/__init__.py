"""A month of a city from a seed (模拟): the real decisions over cases in memory, the same to the last byte each time.

Nothing here reads a clock, a file or a database. The units' habits are made up; what the hub does about them is not.
What the actors themselves saw is counted apart (``Tally``), so that the evaluation can be held against it.
"""

from hub.simulation.month import Month, Outcome, simulate
from hub.simulation.tally import Tally

__all__ = ["Month", "Outcome", "Tally", "simulate"]
