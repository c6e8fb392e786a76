"""The poller: asks a unit from where it last stopped, hands in what it answers, and moves on once that is committed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapters.answers import Answers
from adapters.arriving import Fetched, HandingIn, took_effect_or_never_will
from adapters.documents import DocumentFault
from adapters.http.authentication import Authenticator, Caller, is_401
from adapters.http.calls import HttpAnswer, HttpCalls, machine_now
from adapters.http.statuses import CONTROL_HEADERS, outcome
from adapters.kept import Kept
from adapters.mapping import Mapper, mapper_of
from adapters.mapping.dates import date_writer
from adapters.polling.asking import request, secrets_of
from adapters.polling.page import Page, page_document, read_page
from adapters.polling.progress import Progress, asked_for, moved, progress_of
from auth.port import Secrets
from contracts.nouns import Connection
from contracts.port import Bookmark, DeliveryFailed, Reception, Refused, Unauthorised, Unavailable
from contracts.problem import Problem
from contracts.ways.poll import CursorKind, PollSettings

HANDED_IN_MAX = 200
"""Items that are handed in at once: less than fills one batch of the intake."""

_NO_CONTENT = (204, 304)


@dataclass(frozen=True, slots=True)
class _Way:
    """How one connection is polled."""

    settings: PollSettings
    caller: Caller
    mapper: Mapper
    answers: Answers | None
    secrets: frozenset[str]
    faults: Counter[str] = field(default_factory=Counter)


class PollSource:
    """Polls units over HTTP; implements ``contracts.port.Source``."""

    def __init__(self, secrets: Secrets, calls: HttpCalls, now: Callable[[], datetime] = machine_now) -> None:
        self._authenticator = Authenticator(secrets, calls)
        self._now = now
        self._ways: Kept[_Way] = Kept(_way)

    async def collect(self, connection: Connection, bookmark: Bookmark, reception: Reception) -> None:
        """Ask, hand in and wait, until cancelled."""
        way = self._ways.of(connection)
        handing_in = HandingIn(connection, way.mapper, reception, "poll", self._now, way.faults)
        poll = _Poll(self, way, connection, bookmark, handing_in)
        idle = 0
        while True:
            idle = 0 if await poll.round() else idle + 1
            await asyncio.sleep(pause(way.settings, idle, random.random()))

    async def close(self) -> None:
        """End token fetches under way; the HTTP client is its owner's."""
        await self._authenticator.close()

    async def ask(self, way: _Way, connection: Connection, cursor: str) -> Page:
        """One page. Raises ``Unavailable``, ``Refused`` or ``Unauthorised``."""
        settings = way.settings
        zone = settings.cursor.zone if settings.cursor is not None else "Asia/Shanghai"
        date = settings.cursor.date if settings.cursor is not None else "iso"
        values = {"cursor": cursor, "limit": str(settings.limit)}
        values["now"] = str(date_writer(date, zone)(self._now().isoformat()))
        for name in way.secrets:
            values[f"secret:{name}"] = await self._authenticator.secret(connection.unit_id, name)
        try:
            asked = request(settings, values)
        except DocumentFault as fault:
            raise _unreadable(fault) from None
        answer = await self._authenticator.call(
            way.caller,
            asked.url,
            asked.headers,
            asked.body,
            limit_seconds=connection.timeout_seconds,
            method=settings.method.value,
            wanted=CONTROL_HEADERS,
            # One byte more tells a page that is too long from one that is just as long as it may be.
            answer_max=settings.written_as.bytes_max + 1,
            turned_away=lambda answer: is_401(answer) or isinstance(_failure(way, answer), Unauthorised),
        )
        failure = _failure(way, answer)
        if failure is not None:
            raise failure
        if answer.status in _NO_CONTENT or not answer.body:
            return Page((), False)
        try:
            return read_page(page_document(answer.body, settings.written_as), settings, cursor)
        except DocumentFault as fault:
            raise _unreadable(fault, answer) from None


@dataclass(slots=True)
class _Poll:
    """One connection being polled: where it stands, between one collector's beginning and its end."""

    source: PollSource
    way: _Way
    connection: Connection
    bookmark: Bookmark
    handing_in: HandingIn
    _progress: Progress = field(init=False)
    _moved: bool = False

    def __post_init__(self) -> None:
        try:
            self._progress = progress_of(self.bookmark.text, self.way.settings.cursor)
        except DocumentFault as fault:
            raise _unreadable(fault) from None

    async def round(self) -> bool:
        """Ask until there is no more. Whether anything new came."""
        settings, since, news = self.way.settings, None, False
        while True:
            cursor = asked_for(self._progress, settings.cursor, since)
            page = await self.source.ask(self.way, self.connection, cursor)
            fresh = [item for item in page.items if item.digest not in self._progress.seen]
            await self._hand_in(fresh)
            try:
                following = moved(self._progress, page, settings.cursor)
            except DocumentFault as fault:
                raise _unreadable(fault) from None
            await self._move(following.progress)
            news = news or bool(fresh)
            if not page.more:
                return news
            if not fresh and asked_for(self._progress, settings.cursor, following.since) == cursor:
                raise _stuck(settings)
            since = following.since

    async def _hand_in(self, items: Sequence[Fetched]) -> None:
        """Every item is settled, or this raises ``Unavailable`` and the page is asked for again."""
        for start in range(0, len(items), HANDED_IN_MAX):
            chunk = items[start : start + HANDED_IN_MAX]
            outcomes = await self.handing_in.outcomes(chunk)
            settled = []
            trouble: Problem | None = None
            for item, result in zip(chunk, outcomes, strict=True):
                if took_effect_or_never_will(result):
                    settled.append(item)
                elif isinstance(result, Problem):
                    trouble = result
            if trouble is not None:
                # What is settled is not handed in again with the rest.
                await self._move(self._progress.settle(settled))
                raise Unavailable(f"枢纽暂不能收下 / the hub cannot take it now ({trouble.kind})")
            if len(items) > HANDED_IN_MAX:
                self._progress = self._progress.settle(settled)

    async def _move(self, progress: Progress) -> None:
        self._progress, text = progress, progress.text()
        # The first move of a collector also tells that what troubled the one before is over.
        if text != self.bookmark.text or not self._moved:
            await self.bookmark.move(text)
            self._moved = True


def pause(settings: PollSettings, idle: int, chance: float) -> float:
    """How long to wait after so many rounds in a row that brought nothing; ``chance`` (0 to 1) spreads the units."""
    longest = max(settings.idle_seconds_max, settings.every_seconds)
    seconds = min(settings.every_seconds * 2.0 ** min(idle, 32), longest)
    return seconds * (0.9 + 0.2 * chance)


def _way(connection: Connection) -> _Way:
    settings = PollSettings.model_validate(connection.settings["poll"], strict=False)
    return _Way(
        settings,
        Caller(connection.unit_id, settings.authentication, settings.client_certificate),
        mapper_of(connection.settings),
        Answers(settings.answers) if settings.answers is not None else None,
        secrets_of(settings),
    )


def _failure(way: _Way, answer: HttpAnswer) -> DeliveryFailed | None:
    """Why an answer is no page: by the profile's rules, and where none holds by its status."""
    if way.answers is not None:
        ruled = way.answers.of_bytes(answer.status, answer.body)
        if ruled is not None:
            return ruled if isinstance(ruled, DeliveryFailed) else None
    if answer.status // 100 == 2 or answer.status in _NO_CONTENT:
        return None
    said = outcome(answer.status, answer.headers, answer.body, answer.answered_at)
    return said if isinstance(said, DeliveryFailed) else None


def _unreadable(fault: DocumentFault, answer: HttpAnswer | None = None) -> Refused:
    kept = answer.body[:2048] if answer is not None else b""
    return Refused(f"{fault.zh} / {fault.en}", answer.status if answer is not None else None, kept)


def _stuck(settings: PollSettings) -> Refused:
    if settings.cursor is not None and settings.cursor.kind is CursorKind.TIME:
        return Refused(
            f"同一时刻的记录超过一页({settings.limit} 条),无法前进;请加大 limit / "
            f"more than a page ({settings.limit}) of records have one time, so there is no way on: raise the limit"
        )
    return Refused("对方说还有下一页,却总是同一页 / the unit says there is more, and answers the same page")
