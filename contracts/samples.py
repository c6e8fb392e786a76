"""A valid and an invalid example of each contract, as partners see them under ``/contracts``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PLACE = {"longitude": 118.8712, "latitude": 28.9503, "system": "WGS84", "address": "上街与新桥街路口东北角"}
_NUMBER = "330800-20261123-000042"

VALID: Mapping[str, Any] = {
    "case.report/1.0": {
        "category_code": "C0107",
        "description": "人行道通讯井盖破损,井口外露约十厘米",
        "place": {**_PLACE, "system": "GCJ02"},
        "source": "collector",
        "observed_at": "2026-11-23T09:12:30+08:00",
        "component_code": "3308020107000001",
        "photos": ["att_01"],
        "attributes": [{"name": "zone", "value": "old_city_wall"}],
        "reporter": {"name": "采集员 07", "phone": "0570-8880000"},
    },
    "case.acceptance/1.0": {"reason": "符合立案条件", "category_code": "C0107"},
    "case.rejection/1.0": {"reason": "现场已恢复,不符合立案条件"},
    "case.dispatch_request/1.0": {"unit_id": "telecom", "reason": "经现场辨认,井盖属电信公司"},
    "case.dispatch/1.0": {
        "case_number": _NUMBER,
        "dispatch_number": 1,
        "unit_id": "telecom",
        "round": 1,
        "category_code": "C0107",
        "category_name": "通讯井盖",
        "description": "人行道通讯井盖破损,井口外露约十厘米",
        "place": _PLACE,
        "deadline": {
            "due_at": "2026-11-23T13:13:00+08:00",
            "acknowledge_by": "2026-11-23T10:13:00+08:00",
            "tier": "A",
            "reckoned": "A: 4 自然小时 natural hours",
            "provisional": False,
        },
        "because": "部件 3308020107000001 台账权属:市电信公司",
        "area_id": "kecheng",
        "grid_cell": "x856_y1057",
        "photos": ["att_01"],
    },
    "case.acknowledgement/1.0": {"handler": "线路维护三班", "note": "已出发"},
    "case.return/1.0": {
        "reason_code": "not_responsible",
        "reason": "井盖铸字为移动公司,非本单位设施",
        "responsible_unit_id": "mobile",
        "photos": [],
    },
    "case.feedback/1.0": {
        "description": "已更换井盖并清理现场",
        "final": True,
        "result": "done",
        "done_at": "2026-11-23T11:40:00+08:00",
        "handler": "线路维护三班",
        "photos": ["att_02"],
    },
    "case.verification_request/1.0": {
        "case_number": _NUMBER,
        "round": 1,
        "category_code": "C0107",
        "category_name": "通讯井盖",
        "description": "人行道通讯井盖破损,井口外露约十厘米",
        "place": _PLACE,
        "handled_by": "telecom",
        "feedback": "已更换井盖并清理现场",
        "due_at": "2026-11-23T12:40:00+08:00",
        "closing_condition": "恢复或更换,安全整洁,同一位置拍照",
        "photos_before": ["att_01"],
        "photos_after": ["att_02"],
    },
    "case.verification/1.0": {
        "finding": "passed",
        "description": "现场完好",
        "collector": "采集员 07",
        "photos": ["att_03"],
    },
    "case.closing/1.0": {"reason": "照片清楚,指挥中心核定结案"},
    "case.status/1.0": {
        "case_number": _NUMBER,
        "version": 5,
        "fact": "answer",
        "state": "answered",
        "stage": "feedback",
        "changed_at": "2026-11-23T11:42:00+08:00",
    },
    "profile/1.0": {
        "profile": "1.0",
        "unit": "telecom",
        "contact": "运维值班 0570-8880001",
        "connections": [
            {
                "name": "main",
                "transport": "rest",
                "receives": ["case.dispatch", "case.status"],
                "rest": {"endpoint": "https://hub.telecom.example/cityhub", "signing": "hmac-sha256"},
                "concurrency": 8,
                "per_second": 50,
                "timeout_seconds": 10,
            }
        ],
    },
}
"""Contract id → a body that keeps it."""

INVALID: Mapping[str, Any] = {
    "case.report/1.0": {"category_code": "", "place": {"longitude": 218.8, "latitude": None}, "severity": 3},
    "case.acceptance/1.0": {"reason": None},
    "case.rejection/1.0": {},
    "case.dispatch_request/1.0": {"unit_id": "市电信公司", "reason": "x", "due_at": "明天"},
    "case.dispatch/1.0": {"case_number": "42", "dispatch_number": 0},
    "case.acknowledgement/1.0": {"handler": ""},
    "case.return/1.0": {"reason_code": "不归我管", "reason": "不归我管"},
    "case.feedback/1.0": {"description": "已处理", "final": "是", "done_at": "2026-11-23 11:40:00"},
    "case.verification_request/1.0": {"case_number": _NUMBER, "round": 1},
    "case.verification/1.0": {"finding": "ok"},
    "case.closing/1.0": {"reason": "   "},
    "case.status/1.0": {"case_number": _NUMBER, "version": 0, "fact": "answer", "state": "answered"},
    "profile/1.0": {"unit": "telecom", "connections": []},
}
"""Contract id → a body that breaks it."""
