"""How what lives here tells what happened: the hub hands in its own ``Say``."""

from __future__ import annotations

from typing import Protocol

from contracts.nouns import Connection


class Say(Protocol):
    """Says one event, ``noun.past_verb``, with its fields. Never raises."""

    def __call__(self, event: str, /, **fields: object) -> None: ...


def tell_provided(say: Say, connection: Connection, queue: str, *, again: bool) -> None:
    """A queue was made: for the first time, or ``again`` because somebody deleted it."""
    if again:
        say("queue.provided_again", connection_id=connection.connection_id, unit_id=connection.unit_id, queue=queue)
    else:
        say("broker.changed", connection_id=connection.connection_id, what=f"+{queue}")
