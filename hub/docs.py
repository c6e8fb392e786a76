"""Pages generated from the code's own tables: the life cycle with its picture, the problems."""

from __future__ import annotations

from contracts.catalogue import page as contracts_page
from contracts.problem import PROBLEMS
from hub.life_cycle import ACTORS, OVER, STAGE_OF, STAGE_WORDS, STATE_WORDS, STEP_WORDS, STEPS, State


def pages() -> dict[str, str]:
    """Path → text of every generated page."""
    return {
        "docs/life-cycle.md": life_cycle(),
        "docs/problems.md": problems(),
        "docs/contracts.md": contracts_page(),
    }


def life_cycle() -> str:
    """The table of steps, and the picture drawn from it."""
    lines = [
        "# 案件生命周期 / The life of a case",
        "",
        "由 `hub/life_cycle.py` 的表生成(`./cityhub docs`)。 Generated from the table in `hub/life_cycle.py`.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    direction LR",
    ]
    lines += [f"    {state.value}: {word.zh} {word.en}" for state, word in STATE_WORDS.items() if _used(state)]
    for (origin, step), target in STEPS.items():
        lines.append(f"    {origin.value if origin else '[*]'} --> {target.value}: {STEP_WORDS[step].zh}")
    lines += [f"    {state.value} --> [*]" for state in State if state in OVER and _used(state)]
    lines += ["```", "", "| 从 from | 步骤 step | 到 to | 谁 who | 阶段 stage |", "| --- | --- | --- | --- | --- |"]
    for (origin, step), target in STEPS.items():
        start = f"{STATE_WORDS[origin].zh} `{origin.value}`" if origin else "—"
        who = ", ".join(sorted(actor.value for actor in ACTORS[step]))
        stage = STAGE_WORDS[STAGE_OF[target]].zh
        lines.append(
            f"| {start} | {STEP_WORDS[step].zh} `{step.value}` "
            f"| {STATE_WORDS[target].zh} `{target.value}` | {who} | {stage} |"
        )
    return "\n".join(lines) + "\n"


def problems() -> str:
    """The table of problems."""
    lines = [
        "# 错误目录 / Problems",
        "",
        "RFC 9457;`type` 以此结尾,`/problems/{kind}` 可查。 Every refusal of the hub.",
        "",
        "| kind | status | 中文 | English | 可重发 retryable |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, row in PROBLEMS.items():
        again = "✓" if row.retryable else ""
        lines.append(f"| `{kind}` | {row.status} | {row.title_zh} | {row.title_en} | {again} |")
    return "\n".join(lines) + "\n"


def _used(state: State) -> bool:
    return any(state in (origin, target) for (origin, _), target in STEPS.items())
