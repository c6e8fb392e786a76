"""How units call the contract's fields: the table of synonyms, and names taken apart so that they can be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.yaml_text import read_yaml

SYNONYMS = Path(__file__).with_name("synonyms.yaml")

ALIKE: Mapping[str, str] = {
    **dict.fromkeys(("no", "num", "number", "nr", "nbr", "sn", "id", "ids", "identifier"), "no"),
    **dict.fromkeys(("time", "date", "datetime", "tm", "dt", "at", "timestamp"), "time"),
    **dict.fromkeys(("desc", "description", "describe"), "desc"),
    **dict.fromkeys(("addr", "address"), "addr"),
    **dict.fromkeys(("pic", "pics", "picture", "pictures", "photo", "photos", "img", "imgs", "image", "images"), "pic"),
    **dict.fromkeys(("attach", "attachs", "attachment", "attachments", "file", "files"), "file"),
    **dict.fromkeys(("loc", "location", "position", "pos", "place"), "loc"),
    **dict.fromkeys(("msg", "message"), "msg"),
    **dict.fromkeys(("dept", "department"), "dept"),
    **dict.fromkeys(("seq", "sequence"), "seq"),
    **dict.fromkeys(("lng", "lon", "long", "longitude"), "lng"),
    **dict.fromkeys(("lat", "latitude"), "lat"),
    **dict.fromkeys(("handle", "deal", "process", "dispose", "disposal"), "handle"),
    **dict.fromkeys(("done", "finish", "finished", "complete", "completed", "completion"), "done"),
    **dict.fromkeys(("limit", "deadline", "due", "expire", "expiry"), "due"),
    **dict.fromkeys(("order", "workorder", "ticket", "bill"), "order"),
    **dict.fromkeys(("kind", "type", "category"), "type"),
    **dict.fromkeys(("man", "person", "user", "staff", "worker", "operator"), "person"),
    **dict.fromkeys(("back", "return", "reject", "refuse"), "back"),
    **dict.fromkeys(("text", "content", "contents", "memo", "detail"), "content"),
}
"""Words that say the same in a field's name."""
DECORATION = frozenset({"str", "s", "fld", "f", "c", "v", "t", "p", "in", "param", "arg", "the", "of", "list"})
"""Words that may stand in a name and say little."""

_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Synonym:
    """One name of a meaning, ready to be compared. ``said`` is as the table has it."""

    meaning: str
    said: str
    squashed: str
    words: frozenset[str]
    pinyin: str = ""
    initials: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One field of a contract that a draft may fill."""

    meaning: str
    path: str


@dataclass(frozen=True, slots=True)
class ContractTargets:
    """The fields of one contract, and the words by which a unit's operation for it is known."""

    contract: str
    outward: bool
    words: tuple[str, ...]
    fields: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class CodeWord:
    """What a unit may call one code of the contract's field at ``path``."""

    path: str
    ours: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The table, read."""

    synonyms: Mapping[str, tuple[Synonym, ...]]
    contracts: tuple[ContractTargets, ...]
    codes: tuple[CodeWord, ...]
    known: frozenset[str]


@cache
def vocabulary() -> Vocabulary:
    """The table of synonyms."""
    document, _ = read_yaml(SYNONYMS.read_text(encoding="utf-8"))
    spoken = dict(re.findall(r"([\u4e00-\u9fff])([a-z]+)", document["characters"]))
    known = {word for each in document["meanings"] for name in each["en"] for word in name.split()} | set(ALIKE)
    return Vocabulary(
        {each["meaning"]: tuple(_synonyms(each, spoken)) for each in document["meanings"]},
        tuple(
            ContractTargets(
                each["contract"],
                each["way"] == "out",
                tuple(each["words"]),
                tuple(Target(field["meaning"], field["path"]) for field in each["fields"]),
            )
            for each in document["targets"]
        ),
        tuple(CodeWord(each["path"], each["ours"], tuple(each["said"])) for each in document["codes"]),
        frozenset(known),
    )


def words_of(name: str, known: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The words of a name: ``strTaskNum``, ``TASK_NUM`` and, by known words, ``TASKNUM`` are all task and num."""
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", name)
    parts = [part.lower() for part in re.findall(r"[A-Za-z]+", spaced)]
    made: list[str] = []
    for part in parts:
        made += _parted(part, known) if part not in known and len(part) > 4 else [part]
    return tuple(made)


def alike(words: tuple[str, ...]) -> frozenset[str]:
    """Words of which those that say the same are one."""
    return frozenset(ALIKE.get(word, word) for word in words)


def is_han(text: str) -> bool:
    """Whether a text has Chinese characters."""
    return _HAN.search(text) is not None


def _parted(part: str, known: frozenset[str]) -> list[str]:
    """A run of letters as known words, the longest first; the run itself where it is not made of them."""
    best: list[list[str] | None] = [[], *([None] * len(part))]
    for end in range(1, len(part) + 1):
        for start in range(end - 1, -1, -1):
            before = best[start]
            if before is not None and end - start > 1 and part[start:end] in known:
                made = [*before, part[start:end]]
                there = best[end]
                if there is None or len(made) < len(there):
                    best[end] = made
    return best[-1] or [part]


def _synonyms(each: Mapping[str, Any], spoken: Mapping[str, str]) -> list[Synonym]:
    meaning = each["meaning"]
    made = []
    for name in each["zh"]:
        sounds = [spoken.get(letter, letter.lower()) for letter in name]
        initials = "".join(sound[0] for sound in sounds)
        made.append(Synonym(meaning, name, name, frozenset(), "".join(sounds), initials))
    for name in each["en"]:
        words = tuple(name.split())
        made.append(Synonym(meaning, name, "".join(words), alike(words)))
    return made
