"""Faults: what makes a city's folder unusable, each with file, row and column, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. ``row`` is the line in the file (in GeoJSON the feature's number); 0: the whole file."""

    file: str
    row: int
    column: str
    zh: str
    en: str

    def __str__(self) -> str:
        row = f" 行 {self.row}" if self.row else ""
        column = f" 列 {self.column}" if self.column else ""
        return f"{self.file}{row}{column}: {self.zh} / {self.en}"


class CityFolderUnusable(Exception):
    """The folder cannot be used. ``faults`` lists every one that was found, in the order of files and rows."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
