"""docs write, check: the pages that are generated from the code's own tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hub.docs import pages


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("docs", help="重新生成文档 / write the generated pages anew")
    made.add_argument("--check", action="store_true", help="只检查是否过期 / only say whether they are stale")
    made.set_defaults(run=_docs)


def _docs(given: argparse.Namespace) -> int:
    from hub.app import event_page

    root = Path(__file__).parent.parent.parent
    wanted = {**pages(), "docs/events.md": event_page()}
    stale = [name for name, text in wanted.items() if not _same(root / name, text)]
    if given.check:
        for name in stale:
            print(f"{name} 已过期 / is stale")
        return 1 if stale else 0
    for name in stale:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(wanted[name], encoding="utf-8")
        print(name)
    return 0


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
