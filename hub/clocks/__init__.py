"""Whose time it was (计时): every dispatch with its unit's own time, every stretch of a case with its owner. Pure.

Reckoned from the log alone, with the directory in force for its calendar and kinds of time. An answer counts when the
hub knew of it; only an accepted late proof (补传) counts as of the sender's own time. No store, no clock of its own.
"""

from hub.clocks.intervals import Interval, Owner, intervals
from hub.clocks.records import Record, records
from hub.clocks.told import DEPARTMENT, Ending, ProofJudged, Return, Standing

__all__ = [
    "DEPARTMENT",
    "Ending",
    "Interval",
    "Owner",
    "ProofJudged",
    "Record",
    "Return",
    "Standing",
    "intervals",
    "records",
]
