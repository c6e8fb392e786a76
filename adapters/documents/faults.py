"""What is wrong with a document as a whole, before any field is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.problem import Problem


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class DocumentFault(Exception):
    """The document cannot be read or written. ``kind`` is the problem's kind where the hub tells it."""

    zh: str
    en: str
    kind: str = "document_invalid"

    def problem(self) -> Problem:
        """As the hub tells it."""
        return Problem(self.kind, self.zh, self.en)

    def __str__(self) -> str:
        return self.en
