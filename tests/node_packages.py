"""Programs of npm that tests run: installed once, outside the tree, and found again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INSTALL_SECONDS = 300


def node_folder(*packages: str) -> Path:
    """A folder whose ``node_modules`` has these (``name@range``); skips the test where node cannot be had."""
    if shutil.which("node") is None:
        pytest.skip("node 没有安装 / node is not installed")
    names = [package.rpartition("@")[0] for package in packages]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cityhub" / "node"
    for folder in (ROOT / ".venv" / "node", cache):
        if all((folder / "node_modules" / name).is_dir() for name in names):
            return folder
    cache.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["npm", "install", "--prefix", str(cache), "--no-fund", "--no-audit", *packages],
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
    )
    if done.returncode:
        pytest.skip(f"npm 装不上 / npm cannot install {packages}: {done.stderr[-300:]}")
    return cache
