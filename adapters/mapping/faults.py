"""What can be wrong with a document on its way through a mapping: the rule, its line in the profile, and a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from contracts.problem import Problem, Violation

FAULTS_MAX = 100


@dataclass(frozen=True, slots=True)
class MappingFault:
    """One fault. ``line`` is the profile's line, ``field`` the path the rule writes, ``position`` a list's element."""

    rule: str
    zh: str
    en: str
    field: str = ""
    line: int | None = None
    table: str = ""
    position: int | None = None
    park: bool = False

    def sentence(self) -> tuple[str, str]:
        """The fault with its place, in Chinese and in English."""
        at_zh = f"档案第 {self.line} 行," if self.line else ""
        at_en = f"profile line {self.line}, " if self.line else ""
        nth_zh = f" 第 {self.position + 1} 项" if self.position is not None else ""
        nth_en = f" element {self.position + 1}" if self.position is not None else ""
        return (
            f"{at_zh}{self.table} 字段 {self.field}{nth_zh}:{self.zh}",
            f"{at_en}{self.table} field {self.field}{nth_en}: {self.en}",
        )


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class Trouble(Exception):
    """What an operation says; the rule in which it happens knows where."""

    rule: str
    zh: str
    en: str
    park: bool = False
    inner: tuple[MappingFault, ...] = ()

    def at(self, line: int | None, table: str, field: str) -> tuple[MappingFault, ...]:
        """The faults of a rule: its own, or those of its elements."""
        if self.inner:
            return tuple(replace(fault, field=f"{field}: {fault.field}") for fault in self.inner)
        return (MappingFault(self.rule, self.zh, self.en, field, line, table, None, self.park),)


@dataclass(eq=False)
class MappingFailed(Exception):
    """The document did not pass; every fault is listed."""

    faults: tuple[MappingFault, ...]

    @property
    def parked(self) -> bool:
        """It waits for the administrator: nothing is wrong but codes whose table says so."""
        return bool(self.faults) and all(fault.park for fault in self.faults)

    def problem(self) -> Problem:
        """As the hub tells it; the refused shelf keeps the document, to be replayed once the profile is mended."""
        found = tuple(Violation("#", *fault.sentence(), fault.rule) for fault in self.faults[:FAULTS_MAX])
        return Problem("mapping_parked" if self.parked else "mapping_failed", violations=found)

    def __str__(self) -> str:
        return "; ".join(fault.sentence()[1] for fault in self.faults[:3])
