"""Case ids and case numbers: the id tells the day and the month, the number is how people write it. Pure.

``case_id`` = YYYYMMDD × 10^8 + serial, one bigint that partitions and sorts; ``case_number`` =
``330800-20261123-000042``, the city's division code, the day of registration and the serial, at least six digits.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

SERIALS_PER_DAY = 10**8
_NUMBER = re.compile(r"([0-9]{6})-([0-9]{8})-([0-9]{6,8})")


def day_of(moment: datetime, zone: ZoneInfo) -> int:
    """The day on which a case is registered, as YYYYMMDD in the city's zone."""
    local = moment.astimezone(zone)
    return local.year * 10_000 + local.month * 100 + local.day


def case_id(day: int, serial: int) -> int:
    """The id of the ``serial``-th case of a day."""
    return day * SERIALS_PER_DAY + serial


def month_of(case_id: int) -> int:
    """The case's month as YYYYMM: the partition that holds everything of it."""
    return case_id // SERIALS_PER_DAY // 100


def dashed(month: int) -> str:
    """A month as people write it: ``2026-11``."""
    return f"{month // 100:04}-{month % 100:02}"


def number_of(case_id: int, division_code: str) -> str:
    """How people write the case."""
    day, serial = divmod(case_id, SERIALS_PER_DAY)
    return f"{division_code}-{day}-{serial:06d}"


def parse(case_number: str, division_code: str) -> int | None:
    """The id behind a written number; None where it is not a case of this city."""
    match = _NUMBER.fullmatch(case_number)
    if match is None or match[1] != division_code:
        return None
    made = case_id(int(match[2]), int(match[3]))
    # "0000042" and "000042" must not both name the same case.
    return made if number_of(made, division_code) == case_number else None
