"""Telecoms and utilities (通信、公用事业): systems with an HTTP server that the hub pushes signed letters to."""

from __future__ import annotations

from hub.demo.partners.common import Scene, run_partner
from hub.demo.partners.receiving import Receiving, answer_at_once


def main() -> None:
    """The process."""
    receiving = Receiving(answer_at_once)

    async def play(scene: Scene) -> None:
        receiving.open_counters(scene)

    run_partner(play, receiving.listen)


if __name__ == "__main__":
    main()
