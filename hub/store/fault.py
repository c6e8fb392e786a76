"""Why the store cannot do what was asked: a sentence in each language that says what to do next."""

from __future__ import annotations

from dataclasses import dataclass


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class StoreFault(Exception):
    """Why the store can't do what was asked, and what to do next, in Chinese and in English."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh}\n{self.en}"
