"""The import rules hold, and each was seen to fail on a seeded fault."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("contracts", "auth", "monitoring", "adapters", "hub")

FAULTS = {
    "contracts, auth and monitoring import nothing of ours": ("contracts/nouns.py", "import auth.redaction"),
    "contracts, auth and monitoring stand below adapters and the hub": ("auth/redaction.py", "import hub.say"),
    "adapters see contracts and auth's port only": ("adapters/guard.py", "import auth.sealing"),
    "only hub.app sees adapters and monitoring": ("hub/intake.py", "import monitoring.events"),
    "rules are pure: no store, no web, no clock of the machine": ("hub/decide/handling.py", "import hub.store.pool"),
    "the store knows neither intake, delivery nor the face": ("hub/store/pool.py", "import hub.intake"),
    "zeep has one home": ("adapters/checks.py", "import zeep"),
    "no circles": ("hub/api/deps.py", "import hub.console.pages"),
    "pika has one home": ("hub/reception.py", "import pika"),
    "the demo knows only the public interface": ("hub/demo/checks.py", "import hub.store.reading"),
}


def broken(folder: Path) -> set[str]:
    """The names of the rules that do not hold in a tree."""
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [line.partition(" BROKEN") for line in run.stdout.splitlines()]
    return {name.strip() for name, found, _ in lines if found}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_rule_holds(tree: Path) -> None:
    assert broken(tree) == set()


@pytest.mark.parametrize("rule", sorted(FAULTS))
def test_a_seeded_fault_breaks_its_rule(tree: Path, rule: str) -> None:
    name, line = FAULTS[rule]
    path = tree / name
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    assert rule in broken(tree)
