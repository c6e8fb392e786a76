"""A unit's SOAP system for the conformance suite, a process of its own: the REST partner's doors, SOAP's words."""

from __future__ import annotations

import asyncio

from rest_partner import BEHAVIOURS, Writer, answer, hang, main, says

ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
    "<s:Body>{}</s:Body></s:Envelope>"
)
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


def speaks(status: str, inside: str, *headers: str) -> bytes:
    raw = answer(status, ENVELOPE.format(inside).encode(), *headers)
    return raw.replace(b"application/json", b"text/xml; charset=utf-8")


def fault(code: str, words: str, *headers: str, status: str = "500 Internal Server Error") -> bytes:
    said = f'<s:Fault xmlns:w="{WSSE}"><faultcode>{code}</faultcode><faultstring>{words}</faultstring></s:Fault>'
    return speaks(status, said, *headers)


LATE: list[Writer] = []


async def late_at_first(writer: Writer) -> bool:
    """The first call of all is answered when whoever called has long given up."""
    LATE.append(writer)
    return await (hang if len(LATE) == 1 else BEHAVIOURS["processes"])(writer)


TAKEN = '<t:deliverResponse xmlns:t="urn:unit"><t:code>{}</t:code></t:deliverResponse>'

BEHAVIOURS |= {
    "processes": says(speaks("200 OK", TAKEN.format("0"))),
    "busy": says(fault("s:Server", "busy", "Retry-After: 7", status="503 Service Unavailable")),
    "refuses": says(fault("s:Client.unknownCase", "无此案件")),
    "does_not_trust": says(fault("w:FailedAuthentication", "bad password")),
    "late_at_first": late_at_first,
    "fails": says(fault("s:Server.userException", "NullPointerException")),
    "says_code_7": says(speaks("200 OK", TAKEN.format("7"))),
    "shows_a_page": says(answer("200 OK", b"<html><body>Please sign in</body></html>")),
    "forbids": says(answer("403 Forbidden", b"")),
    "does_not_understand": says(fault("s:MustUnderstand", "Security")),
    "answers_in_gbk": says(
        answer(
            "200 OK",
            ENVELOPE.format(TAKEN.format("已签收")).replace("utf-8", "GBK").encode("gbk"),
        ).replace(b"application/json", b"text/xml")
    ),
    "bombs": says(
        answer(
            "200 OK",
            b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            + ENVELOPE.format("<x>&b;</x>").partition("?>")[2].encode(),
        )
    ),
}

if __name__ == "__main__":
    asyncio.run(main())
