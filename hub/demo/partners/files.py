"""A post office that has nothing but a folder (邮政): it fetches files and leaves files, CSV in GB18030.

What the hub made of a file it learns from the receipt that the hub leaves.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.demo.hub_client import Answer, HubClient
from hub.demo.partners.common import Event, Mailroom, Scene, run_partner
from hub.demo.partners.own_words import OwnVoice, Saying, letter, order
from hub.demo.partners.unit_work import UnitWork

ENCODING = "gb18030"
LOOK_SECONDS = 0.2
REPLIES = ("编号", "案件号", "类型", "说明", "人员")
WORDS = {"acknowledgement": "签收", "return": "退回"}
CONTRACTS = {"派遣": "case.dispatch", "撤回": "case.recall_notice"}


@dataclass(slots=True)
class Counter:
    """The office's counter: the folder, its mailroom, its work, and the files whose receipts are not there yet."""

    folder: Path
    mailroom: Mailroom
    work: UnitWork
    left: dict[str, Saying] = field(default_factory=dict)

    async def look(self) -> None:
        """For as long as the process runs, fetch what lies there."""
        while True:
            for path in lying(self.folder / "outbox"):
                for fresh in self.mailroom.arrived(map(read, rows(path))):
                    self.work.begin(fresh)
                path.unlink()
            for path in lying(self.folder / "receipts"):
                self.heed(path)
            await asyncio.sleep(LOOK_SECONDS)

    def heed(self, receipt: Path) -> None:
        """Note what was refused."""
        saying = self.left.pop(receipt.name.partition(".")[0], None)
        for row in rows(receipt):
            if saying is not None and row.get("outcome") == "refused":
                told = {"what": "message.refused", "unit": self.mailroom.unit_id, "message_id": saying.key}
                self.mailroom.journal.write({**told, "kind": f"case.{saying.route}", "problem": row["reason"]})
        receipt.unlink()

    def leave(self, saying: Saying) -> None:
        """A file for the hub: written aside, and named only once it is whole."""
        name = f"reply-{len(self.left):04d}-{saying.key}"
        self.left[name] = saying
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, REPLIES)
        writer.writeheader()
        writer.writerow(write(saying, self.work.name))
        aside = self.folder / f"{name}.writing"
        aside.write_bytes(text.getvalue().encode(ENCODING))
        aside.rename(self.folder / "inbox" / f"{name}.csv")


def lying(folder: Path) -> list[Path]:
    """The whole files of a folder, the oldest first."""
    found = [path for path in folder.glob("*.csv") if not path.name.startswith(".")]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def rows(path: Path) -> Iterator[Mapping[str, str]]:
    """The rows of a file, by the names in its first line."""
    return csv.DictReader(io.StringIO(path.read_bytes().decode(ENCODING), newline=""))


def read(row: Mapping[str, str]) -> Event:
    """A row as the work knows it."""
    contract = CONTRACTS.get(row["类型"], "case.reminder")
    if contract != "case.dispatch":
        return letter(row["信件号"], contract, row["案件号"], row["顺序"], about="notice")
    needed = order(
        number=int(row["派遣次数"]),
        round=int(row["轮次"]),
        category_code=row["类别"],
        category_name=row["类别名称"],
        address=row["地址"],
        due_at=row["截止时间"],
    )
    return letter(row["信件号"], contract, row["案件号"], row["顺序"], **needed)


def write(saying: Saying, name: str) -> dict[str, str]:
    """A message as a row."""
    body = saying.body
    word = WORDS.get(saying.route) or ("完成" if body.get("final", True) else "进展")
    text = str(body.get("description") or body.get("reason") or "")
    return dict(zip(REPLIES, (saying.key, saying.case_number, word, text, f"{name}投递部"), strict=True))


async def play(scene: Scene) -> None:
    """The office."""
    access = scene.config.units[0]
    folder = Path(access.own["folder"])
    for part in ("inbox", "outbox", "receipts"):
        (folder / part).mkdir(parents=True, exist_ok=True)

    async def tell(saying: Saying) -> Answer | None:
        counter.leave(saying)
        return None

    client = HubClient(scene.session, scene.config.url, access.key)
    voice = OwnVoice(access.unit_id, client, scene.journal, tell, "file")
    work = UnitWork(scene, voice, access.name_zh)
    counter = Counter(folder, Mailroom(access.unit_id, "file", scene.journal), work)
    scene.tasks.create_task(counter.look())


if __name__ == "__main__":
    run_partner(play)
