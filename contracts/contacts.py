"""Whom to call about a unit's connection (联系人), and what each is there for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.model import Line, Model, Optionally, RuleBroken

Phone = Annotated[str, Field(min_length=3, max_length=32, pattern=r"^[0-9+() -]+$")]
Mail = Annotated[str, Field(max_length=200, pattern=r"^[^@\s]+@[^@\s]+$")]


class ContactRole(StrEnum):
    """Duty (值班) is who answers at any hour; technical knows the system, business the cases."""

    DUTY = "duty"
    TECHNICAL = "technical"
    BUSINESS = "business"


class Contact(Model):
    """One person or desk, reachable by telephone or by mail."""

    name: Line
    role: ContactRole
    phone: Optionally[Phone] = None
    mail: Optionally[Mail] = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Contact:
        if self.phone is None and self.mail is None:
            raise RuleBroken("联系人须有电话或邮箱", "a contact has a phone or a mail address")
        return self

    def line(self) -> str:
        """The contact as an operator reads it."""
        return " ".join(part for part in (f"{self.name}({self.role.value})", self.phone, self.mail) if part)
