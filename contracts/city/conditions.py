"""What limits a responsibility (涉及本单位的, 属于市政管养的 …), typed so that a rule can ask it.

Three-valued, since facts may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.city.row import Row


class Truth(StrEnum):
    """Whether a condition holds, as far as the facts tell."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ConditionName(StrEnum):
    """What a condition asks for: whose it is, who maintains it, where it lies, what kind it is, what it is about."""

    OWNER = "owner"
    MAINTAINED_AS = "maintained_as"
    ZONE = "zone"
    SUBTYPE = "subtype"
    ASPECT = "aspect"


@dataclass(frozen=True, slots=True)
class Component(Row):
    """A known object of the city (部件): owner (权属单位), maintainer (养护单位), department in charge (主管部门)."""

    component_code: str
    category_code: str
    owner_unit_id: str
    maintainer_unit_id: str | None
    department_unit_id: str | None
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a problem when its responsible unit is sought; what is not known is left out.

    ``component`` is the register's entry where the caller has it; ``component_code`` alone is looked up.
    ``attributes`` answers ``maintained_as``, ``zone``, ``subtype`` and ``aspect``, never ownership: a reporter may send
    attributes, and only the register or a person at the command centre knows an owner.
    """

    category_code: str
    area_id: str | None = None
    component_code: str | None = None
    component: Component | None = None
    owner_unit_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def told(self, name: ConditionName) -> str | None:
        """What the facts say to a condition's question."""
        return self.owner_unit_id if name is ConditionName.OWNER else self.attributes.get(name.value)


@dataclass(frozen=True, slots=True)
class Condition:
    """One typed condition: what the facts say is one of ``values``. 涉及本单位的: ``owner``, the row's unit."""

    name: ConditionName
    values: tuple[str, ...]

    def matches(self, facts: Facts) -> Truth:
        """Whether it holds."""
        told = facts.told(self.name)
        if told is None:
            return Truth.UNKNOWN
        return Truth.YES if told in self.values else Truth.NO


def all_of(truths: Iterable[Truth]) -> Truth:
    """All together: one no is no, else one unknown is unknown; of nothing at all, yes."""
    told = Truth.YES
    for truth in truths:
        if truth is Truth.NO:
            return truth
        if truth is Truth.UNKNOWN:
            told = truth
    return told


def any_of(truths: Iterable[Truth]) -> Truth:
    """Any of them: one yes is yes, else one unknown is unknown; of nothing at all, no."""
    told = Truth.NO
    for truth in truths:
        if truth is Truth.YES:
            return truth
        if truth is Truth.UNKNOWN:
            told = truth
    return told
