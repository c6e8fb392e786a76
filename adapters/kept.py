"""What an adapter makes of a connection once, and keeps until the connection's profile changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from contracts.model import Model
from contracts.nouns import Connection

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=Model)


@dataclass(slots=True)
class Kept(Generic[T]):
    """One thing for each connection; ``make`` makes it anew where the connection is not what it was.

    ``drop`` is given what is kept no longer.
    """

    make: Callable[[Connection], T]
    drop: Callable[[T], None] | None = None
    _made: dict[str, tuple[Connection, T]] = field(default_factory=dict, repr=False)

    def of(self, connection: Connection) -> T:
        """The connection's own."""
        kept = self._made.get(connection.connection_id)
        if kept is not None and (kept[0] is connection or kept[0] == connection):
            return kept[1]
        made = self.make(connection)
        if kept is not None and self.drop is not None:
            self.drop(kept[1])
        self._made[connection.connection_id] = (connection, made)
        return made

    def all(self) -> list[T]:
        """All that is kept."""
        return [made for _, made in self._made.values()]


def section(model: type[ModelT], settings: Mapping[str, Any]) -> ModelT:
    """A section of the profile out of a connection's settings, which hold more than it."""
    said = {name: value for name, value in settings.items() if name in model.model_fields}
    return model.model_validate(said, strict=False)
