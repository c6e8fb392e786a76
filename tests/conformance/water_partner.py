"""The water company's .asmx, as strict as ASP.NET was: SOAP 1.1 by its SOAPAction; the string is turned into the bytes
that it declares, GBK, and read from those. Run as a process of its own; ``GET /`` tells the cases that it took.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMES = {"s": SOAP, "w": "http://water.example/szcg/"}
TAKEN: list[dict[str, Any]] = []


class Door(BaseHTTPRequestHandler):
    """One call."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.say(200, json.dumps(TAKEN).encode(), "application/json")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["soapaction"] != '"http://water.example/szcg/SubmitCase"':
            self.envelope(
                500, "<s:Fault><faultcode>s:Client</faultcode><faultstring>SOAPAction</faultstring></s:Fault>"
            )
            return
        call = etree.fromstring(raw).find("s:Body/w:SubmitCase", NAMES)
        text, sender = call.findtext("w:xml", namespaces=NAMES), call.findtext("w:sender", namespaces=NAMES)
        declared = re.match(r'<\?xml version="1.0" encoding="([A-Z0-9]+)"\?>', text)
        assert declared is not None and declared[1] == "GBK" and sender == "SZCG"
        case = etree.fromstring(text.encode("gbk"))
        code = self.path.rpartition("/")[2]
        TAKEN.append({"root": case.tag, "fields": {each.tag: each.text for each in case}, "action": code})
        said = f'<?xml version="1.0" encoding="GBK"?><RESULT><CODE>{code}</CODE><MSG>返回 {code}</MSG></RESULT>'
        self.envelope(
            200,
            f'<SubmitCaseResponse xmlns="{NAMES["w"]}"><SubmitCaseResult>{escape(said)}</SubmitCaseResult>'
            "</SubmitCaseResponse>",
        )

    def envelope(self, status: int, inside: str) -> None:
        head = '<?xml version="1.0" encoding="utf-8"?>'
        body = f'{head}<s:Envelope xmlns:s="{SOAP}"><s:Body>{inside}</s:Body></s:Envelope>'
        self.say(status, body.encode(), "text/xml; charset=utf-8")

    def say(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is logged."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    # Whoever started this process holds the other end of its standard input: when that closes, this ends too.
    sys.stdin.read()
