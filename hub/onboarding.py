"""Onboarding (接入): a unit's profile, its state, keys and signing secrets. Every act is kept with who did it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from auth.api_keys import CredentialRow, mint
from auth.principal import Scope
from auth.redaction import Secret
from auth.signing_secrets import generate_asymmetric, generate_symmetric, public_text
from contracts.json_text import pointer
from contracts.nouns import Transport, UnitState
from contracts.port import ConnectionCheck
from contracts.problem import Problem, Violation
from contracts.profile import SCHEMA_URL, Profile
from contracts.profile_text import read_profile
from contracts.ways.rest import Signing
from contracts.yaml_text import Lines, line_of
from hub.broker_access import missing_passwords, new_password
from hub.clock import machine_now
from hub.registry import Registry
from hub.safe import SIGNING, Safe
from hub.say import Say
from hub.store import lanes
from hub.store import registry as store
from hub.store.pool import Pool
from hub.unit_secrets import UnitSecrets


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a profile came to. ``shown_once`` holds signing secrets, and passwords by user of the hub's
    broker, that were made now.

    ``findings`` are no faults, yet somebody has to do something: a secret that is named and not kept.
    """

    unit_id: str
    version: int
    state: UnitState
    shown_once: tuple[tuple[str, Secret], ...] = ()
    findings: tuple[Violation, ...] = ()


def other_unit(written: str, unit_id: str) -> Problem:
    """The profile is another unit's."""
    zh, en = f"档案属于 {written},不是 {unit_id}", f"the profile is of {written}, not of {unit_id}"
    return Problem("profile_invalid", violations=(Violation("#/unit", zh, en, "unit"),))


def without_profile(unit_id: str, registry: Registry) -> Problem:
    """Why nothing can be said of a unit's profile: there is no such unit, or it has none yet."""
    if unit_id not in registry.directory(machine_now()).units:
        return Problem("unit_unknown", f"城市名录中没有单位 {unit_id}。", f"The directory has no unit {unit_id}.")
    return Problem("not_found", f"单位 {unit_id} 还没有接入档案。", f"Unit {unit_id} has no profile yet.")


@dataclass(frozen=True, slots=True)
class Onboarding:
    """The administrator's verbs on units."""

    pool: Pool
    safe: Safe
    registry: Callable[[], Registry]
    check: ConnectionCheck
    say: Say
    reload: Callable[[], Awaitable[None]]

    @property
    def secrets(self) -> UnitSecrets:
        """The verbs on the secrets that profiles name."""
        return UnitSecrets(self.pool, self.safe, self.registry, self.say, self.reload)

    async def apply(self, text: str, by: str, unit_id: str | None = None, reason: str = "") -> Applied:
        """Apply a profile (YAML or JSON). A new unit begins as draft; a live one stays live with the new version."""
        profile, lines = await self._read(text)
        if unit_id is not None and profile.unit != unit_id:
            raise other_unit(profile.unit, unit_id)
        now = machine_now()
        if profile.unit not in self.registry().directory(now).units:
            raise Problem(
                "profile_invalid",
                violations=(
                    Violation(
                        "#/unit",
                        f"城市名录中没有单位 {profile.unit}",
                        f"the city's directory has no unit {profile.unit}",
                    ),
                ),
            )
        document = profile.model_dump_json(exclude_none=True)
        findings = await self._findings(profile, lines)
        async with self.pool.acquire() as conn, conn.transaction():
            kept = await store.unit_profile(conn, profile.unit)
            state = UnitState(kept.state) if kept else UnitState.DRAFT
            if kept and kept.document == document:
                return Applied(profile.unit, kept.version, state, findings=findings)
            version = await store.add_profile(conn, profile.unit, document, by, reason)
            await store.put_state(conn, profile.unit, state, version, None)
            said = f"version {version}: {reason}" if reason else f"version {version}"
            await store.add_operation(conn, by, "units.apply", profile.unit, said)
        await self.reload()
        shown = await self._missing_secrets(profile)
        self.say("unit.applied", unit_id=profile.unit, version=version, by=by)
        return Applied(profile.unit, version, state, shown, findings)

    async def export(self, unit_id: str, schema: str = SCHEMA_URL) -> str:
        """The profile in force, as YAML that ``apply`` takes."""
        async with self.pool.acquire() as conn:
            kept = await store.unit_profile(conn, unit_id)
        if kept is None:
            raise without_profile(unit_id, self.registry())
        return Profile.model_validate_json(kept.document).yaml(schema)

    async def set_state(self, unit_id: str, state: UnitState, by: str, reason: str) -> None:
        """Move a unit to a state. ``live`` is an administrator's recorded approval until certification exists."""
        async with self.pool.acquire() as conn, conn.transaction():
            kept = await store.unit_profile(conn, unit_id)
            if kept is None:
                raise without_profile(unit_id, self.registry())
            approved = by if state is UnitState.LIVE else None
            await store.put_state(conn, unit_id, state, kept.version, approved)
            await store.add_operation(conn, by, f"units.{state}", unit_id, reason)
        await self.reload()
        self.say("unit.approved" if state is UnitState.LIVE else "unit.moved", unit_id=unit_id, state=state, by=by)

    async def issue_key(
        self, unit_id: str, by: str, *, admin: bool = False, note: str = "", days: int | None = None
    ) -> tuple[Secret, CredentialRow]:
        """A new API key; its text is shown once and never kept."""
        now = machine_now()
        if unit_id not in self.registry().directory(now).units:
            raise without_profile(unit_id, self.registry())
        scopes = [Scope.UNIT, Scope.ADMIN] if admin else [Scope.UNIT]
        expires = now + timedelta(days=days) if days else None
        made = mint(unit_id, scopes, now, note, expires)
        async with self.pool.acquire() as conn, conn.transaction():
            await store.add_key(conn, made.row)
            await store.add_operation(conn, by, "keys.issue", made.row.key_id, unit_id)
        # Who was just given a key uses it at once.
        await self.reload()
        self.say("key.issued", unit_id=unit_id, key_id=made.row.key_id, by=by)
        return made.text, made.row

    async def revoke_key(self, key_id: str, by: str) -> bool:
        """Revoke a key everywhere, within seconds."""
        async with self.pool.acquire() as conn, conn.transaction():
            done = await store.revoke_key(conn, key_id)
            await store.add_operation(conn, by, "keys.revoke", key_id)
        if done:
            await self.reload()
            self.say("key.revoked", key_id=key_id, by=by)
        return done

    async def rotate_signing(self, connection_id: str, by: str) -> tuple[tuple[str, Secret], ...]:
        """New signing secrets for a connection; the old ones sign beside them for a day."""
        connection = self.registry().connections.get(connection_id)
        if (
            connection is not None
            and connection.transport is Transport.RABBITMQ
            and "broker" not in connection.settings
        ):
            made = await new_password(self.safe, connection_id)
            async with self.pool.acquire() as conn:
                await store.add_operation(conn, by, "secrets.rotate", connection_id)
            return (made,)
        if connection is None or connection.transport is not Transport.REST:
            raise Problem(
                "not_found",
                f"没有由枢纽签发密钥的连接 {connection_id};写作 单位.连接。",
                f"No connection {connection_id} has a secret of the hub's making; it is written as unit.connection.",
            )
        shown = await self._new_secrets(connection_id, Signing(connection.settings.get("signing", Signing.HMAC)))
        async with self.pool.acquire() as conn:
            await store.add_operation(conn, by, "secrets.rotate", connection_id)
        return shown

    async def resume_lane(self, connection_id: str, by: str) -> bool:
        """Let a paused lane go on."""
        async with self.pool.acquire() as conn, conn.transaction():
            done = await lanes.resume(conn, connection_id)
            await store.add_operation(conn, by, "lanes.resume", connection_id)
        return done

    async def _findings(self, profile: Profile, lines: Lines) -> tuple[Violation, ...]:
        """Named secrets that nobody has put yet."""
        return tuple(
            line_of(
                Violation(
                    pointer(named.place),
                    f"密钥 {named.name} 还没有存入:./cityhub secrets put {profile.unit} {named.name}",
                    f"the secret {named.name} is not kept yet: ./cityhub secrets put {profile.unit} {named.name}",
                    "secret",
                ),
                lines,
            )
            for named in await self.secrets.missing(profile)
        )

    async def _read(self, text: str) -> tuple[Profile, Lines]:
        profile, lines = read_profile(text)
        faults: list[Violation] = []
        for index, connection in enumerate(profile.connections):
            for fault in await self.check.faults(connection):
                at = pointer(("connections", index, *fault.place))
                faults.append(Violation(at, fault.zh, fault.en, fault.rule))
        if faults:
            raise Problem("profile_invalid", violations=tuple(line_of(fault, lines) for fault in faults))
        return profile, lines

    async def _missing_secrets(self, profile: Profile) -> tuple[tuple[str, Secret], ...]:
        shown: list[tuple[str, Secret]] = []
        for entry in profile.connections:
            if entry.rest is None:
                continue
            connection_id = f"{profile.unit}.{entry.name}"
            have = await self.safe.signing(connection_id)
            wants = entry.rest.signing
            if (wants in (Signing.HMAC, Signing.BOTH) and not have.symmetric) or (
                wants in (Signing.ED25519, Signing.BOTH) and not have.asymmetric
            ):
                shown.extend(await self._new_secrets(connection_id, wants))
        shown += await missing_passwords(self.safe, profile)
        return tuple(shown)

    async def _new_secrets(self, connection_id: str, signing: Signing) -> tuple[tuple[str, Secret], ...]:
        shown: list[tuple[str, Secret]] = []
        if signing in (Signing.HMAC, Signing.BOTH):
            symmetric = generate_symmetric()
            await self.safe.put(connection_id, f"{SIGNING}/hmac", symmetric)
            shown.append((connection_id, symmetric))
        if signing in (Signing.ED25519, Signing.BOTH):
            private = generate_asymmetric()
            await self.safe.put(connection_id, f"{SIGNING}/ed25519", private)
            # The private key never leaves the hub: the unit gets the public one.
            shown.append((connection_id, Secret(public_text(private.reveal()))))
        return tuple(shown)
