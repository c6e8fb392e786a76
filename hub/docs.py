"""Pages generated from the code's own tables: the life cycle with its picture, the problems."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.catalogue import page as contracts_page
from contracts.city import TALLY_WORDS, Formula, Indicator, Reckoning, load_city
from contracts.problem import PROBLEMS
from hub.first_start import SHIPPED_CITY
from hub.life_cycle_page import life_cycle


def pages() -> dict[str, str]:
    """Path → text of every generated page."""
    return {
        "docs/life-cycle.md": life_cycle(),
        "docs/problems.md": problems(),
        "docs/contracts.md": contracts_page(),
        "docs/evaluation.md": evaluation(load_city(SHIPPED_CITY).formulas),
    }


EVALUATION = """\
# 评价考核 / Evaluation

由 `contracts/city/formulas.py` 的计数和 `contracts/cities/quzhou/evaluation/` 的考核办法生成(`./cityhub docs`)。
Generated from the tallies in `contracts/city/formulas.py` and the city's formulas.

- 查看 / look: `./cityhub evaluate --month 2026-11 [--cases on_time_rate] [--format csv|xlsx]`,
  `GET /api/v1/evaluation?period=2026-11&cases=on_time_rate`
- 期 / period: 城市的起止日,均含 / city days, both included. 期内各数按期末状况计;期未满的按当时计。
  A period is judged as things stood at its end; one that still runs, by now.
- 所知 / known: 结果只取决于日志。`known_at` 给出当时所知的数字,已公布的数字可以重算。
  Figures follow from the log alone; `known_at` gives them as they were known then: what was published comes out again.
- 演练、测试案件一律不计。 Drills and tests never count.
- 各数精确计算,仅在显示时四舍五入。 Reckoned exactly, rounded only where shown.
- 处置用时 / handling time: 责任单位自身用时,不含挂账、争议成立、枢纽及网络耽误的时间;甲档(A)为自然时间,其余为工作时间。
  The unit's own time, without what was suspended, rightly disputed, or lost by the hub or the network; natural time for
  tier A, working time for the others.
- 月度通报 / the monthly notice: `./cityhub notice --month 2026-11 --out 通报.pdf`, 工作台 `/notices/2026-11`,
  `GET /api/v1/notices/2026-11.pdf`. 每一数字即下列计数;注明所知时刻和复算的命令。 Each number is one of the tallies
  below; the notice states the moment of its knowledge and the command that makes it again.
- 推演 / what-if: `./cityhub whatif --month 2026-11 --city 改动后的文件夹 [--formula 办法.toml]`, 只读 / read-only.
  规则最初所定的派遣按改动后的矩阵重定(部件权属按当时台账),时限按改动后的档次和日历重算;接手单位按原单位所用时间计。
  人工指定的单位、时限和批准的延期不变;不明确的转入协调,不计给任何单位。
  What a rule decided at first is decided again by the changed matrix, with the register as it was; deadlines are
  reckoned again; whoever gets a case takes the time that was really taken. A unit or a deadline set by hand, and a date
  granted, stay. What becomes unclear counts for nobody.

"""


def evaluation(formulas: Sequence[Formula]) -> str:
    """What is counted, and how each version of the city makes its indicators of that."""
    lines = [
        *EVALUATION.splitlines(),
        "## 计数 / What is counted",
        "",
        "| 计数 tally | 含义 | meaning |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{tally.value}` | {zh} | {en} |" for tally, (zh, en) in TALLY_WORDS.items()]
    for formula in formulas:
        lines += [
            "",
            f"## 考核办法第 {formula.version} 版,自 {formula.valid_from} 起 / version {formula.version}",
            "",
            f"`{formula.certainty.value}`: {formula.source}",
            "",
            "| 指标 | indicator | id | 公式 formula |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {each.zh} | {each.en} | `{each.indicator_id}` | {_formula(each)} |" for each in formula.indicators
        ]
        weights = " + ".join(f"{points} × `{name}`" for name, points in formula.weights)
        lines += [
            "",
            f"**得分 / score** (满分 {formula.points}): {weights}",
            "",
            "某率无数据时,其分值按比例由其余各率分担。 A rate with nothing to count leaves its points to the others.",
            "",
            "组内排名,得分相同名次相同。 Ranks are within a group; equals share a rank.",
            "",
        ]
        lines += [
            f"- **{group.zh} / {group.en}**: {', '.join(f'`{unit}`' for unit in group.units)}"
            for group in formula.groups
        ]
    return "\n".join(lines) + "\n"


def _formula(indicator: Indicator) -> str:
    numerator = f"`{indicator.numerator.value}`"
    match indicator.reckoning:
        case Reckoning.COUNT:
            return numerator
        case Reckoning.RATE if indicator.denominator is not None:
            return f"{numerator} ÷ `{indicator.denominator.value}`"
        case Reckoning.PERCENTILE:
            return (
                f"{numerator}: 用时从短到长第 {indicator.percentile}% 位 / time at the {indicator.percentile}th of 100"
            )
        case _:
            return f"{numerator}: 用时的平均 / mean time"


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
