"""Evaluation (评价考核): what cases come to in a period, per unit, area, category and collector. Pure.

``evaluate`` turns plain case logs into an ``Evaluation``: every figure with its numerator, its denominator and the
cases behind both. The formula is the city's data; nothing here reads a store or a clock.
"""

from hub.evaluation.evaluating import CaseLog, evaluate, summed
from hub.evaluation.figures import Evaluation, Figure, Row
from hub.evaluation.observing import By, Observation, observe
from hub.evaluation.period import Period

__all__ = [
    "By",
    "CaseLog",
    "Evaluation",
    "Figure",
    "Observation",
    "Period",
    "Row",
    "evaluate",
    "observe",
    "summed",
]
