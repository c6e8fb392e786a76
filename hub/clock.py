"""The two clocks. The city clock runs deadlines and may run faster; the machine's runs leases, always real."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def machine_now() -> datetime:
    """Real time, UTC: for leases, time limits, signatures, tokens."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class CityClock:
    """City time as a line over machine time: one anchor and a rate, the same in every process."""

    machine_anchor: datetime
    city_anchor: datetime
    rate: float = 1.0

    def at(self, machine: datetime) -> datetime:
        """The city time at a machine time."""
        return self.city_anchor + (machine - self.machine_anchor) * self.rate

    def now(self) -> datetime:
        """City time now."""
        return self.at(machine_now())

    def machine_span(self, city_span: timedelta) -> timedelta:
        """How long a span of city time takes on the machine's clock."""
        return city_span / self.rate
