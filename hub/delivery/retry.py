"""When to try a letter again, and when to bury it. Pure: it does not sleep, log or write."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.pace import RETRY, Retry

SCHEDULE_SECONDS = (1.0, 5.0, 30.0, 120.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0)
"""The pauses of Standard Webhooks' example schedule, quicker at first because a case's clock runs."""

ATTEMPTS_MAX = RETRY.attempts_max
PAUSE_MIN_SECONDS = 0.2
SLACK_SHARE = 8.0
"""While a deadline is ahead, a pause is at most this part of what is left of it."""

RETRY_AFTER_MAX_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Wait this long on the machine's clock, then try once more."""

    pause_seconds: float


@dataclass(frozen=True, slots=True)
class Bury:
    """No more tries: a person decides."""

    reason: str


def after_failure(
    attempt: int,
    *,
    slack_seconds: float | None,
    retry_after_seconds: float | None,
    chance: float,
    policy: Retry = RETRY,
) -> TryAgain | Bury:
    """What to do after the ``attempt``-th try failed (1 is the first).

    ``slack_seconds`` is the machine time left until the letter's deadline; None where it has none. ``chance`` in
    [0, 1) spreads the tries of many letters (full jitter over the upper half). The unit's own ``Retry-After`` is a
    lower bound, itself bounded by an hour. ``policy`` is the unit's: its pauses grow like the schedule's.
    """
    if attempt >= policy.attempts_max:
        return Bury(f"gave up after {attempt} attempts")
    step = SCHEDULE_SECONDS[min(attempt, len(SCHEDULE_SECONDS)) - 1]
    pause = min(policy.first_pause_seconds * step / SCHEDULE_SECONDS[0], policy.longest_pause_seconds)
    if slack_seconds is not None and slack_seconds > 0:
        pause = min(pause, slack_seconds / SLACK_SHARE)
    pause = pause * (0.5 + chance / 2)
    if retry_after_seconds is not None:
        pause = max(pause, min(retry_after_seconds, RETRY_AFTER_MAX_SECONDS) * (1 + chance / 10))
    return TryAgain(max(pause, PAUSE_MIN_SECONDS))
