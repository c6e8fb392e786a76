"""The versions of a unit's profile (档案版本): who applied each, when and why, what changed, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from contracts.problem import Problem
from contracts.profile import Profile
from contracts.profile_changes import Change, changes, yaml_difference
from contracts.profile_text import read_profile
from hub.onboarding import Applied, Onboarding, other_unit, without_profile
from hub.store import registry as store
from hub.store.registry import ProfileVersion


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version as it is listed; ``changed`` counts the fields that are other than in the one before."""

    version: int
    applied_at: datetime
    applied_by: str
    reason: str
    in_force: bool
    changed: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two versions beside each other."""

    old: str
    new: str
    changes: tuple[Change, ...]
    yaml: str


@dataclass(frozen=True, slots=True)
class ProfileVersions:
    """The administrator's verbs on versions."""

    onboarding: Onboarding

    async def history(self, unit_id: str) -> list[VersionLine]:
        """Every version, newest first. Raises ``Problem``."""
        kept, in_force = await self._kept(unit_id)
        profiles = [_readable(each) for each in kept]
        return [
            VersionLine(
                each.version,
                each.applied_at,
                each.applied_by,
                each.reason,
                each.version == in_force,
                len(changes(older, newer)) if newer and older else None,
            )
            for each, newer, older in zip(kept, profiles, [*profiles[1:], None], strict=True)
        ]

    async def between(self, unit_id: str, old: int | None, new: int | None) -> Difference:
        """What changed from one version to another: by default, from the one before to the one in force."""
        kept, in_force = await self._kept(unit_id)
        to = self._of(kept, in_force if new is None else new)
        versions = [each.version for each in kept]
        wanted = old if old is not None else max((each for each in versions if each < to.version), default=to.version)
        return _difference(_profile(self._of(kept, wanted)), _profile(to), _name(self._of(kept, wanted)), _name(to))

    async def proposed(self, text: str, name: str, unit_id: str | None = None) -> Difference:
        """What a profile that is not applied yet would change. Raises ``Problem``."""
        profile, _ = read_profile(text)
        if unit_id is not None and profile.unit != unit_id:
            raise other_unit(profile.unit, unit_id)
        kept, in_force = await self._kept(profile.unit)
        now = self._of(kept, in_force)
        return _difference(_profile(now), profile, _name(now), name)

    async def roll_back(self, unit_id: str, version: int, by: str, reason: str) -> Applied:
        """Apply an old version as a new one; it is checked like any other. Raises ``Problem``."""
        kept, _ = await self._kept(unit_id)
        profile = _profile(self._of(kept, version))
        return await self.onboarding.apply(profile.yaml(), by, unit_id, f"back to version {version}: {reason}")

    async def _kept(self, unit_id: str) -> tuple[list[ProfileVersion], int]:
        async with self.onboarding.pool.acquire() as conn:
            kept = await store.profile_history(conn, unit_id)
            in_force = await store.unit_profile(conn, unit_id)
        if not kept or in_force is None:
            raise without_profile(unit_id, self.onboarding.registry())
        return kept, in_force.version

    def _of(self, kept: list[ProfileVersion], version: int) -> ProfileVersion:
        for each in kept:
            if each.version == version:
                return each
        raise Problem("not_found", f"没有版本 {version}。", f"There is no version {version}.")


def _profile(kept: ProfileVersion) -> Profile:
    profile = _readable(kept)
    if profile is None:
        zh = f"版本 {kept.version} 是按更早的档案格式写的,已无法读取。"
        raise Problem("profile_invalid", zh, f"Version {kept.version} is of a former format and is not read any more.")
    return profile


def _readable(kept: ProfileVersion) -> Profile | None:
    try:
        return Profile.model_validate_json(kept.document)
    except ValidationError:
        return None


def _difference(old: Profile, new: Profile, old_name: str, new_name: str) -> Difference:
    return Difference(old_name, new_name, tuple(changes(old, new)), yaml_difference(old, new, old_name, new_name))


def _name(kept: ProfileVersion) -> str:
    return f"version {kept.version} ({kept.applied_at.astimezone():%Y-%m-%d %H:%M} {kept.applied_by})"
