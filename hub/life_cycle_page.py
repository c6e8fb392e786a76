"""The page of the life cycle (案件生命周期), picture and table, drawn from the one table of steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.life_cycle import (
    ACTORS,
    OVER,
    STAGE_OF,
    STAGE_WORDS,
    STATE_WORDS,
    STEP_WORDS,
    STEPS,
    Actor,
    Stage,
    State,
    Step,
)

ACTOR_WORDS = {
    Actor.REPORTER: ("上报单位", "reporter"),
    Actor.COMMAND_CENTER: ("指挥中心", "command centre"),
    Actor.HUB: ("按规则", "by rule"),
    Actor.LEAD: ("牵头单位", "lead unit"),
    Actor.ASSISTANT: ("协助单位", "assisting unit"),
    Actor.COORDINATOR: ("协调单位", "coordinator"),
    Actor.VERIFIER: ("采集单位", "collector"),
}

OPEN = tuple(state for state in State if state not in OVER)

HEAD = """\
# 案件生命周期 / The life of a case

由 `hub/life_cycle.py` 的表生成(`./cityhub docs`)。 Generated from the table in `hub/life_cycle.py`.
"""


def life_cycle() -> str:
    """The picture of what moves a case on, then every step of the table."""
    return "\n".join([HEAD, *_picture(), "", *_everywhere(), "", *_stages(), "", *_table()]) + "\n"


def _picture() -> Iterator[str]:
    """The states and what leads from one to another; what may happen in every open state is told below it."""
    yield from ("```mermaid", "stateDiagram-v2", "    direction LR")
    yield from (f"    {state.value}: {STATE_WORDS[state].zh} {STATE_WORDS[state].en}" for state in State)
    labels: dict[tuple[State | None, State], list[str]] = {}
    for (origin, step), target in STEPS.items():
        if origin is not target and step not in _steps_everywhere():
            labels.setdefault((origin, target), []).append(STEP_WORDS[step].zh)
    for (origin, target), words in labels.items():
        yield f"    {origin.value if origin else '[*]'} --> {target.value}: {'、'.join(words)}"
    yield from (f"    {state.value} --> [*]" for state in State if state in OVER)
    yield "```"


def _everywhere() -> Iterator[str]:
    """Steps that every open state knows: as lines of the picture they would hide the rest."""
    for step in _steps_everywhere():
        targets = {STEPS[state, step] for state in OPEN}
        to = STATE_WORDS[targets.pop()] if len(targets) == 1 else None
        zh, en = (f" → {to.zh}", f" → {to.en}") if to else (",状态不变", ", the state stays")
        yield f"- 任何未结状态 / from every open state: {STEP_WORDS[step].zh}{zh} / {STEP_WORDS[step].en}{en}"


def _stages() -> Iterator[str]:
    yield from ("| 阶段 stage | 状态 states |", "| --- | --- |")
    for stage in Stage:
        states = [_state(state) for state in State if STAGE_OF[state] is stage]
        yield f"| {STAGE_WORDS[stage].zh} `{stage.value}` | {'、'.join(states)} |"


def _table() -> Iterator[str]:
    """One row for each step and where it leads."""
    yield from ("| 步骤 step | 从 from | 到 to | 谁 who |", "| --- | --- | --- | --- |")
    for step in Step:
        stays = [state for state in State if STEPS.get((state, step)) is state]
        leads: dict[State, list[State | None]] = {}
        for (origin, taken), target in STEPS.items():
            if taken is step and origin is not target:
                leads.setdefault(target, []).append(origin)
        if stays:
            yield _row(step, stays, "不变 stays")
        for target, origins in leads.items():
            yield _row(step, origins, _state(target))


def _row(step: Step, origins: Sequence[State | None], to: str) -> str:
    start = "、".join(_state(origin) if origin else "—" for origin in origins)
    who = "、".join("{} {}".format(*ACTOR_WORDS[actor]) for actor in Actor if actor in ACTORS[step])
    return f"| {STEP_WORDS[step].zh} `{step.value}` | {start} | {to} | {who} |"


def _state(state: State) -> str:
    return f"{STATE_WORDS[state].zh} `{state.value}`"


def _steps_everywhere() -> tuple[Step, ...]:
    return tuple(step for step in Step if all((state, step) in STEPS for state in OPEN))
