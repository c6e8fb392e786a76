"""What changed between two versions of a profile, in words, and as a difference of their texts. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from contracts.field_titles import FIELDS
from contracts.profile import Profile

SHOWN_MAX = 120

NAMED_BY: dict[str, tuple[str, ...]] = {
    "ConnectionProfile": ("name",),
    "Table": ("contract",),
    "Rule": ("to", "source"),
    "CodeTable": ("name",),
    "CodePair": ("ours",),
    "Contact": ("name",),
    "Namespace": ("prefix",),
    "SoapDocument": ("location",),
    "SoapCall": ("contract",),
}
"""By which of its fields an element of a list is the same one as before; others go by their place."""


class Did(StrEnum):
    """What happened to a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


_DID = {Did.ADDED: "新增", Did.REMOVED: "删除", Did.CHANGED: "改为", Did.MOVED: "次序改变"}


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is other than before. ``path`` is for machines; ``zh`` and ``en`` say where for people."""

    path: str
    zh: str
    en: str
    did: Did
    before: str = ""
    after: str = ""

    @property
    def sentence(self) -> str:
        """The change in one line of both languages."""
        where = f"{self.zh} / {self.en}"
        match self.did:
            case Did.ADDED:
                return f"{where}: {_DID[self.did]} added {self.after}"
            case Did.REMOVED:
                return f"{where}: {_DID[self.did]} removed {self.before}"
            case Did.MOVED:
                return f"{where}: {_DID[self.did]} order changed"
        return f"{where}: {self.before} → {self.after}"


def changes(old: Profile, new: Profile) -> list[Change]:
    """Every field that differs, in the document's order."""
    return list(_models(old, new, _Where()))


def yaml_difference(old: Profile, new: Profile, old_name: str, new_name: str) -> str:
    """The unified difference of the two documents as YAML."""
    lines = (old.yaml().splitlines(keepends=True), new.yaml().splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, old_name, new_name))


@dataclass(frozen=True, slots=True)
class _Where:
    path: str = ""
    zh: str = ""
    en: str = ""

    def field(self, shape: str, name: str) -> _Where:
        zh, en = FIELDS.get(f"{shape}.{name}") or FIELDS.get(name) or (name, name)
        return _Where(f"{self.path}.{name}" if self.path else name, _joined(self.zh, zh), _joined(self.en, en))

    def element(self, name: str) -> _Where:
        return _Where(f"{self.path}[{name}]", f"{self.zh} {name}", f"{self.en} {name}")

    def change(self, did: Did, before: Any = None, after: Any = None) -> Change:
        return Change(self.path, self.zh, self.en, did, _shown(before), _shown(after))


def _models(old: BaseModel, new: BaseModel, where: _Where) -> Iterator[Change]:
    shape = type(new).__name__
    for field, told in type(new).model_fields.items():
        here = where.field(shape, told.alias or field)
        yield from _values(getattr(old, field), getattr(new, field), here)


def _values(old: Any, new: Any, where: _Where) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, BaseModel) and isinstance(new, BaseModel) and type(old) is type(new):
        yield from _models(old, new, where)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        yield from _lists(old, new, where)
    elif old is None:
        yield where.change(Did.ADDED, after=new)
    elif new is None:
        yield where.change(Did.REMOVED, before=old)
    else:
        yield where.change(Did.CHANGED, old, new)


def _lists(old: Sequence[Any], new: Sequence[Any], where: _Where) -> Iterator[Change]:
    if not any(isinstance(each, BaseModel) for each in (*old, *new)):
        yield where.change(Did.CHANGED, list(old), list(new))
        return
    before, after = _named(old), _named(new)
    for name, element in before.items():
        if name not in after:
            yield where.element(name).change(Did.REMOVED, before=element)
    for name, element in after.items():
        if name in before:
            yield from _values(before[name], element, where.element(name))
        else:
            yield where.element(name).change(Did.ADDED, after=element)
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        yield where.change(Did.MOVED)


def _named(elements: Sequence[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for index, element in enumerate(elements):
        fields = NAMED_BY.get(type(element).__name__, ())
        said = next((getattr(element, field) for field in fields if getattr(element, field)), None)
        name = str(said) if said is not None else str(index + 1)
        count = 2
        while name in made:
            # A field may have several rules, each under its own condition.
            name, count = f"{said} ({count})", count + 1
        made[name] = element
    return made


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}… ({len(text)})"


def _joined(above: str, name: str) -> str:
    return f"{above} · {name}" if above else name
