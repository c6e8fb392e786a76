"""The yardstick: pgbench writes the rows of one message in one transaction each, into the same database."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from pathlib import Path

from hub.case_numbers import case_id
from hub.store.binaries import binaries_folders

SCRIPT = Path(__file__).parent / "yardstick.sql"


async def transactions_per_second(dsn: str, day: datetime, seconds: int, clients: int = 16) -> float:
    """Run it for cases of the month of ``day``, whose partitions must be there. Raises ``SystemExit``."""
    tool = next(folder / "pgbench" for folder in binaries_folders() if (folder / "pgbench").is_file())
    month = day.year * 10_000 + day.month * 100
    process = await asyncio.create_subprocess_exec(
        str(tool),
        *("-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds)),
        *("-D", f"low={case_id(month + 1, 0)}", "-D", f"high={case_id(month + 28, 0)}"),
        *("-f", str(SCRIPT)),
        dsn,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await process.communicate()
    found = re.search(rb"tps = ([0-9.]+)", out)
    if process.returncode or not found:
        raise SystemExit(f"pgbench failed: {said.decode('utf-8', 'replace')[:500]}")
    return float(found[1])
