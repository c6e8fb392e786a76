"""What values look like: the pattern of dates, numbers, lists in a text, and which code means which. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from adapters.drafting.vocabulary import Vocabulary, words_of

PATTERNS = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d"),
    *("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d", "%Y-%m-%d %H:%M:%S.%f"),
    *("%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H时%M分", "%Y年%m月%d日%H时%M分", "%Y年%m月%d日"),
)
FORMATS = (("yyyy", "%Y"), ("YYYY", "%Y"), ("MM", "%m"), ("dd", "%d"), ("DD", "%d"), ("HH", "%H"), ("hh", "%H"))
SEPARATORS = (",", ";", "|", "、", ",")

_ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?|\d{4}-\d\d-\d\d[Tt]\d\d:\d\d.*")
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")
_FORMAT = re.compile(r"[yY]{4}\S?MM\S?[dD]{2}([ T'年月日]*[hH]{2}\S?mm(\S?ss)?)?")
_LABELLED = re.compile(r"([A-Za-z0-9_]{1,12})\s*[-::=.、,]\s*([^,,;;、\s()()]{1,20})")


def date_pattern_of(samples: Sequence[str]) -> str | None:
    """The pattern that all samples keep, as a mapping writes it; None where they are no dates."""
    texts = [text.strip() for text in samples if text.strip()]
    if not texts:
        return None
    for pattern in PATTERNS:
        if all(_keeps(text, pattern) for text in texts):
            return pattern
    if all(_ISO.fullmatch(text) and _is_iso(text) for text in texts):
        return "iso"
    if all(text.isdigit() for text in texts):
        seconds = {13: 1e12, 10: 1e9}
        widths = {len(text) for text in texts}
        # From the year 2001 until 2033, in whole seconds or thousandths.
        if widths == {13} and all(seconds[13] <= int(text) < 2e12 for text in texts):
            return "epoch_milliseconds"
        if widths == {10} and all(seconds[10] <= int(text) < 2e9 for text in texts):
            return "epoch_seconds"
    return None


def date_pattern_said(label: str) -> str | None:
    """The pattern that a description names, as ``格式 yyyy-MM-dd HH:mm:ss`` does."""
    found = _FORMAT.search(label)
    if found is None:
        return None
    text = found[0].replace("mm", "%M", 1).replace("ss", "%S", 1) if "mm" in found[0] else found[0]
    for theirs, ours in FORMATS:
        text = text.replace(theirs, ours, 1)
    return text.replace("'", "")


def reads_as_number(text: str) -> bool:
    """Whether a text is a plain number."""
    return _NUMBER.fullmatch(text.strip()) is not None


def separator_in(samples: Sequence[str]) -> str | None:
    """By what a text holds several ids, if it does."""
    for separator in SEPARATORS:
        if any(separator in sample for sample in samples):
            return separator
    return None


def codes_said(label: str) -> tuple[tuple[str, str], ...]:
    """Codes and their labels, as ``结果:1-已完成 2-无需处理`` has them; at least two, or none."""
    found = tuple((code, said) for code, said in _LABELLED.findall(label) if not said.isdigit())
    return found if len(found) > 1 else ()


def our_code(path: str, code: str, label: str, vocabulary: Vocabulary) -> str | None:
    """The contract's code that a unit's code means, by its label or by itself."""
    for said in (label, code):
        plain = said.strip().lower()
        for word in vocabulary.codes:
            if word.path == path and plain and (plain in word.said or " ".join(words_of(said)) in word.said):
                return word.ours
    return None


def _keeps(text: str, pattern: str) -> bool:
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007, only its form is asked
    except ValueError:
        return False
    # strptime also takes fewer digits, which no mapping would write.
    return 1990 <= moment.year <= 2100 and (moment.strftime(pattern) == text or "%f" in pattern)


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
