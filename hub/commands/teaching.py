"""What each verb's ``--help`` teaches beyond its arguments: when to use it, and lines that run as they stand."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lesson:
    """A verb in sentences of both languages, and examples of it."""

    zh: str
    en: str
    examples: tuple[str, ...]


LESSONS: Mapping[str, Lesson] = {
    "serve": Lesson(
        "启动枢纽,直到 Ctrl-C。不需任何设置:数据在 ./data(真实 PostgreSQL),页面和接口在 http://127.0.0.1:8080。"
        "首次启动显示一次管理员密钥。每个设置也可用 CITYHUB_* 环境变量给出,见 docs/operations.md。",
        "Runs a hub until Ctrl-C. Nothing needs setting: data in ./data, a real PostgreSQL. The first start shows an "
        "administrator's key, once. Each setting is also a CITYHUB_* variable: docs/operations.md.",
        ("serve", "serve --port 9000 --processes 4", "serve --database postgresql://cityhub@db.example/cityhub"),
    ),
    "backup": Lesson(
        "把数据库和照片备份到一个文件,枢纽可在运行。主密钥不在其中,请另行保管。",
        "Writes the database and the photos into one file; the hub may be running. Keep the master keys apart.",
        ("backup city.tar", "backup --data /var/lib/cityhub city.tar"),
    ),
    "restore": Lesson(
        "从备份恢复,先停枢纽。开始新纪元:旧游标得 410,案件号不会重复;原数据库改名保留。",
        "Restores a backup; stop the hub first. A new epoch begins: old cursors get 410, no number is issued twice. "
        "The former database is kept under another name.",
        ("restore city.tar", "restore city.tar --force"),
    ),
    "demo": Lesson(
        "各单位各自一个进程,只用公开接口:案件从上报走到结案,最后按各单位自己的记录核对一件不丢、不重、不乱序。",
        "Every unit in a process of its own, by the public interface alone; at the end its own records are held "
        "against the hub's: nothing lost, nothing twice, in order. Exit 1 where one of these fails.",
        ("demo", "demo --cases 500 --seed 7", "demo --headless --json", "demo --keep"),
    ),
    "simulate": Lesson(
        "在内存中走完一个月的案件,不用数据库;同一种子的日志逐字节相同。",
        "A month of cases in memory, without a database; the same seed gives the same log to the last byte.",
        ("simulate", "simulate --month 2026-11 --cases 3000 --seed 2"),
    ),
    "bench": Lesson(
        "在本机测量,与 pgbench 写同样的行交替进行;结果的读法见 docs/measures.md。",
        "Measures here, in turns with pgbench writing the same rows. docs/measures.md tells how to read it.",
        ("bench", "bench pipeline intake delivery --json", "bench pipeline --seconds 3 --rounds 1"),
    ),
    "city check": Lesson(
        "检查城市文件夹:错误(不能用,退出码 1)与提示(能用,但该知道)分开;默认检查衢州。",
        "Checks a city folder: errors (it cannot be used, exit 1) apart from findings. Quzhou unless told.",
        ("city check", "city check changed/ --json"),
    ),
    "city load": Lesson(
        "载入为名录的下一版;已办的决定仍指明当时的版本。",
        "Loads a folder as the directory's next version; what was decided keeps naming the version that decided it.",
        ("city load changed/",),
    ),
    "contracts list": Lesson("全部契约及版本。", "Every contract with its version.", ("contracts list",)),
    "contracts diff": Lesson(
        "B 能否接替 A(兼容退出码 0,不兼容 1),逐条说明;参数是契约名或 JSON Schema 文件。",
        "Whether B may follow A (exit 0 compatible, 1 not), with each reason; names of contracts, or files.",
        ("contracts diff case.feedback/1.0 new.json", "contracts diff --outbound old.json new.json --lang en"),
    ),
    "contracts write": Lesson(
        "由模型重新生成契约文件和 docs/contracts.md。",
        "Writes the committed schemas and docs/contracts.md anew, from the models.",
        ("contracts write",),
    ),
    "units apply": Lesson(
        "应用一个单位的接入档案(YAML)。新的签名密钥只显示这一次;档案有误时逐行说明。",
        "Applies a unit's profile (YAML). New signing secrets are shown once; faults are told by their lines.",
        ("units apply -f telecom.yaml",),
    ),
    "units export": Lesson(
        "现行档案,可改后再应用。", "The profile in force, to be changed and applied again.", ("units export telecom",)
    ),
    "units history": Lesson(
        "接入档案的每一版:何时、何人。", "Every version of a profile, with when and who.", ("units history telecom",)
    ),
    "units diff": Lesson(
        "两版档案的差别,逐项用文字说明;-f 时与文件比。",
        "What differs between two versions of a profile, in words; with -f, between the one in force and a file.",
        ("units diff telecom --from 2 --to 3", "units diff -f telecom.yaml"),
    ),
    "units rollback": Lesson(
        "把旧的一版重新应用为新的一版,原因留档。",
        "Applies an earlier version again, as a new one; the reason is kept.",
        ('units rollback telecom 2 --reason "新映射有误"',),
    ),
    "units try": Lesson(
        "不连单位,把样本过一遍映射,左右对照。",
        "Takes a sample through the mapping without calling the unit, side by side.",
        (
            "units try -f telecom.yaml answer.xml",
            "units try -f telecom.yaml --out",
        ),
    ),
    "units explain": Lesson(
        "每个字段从何而来、由哪一行映射。",
        "Where each field came from, by which line of the mapping.",
        ("units explain -f telecom.yaml answer.xml",),
    ),
    "units list": Lesson("全部单位与接入状态。", "Every unit and the state of its connection.", ("units list",)),
    "units state": Lesson(
        "设置接入状态;live 即管理员的批准,原因留档。",
        "Sets a unit's state; live is the administrator's recorded approval.",
        ('units state telecom live --reason "验收通过"', "units state telecom suspended --reason maintenance"),
    ),
    "units resume": Lesson(
        "恢复因 401、403、410、重定向或证书而暂停的通道:先与对方解决,再恢复。",
        "Lets a paused lane go on, once what paused it (401, 403, 410, a redirect, a certificate) is mended.",
        ("units resume telecom.main",),
    ),
    "units draft": Lesson(
        "由对方的 WSDL、OpenAPI 或样本起草第一份档案:字段按名称和类型配对,附把握程度,其余列为待确认。",
        "Drafts a first profile of a WSDL, an OpenAPI document or a sample: fields matched by name and type, with a"
        " confidence, the rest as open questions.",
        (
            "units draft --unit gas --wsdl GasService.wsdl -o gas.yaml",
            "units draft --unit telecom --sample feedback.json --contract case.feedback",
        ),
    ),
    "units broker": Lesson(
        "单位在枢纽的消息服务器上读写哪里:地址、用户、队列、交换机。",
        "Where a unit reads and writes on the hub's broker: address, user, queue, exchange.",
        ("units broker mobile",),
    ),
    "units rotate": Lesson(
        "轮换推送签名密钥,新密钥显示一次;一天之内新旧同时签名,不间断。",
        "Rotates a signing secret, shown once; for a day the old and the new one both sign.",
        ("units rotate telecom.main",),
    ),
    "secrets put": Lesson(
        "存入对方系统的密钥或口令,档案中只写名称;从标准输入读,密封保存,不再显示。",
        "Keeps a secret of the unit's own system, read from standard input, sealed; the profile names it.",
        ("secrets put telecom token",),
    ),
    "secrets list": Lesson("密钥的名称,不含内容。", "The names of a unit's secrets.", ("secrets list telecom",)),
    "secrets remove": Lesson(
        "移除一个密钥,它的各版都不再有效。",
        "Removes a secret: no version of it is good any more.",
        ("secrets remove telecom token",),
    ),
    "keys issue": Lesson(
        "签发接口密钥,只显示这一次,库中只存摘要。",
        "Issues an API key, shown once; only its digest is kept.",
        ("keys issue telecom", 'keys issue command_center --admin --note "值班"'),
    ),
    "keys list": Lesson("全部密钥,不含密文。", "Every key, without its secret.", ("keys list",)),
    "keys revoke": Lesson(
        "撤销密钥,几秒内各进程都不再认。",
        "Revokes a key; within seconds no process accepts it.",
        ("keys revoke bMnXQEsH3fRG",),
    ),
    "letters list": Lesson(
        "信件及其结果,新的在前;--dead 只列死信。",
        "Letters and what became of them, newest first; --dead lists the dead ones.",
        ("letters list --unit telecom", "letters list --dead"),
    ),
    "letters show": Lesson(
        "一封信和每一次投递:何时、状态码、对方的答复。",
        "One letter with every attempt: when, which status, what the unit said.",
        ("letters show ltr_0000000000000042",),
    ),
    "letters replay": Lesson(
        "重新投递等待中的信或死信,字节不变;对方按 webhook-id 去重。",
        "Tries a held or dead letter again, the same bytes; its receiver drops what it has by webhook-id.",
        (
            'letters replay ltr_0000000000000042 --reason "对方已修复"',
            'letters replay --all-dead --unit telecom --reason "对方已修复"',
        ),
    ),
    "letters cancel": Lesson(
        "不再投递这封信,同案后面的信继续。",
        "The letter will not be delivered; the next one of its case goes on.",
        ('letters cancel ltr_0000000000000042 --reason "已电话告知"',),
    ),
    "refused list": Lesson(
        "不符合契约而被拒的消息,原文保留,新的在前。",
        "Messages that broke their contract, kept raw, newest first.",
        ("refused list --unit telecom",),
    ),
    "refused show": Lesson("一条的原文与每处错误。", "One of them: its bytes, and why.", ("refused show 7",)),
    "refused replay": Lesson(
        "改好档案后,用保存的原文重新读一次。只生效一次:再放、单位再发都不会重复。时间按原来收到的时刻计。",
        "Once the profile is mended, read the kept bytes again. It takes effect once, whoever sends it again; it "
        "counts from when it came.",
        ("refused replay 7", "refused replay --all --kind mapping_parked --unit water_resources"),
    ),
    "refused settle": Lesson("处理完毕,不再列出。", "Somebody dealt with it.", ("refused settle 7",)),
    "register import": Lesson(
        "导入部件台账 CSV,整份或全不;列见 docs/register.md。",
        "Imports the component register, the whole file or nothing of it; docs/register.md has the columns.",
        ("register import census.csv", "register import census.csv --dry-run"),
    ),
    "register show": Lesson(
        "一个部件的全部历史。", "Everything ever said of a component.", ("register show 3308020107000001",)
    ),
    "register list": Lesson("现行条目。", "The entries in force.", ("register list --unit telecom",)),
    "register export": Lesson("现行条目,CSV。", "The entries in force, as CSV.", ("register export",)),
    "register moves": Lesson(
        "权属已变、仍在原单位的在办案件。",
        "Open cases that are with a former owner.",
        ("register moves",),
    ),
    "evaluate": Lesson(
        "某期各项指标,从日志重算;含义见 docs/evaluation.md。",
        "The figures of a period, reckoned from the log; docs/evaluation.md says what each means.",
        ("evaluate --month 2026-11", "evaluate --month 2026-11 --by area --format csv"),
    ),
    "notice": Lesson(
        "月度通报:PDF、网页或文字,数字同 evaluate。",
        "A month's notice as PDF, page or text; its numbers are evaluate's.",
        ("notice --month 2026-11 --out notice.pdf",),
    ),
    "whatif": Lesson(
        "按改动后的责任矩阵、时限、日历、考核办法重走某期案件:谁的案件增减、谁会超期、得分名次如何变。只读。",
        "Past cases under a changed matrix, calendar or formula: who gets more, who is late, whose rank moves.",
        ("whatif --month 2026-11 --city changed/",),
    ),
    "retention list": Lesson(
        "各月的案件数据:多少件、有没有未结束或未送达的、可否删除;以及已删除的月份。",
        "Each month of case data: how much, what is open or undelivered, whether it may go; and those that went.",
        ("retention list", "retention list --keep-months 60 --json"),
    ),
    "retention drop": Lesson(
        "整月删除过了保存期的案件数据,不可恢复:先备份。有未结束的案件或未送达的信件时拒绝;旧游标此后得 410,"
        "需要该月的考核期不再计算。",
        "Drops whole months that are past their retention; there is no way back: back up first. Refused while a case "
        "is open or a letter undelivered. Older cursors get 410; figures that need the month are refused.",
        (
            "retention drop 2023-01 2023-02 --reason 过保存期 --dry-run",
            "retention drop 2023-01 --reason 过保存期",
        ),
    ),
    "docs": Lesson(
        "由代码中的表重新生成文档页。",
        "Writes the pages that are generated from tables anew.",
        ("docs", "docs --check"),
    ),
}
"""By verb and job."""

COMMON: Mapping[str, str] = {
    "unit": "单位编号,见 units list / a unit's id, as units list tells it",
    "reason": "原因,留档 / why, kept on record",
    "limit": "最多几条 / at most so many",
    "letter": "信件号 ltr_… / a letter's id",
    "file": "文件 / a file",
    "folder": "城市文件夹,默认衢州 / a city folder, Quzhou unless told",
    "connection": "连接,如 telecom.main / a connection, such as telecom.main",
    "key_id": "密钥编号,见 keys list / a key's id, as keys list tells it",
    "refused_id": "编号,见 refused list / its number, as refused list tells it",
    "code": "部件编码 / a component's code",
    "version": "第几版,见 units history / which version, as units history tells it",
    "name": "档案中的名称 / the name that the profile uses",
    "note": "用途备注 / what it is for",
    "state": "接入状态 / the unit's state",
    "lang": "语言 / language",
    "format": "输出格式 / how it is written",
    "b": "接替它的契约名或文件 / the contract or file that is to follow it",
}
"""Arguments that mean the same wherever they stand, said where a verb says nothing of its own."""


def teach(parser: argparse.ArgumentParser, name: str = "") -> None:
    """Give each verb and job below a parser its lesson, and each bare argument its sentence."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in inner:
        for word, below in action.choices.items():
            teach(below, f"{name} {word}".strip())
    for argument in parser._actions:
        if argument.help is None and argument.dest in COMMON:
            argument.help = COMMON[argument.dest]
    lesson = LESSONS.get(name)
    if lesson is not None:
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.description = f"{lesson.zh}\n{lesson.en}"
        parser.epilog = "例如 / for example:\n" + "\n".join(f"  ./cityhub {each}" for each in lesson.examples)
