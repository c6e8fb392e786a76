"""A unit's own secrets (单位密钥): put, listed and removed by name; sealed from the start, every act kept with who."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from auth.redaction import Secret
from contracts.problem import Problem, Violation
from contracts.profile import Profile
from contracts.secret_names import SecretNamed, secrets_of
from hub.clock import machine_now
from hub.registry import Registry
from hub.safe import Safe
from hub.say import Say
from hub.store import registry as store
from hub.store.pool import Pool

VALUE_MAX = 64 * 1024
"""A private key with its chain of certificates is a secret too."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """A secret as it is listed: never its value."""

    name: str
    version: int
    created_at: datetime
    retires_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnitSecrets:
    """The administrator's verbs on the secrets that profiles name."""

    pool: Pool
    safe: Safe
    registry: Callable[[], Registry]
    say: Say
    reload: Callable[[], Awaitable[None]]

    async def put(self, unit_id: str, name: str, value: Secret, by: str) -> int:
        """Keep a new version, in force at once. Raises ``Problem``."""
        self._known(unit_id)
        text = value.reveal()
        if not _NAME.fullmatch(name):
            raise _wrong("name", "名称以小写字母开头,只含 a-z 0-9 _ -", "a name begins with a-z, then a-z 0-9 _ -")
        if not text or len(text) > VALUE_MAX or "\0" in text:
            raise _wrong("value", f"值应为 1 到 {VALUE_MAX} 个字符", f"a value has 1 to {VALUE_MAX} characters")
        version = await self.safe.put_named(unit_id, name, value, by)
        await self.reload()
        self.say("secret.kept", unit_id=unit_id, name=name, version=version, by=by)
        return version

    async def listed(self, unit_id: str) -> list[KeptSecret]:
        """Every version of every secret that is not gone, names in order, newest first. Raises ``Problem``."""
        self._known(unit_id)
        async with self.pool.acquire() as conn:
            return [KeptSecret(*row) for row in await store.secret_versions(conn, unit_id)]

    async def remove(self, unit_id: str, name: str, by: str) -> None:
        """No version of it is good any more. Raises ``Problem`` where there is none."""
        self._known(unit_id)
        async with self.pool.acquire() as conn, conn.transaction():
            if not _NAME.fullmatch(name) or not await store.remove_secret(conn, unit_id, name):
                raise Problem("not_found", f"{unit_id} 没有密钥 {name[:64]}。", f"{unit_id} has no secret {name[:64]}.")
            await store.add_operation(conn, by, "secrets.remove", f"{unit_id}/{name}")
        self.safe.forget()
        await self.reload()
        self.say("secret.removed", unit_id=unit_id, name=name, by=by)

    async def missing(self, profile: Profile) -> list[SecretNamed]:
        """What a profile names and the safe has not."""
        async with self.pool.acquire() as conn:
            kept = {name for name, _, _ in await store.secrets(conn, profile.unit)}
        return [named for named in secrets_of(profile) if named.name not in kept]

    def _known(self, unit_id: str) -> None:
        if unit_id not in self.registry().directory(machine_now()).units:
            raise Problem("unit_unknown", f"城市名录中没有单位 {unit_id}。", f"The directory has no unit {unit_id}.")


def _wrong(field: str, zh: str, en: str) -> Problem:
    return Problem("contract_broken", violations=(Violation(f"#/{field}", zh, en, "secret"),))
