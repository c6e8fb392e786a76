"""The collection company: its collectors report on their rounds and look at the spot when asked."""

from __future__ import annotations

import asyncio
from typing import Any

from hub.demo.partners.office import Office, run

UNIT = "collection"


async def walk(office: Office) -> None:
    """Report the day's problems while verifying what is asked."""
    office.begin(report_all(office))
    while True:
        status, said = await office.call(UNIT, "GET", "/api/v1/inbox?wait=20&limit=50")
        if status != 200:
            await asyncio.sleep(0.5)
            continue
        new = [each["event"] for each in said["items"] if office.journal.received(UNIT, each["event"])]
        if said["items"]:
            body = {"lease_id": said["lease_id"], "letters": [each["letter_id"] for each in said["items"]]}
            await office.call(UNIT, "POST", "/api/v1/inbox/ack", body)
        for event in new:
            office.begin(verify(office, event))


async def report_all(office: Office) -> None:
    """Every planned report at its time, under its own id; some are sent twice, as phones in bad reception do."""
    at = 0.0
    for report in office.config["reports"]:
        await office.city_minutes(report["at_minutes"] - at)
        at = report["at_minutes"]
        office.begin(report_one(office, report))


async def report_one(office: Office, report: dict[str, Any]) -> None:
    """One report with its photo."""
    body = {**report["body"], "photos": await office.photo(UNIT)}
    headers = {"Idempotency-Key": report["sender_case_id"], "ce-sendercase": report["sender_case_id"]}
    for _ in range(2 if office.chance.random() < 0.1 else 1):
        status, said = await office.call(UNIT, "POST", "/api/v1/cases", body, headers=headers)
        number = said.get("case_number") if status == 201 else None
        office.journal.note("reported", sender_case_id=report["sender_case_id"], status=status, case_number=number)


async def verify(office: Office, event: dict[str, Any]) -> None:
    """Go there, look, tell. Some work is found wanting, the first time."""
    asked = event["data"]
    await office.city_minutes(office.chance.uniform(5, 40))
    failed = asked["round"] == 1 and office.chance.random() < office.config["fails"]
    body = {
        "finding": "failed" if failed else "passed",
        "description": "现场仍未恢复" if failed else "现场已恢复",
        "collector": f"采集员 {office.chance.randrange(1, 40):02d}",
        "photos": await office.photo(UNIT),
    }
    await office.send(UNIT, event["subject"], "verification", body)


if __name__ == "__main__":
    run(walk)
