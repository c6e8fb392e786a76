"""The wire: implements ``contracts.soap.wire.SoapWire``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.soap_in.decoding import values_of
from adapters.soap_in.encoding import element, xml_text
from adapters.soap_in.envelope import CONTENT_TYPES, opened, written
from adapters.soap_in.shapes import shape_of
from contracts.checking import check_value
from contracts.json_text import VIOLATIONS_MAX
from contracts.problem import PROBLEM_BASE, PROBLEMS, Problem, Violation
from contracts.soap.operations import NAMESPACE, OPERATIONS, PROBLEM, SEND_PHOTO, Operation
from contracts.soap.shapes import ProblemDetail
from contracts.soap.wire import FaultCode, Opened, SoapAnswer, SoapVersion

FACT_MAX = 4000
_BY_TAG = {f"{{{NAMESPACE}}}{name}": operation for name, operation in OPERATIONS.items()}
_CODES_12 = {
    FaultCode.CLIENT: "Sender",
    FaultCode.SERVER: "Receiver",
    FaultCode.VERSION_MISMATCH: "VersionMismatch",
    FaultCode.MUST_UNDERSTAND: "MustUnderstand",
}


class Wire:
    """Reads and writes the service's XML."""

    def open(self, raw: bytes, content_type: str, now: datetime) -> Opened:
        """The envelope of a message. Raises ``SoapRefused``."""
        return opened(raw, content_type, now)

    def read(self, opened: Opened) -> tuple[Operation, Any]:
        """What is asked: the operation, and its request checked against the contract. Raises ``Problem``."""
        operation = _BY_TAG.get(opened.element.tag)
        if operation is None:
            raise _unknown(str(opened.element.tag))
        faults: list[Violation] = []
        values = values_of(opened.element, shape_of(operation.takes), (), faults)
        if operation is SEND_PHOTO and not faults and values.keys() == {"content"}:
            # Megabytes of base64: the photo's own check is the one that says something.
            return operation, operation.takes.model_construct(**values)
        if not faults:
            return operation, check_value(operation.takes, values)
        try:
            check_value(operation.takes, values)
        except Problem as problem:
            faults += problem.violations
        raise Problem("contract_broken", violations=tuple(faults[:VIOLATIONS_MAX]))

    def answer(self, version: SoapVersion, operation: Operation, values: Mapping[str, Any]) -> SoapAnswer:
        """The response of an operation."""
        body = element(operation.gives.__name__, values, shape_of(operation.gives))
        return SoapAnswer(200, CONTENT_TYPES[version], written(version, body))

    def fault(
        self, version: SoapVersion, problem: Problem, trace_id: str | None = None, code: FaultCode | None = None
    ) -> SoapAnswer:
        """A refusal as a fault. SOAP 1.1 over HTTP has one status for faults, 500; the problem says what REST would."""
        row = PROBLEMS[problem.kind]
        code = code or (FaultCode.SERVER if row.retryable or row.status >= 500 else FaultCode.CLIENT)
        zh, en = problem.sentences()
        detail = _problem(problem, trace_id)
        if version is SoapVersion.SOAP_11:
            body = (
                f"<soap:Fault><faultcode>soap:{code.value}</faultcode>"
                f'<faultstring xml:lang="zh-CN">{xml_text(f"{zh} / {en}")}</faultstring>'
                f"<detail>{detail}</detail></soap:Fault>"
            )
            return SoapAnswer(500, CONTENT_TYPES[version], written(version, body))
        body = (
            f"<soap:Fault><soap:Code><soap:Value>soap:{_CODES_12[code]}</soap:Value></soap:Code><soap:Reason>"
            f'<soap:Text xml:lang="zh-CN">{xml_text(zh)}</soap:Text><soap:Text xml:lang="en">{xml_text(en)}</soap:Text>'
            f"</soap:Reason><soap:Detail>{detail}</soap:Detail></soap:Fault>"
        )
        status = 400 if code is FaultCode.CLIENT else 500
        return SoapAnswer(status, CONTENT_TYPES[version], written(version, body))

    def problem(self, problem: Problem, trace_id: str | None = None) -> SoapAnswer:
        """A refusal by HTTP alone."""
        body = f'<?xml version="1.0" encoding="utf-8"?>{_problem(problem, trace_id)}'
        return SoapAnswer(problem.status, b"application/problem+xml; charset=utf-8", body.encode())


def _problem(problem: Problem, trace_id: str | None) -> str:
    row = PROBLEMS[problem.kind]
    values = {
        "type": PROBLEM_BASE + problem.kind,
        "status": row.status,
        "title_zh": row.title_zh,
        "title_en": row.title_en,
        "detail_zh": (problem.zh or row.title_zh)[:FACT_MAX],
        "detail_en": (problem.en or row.title_en)[:FACT_MAX],
        "retryable": row.retryable,
        "retry_after_seconds": problem.retry_after_seconds,
        "trace_id": trace_id,
        "errors": [
            {
                "pointer": each.pointer[:2000],
                "detail_zh": each.zh[:FACT_MAX],
                "detail_en": each.en[:FACT_MAX],
                "rule": each.rule[:200],
            }
            for each in problem.violations[:VIOLATIONS_MAX]
        ],
        "facts": [{"name": name, "value": _fact(value)} for name, value in problem.fields.items() if value is not None],
    }
    return element(PROBLEM, values, shape_of(ProblemDetail))


def _fact(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))[:FACT_MAX]


def _unknown(tag: str) -> Problem:
    name = tag.rpartition("}")[2]
    if name in OPERATIONS:
        zh, en = f"元素 {name} 应在命名空间 {NAMESPACE}。", f"The element {name} belongs to {NAMESPACE}."
    else:
        zh, en = f"没有操作 {name[:100]}。", f"There is no operation {name[:100]}."
    return Problem("contract_unknown", zh, en, fields={"operations": " ".join(OPERATIONS)})
