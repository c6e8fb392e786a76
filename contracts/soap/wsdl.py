"""The WSDL 1.1 of the SOAP service: document/literal wrapped, bound to SOAP 1.1 and 1.2. Generated and committed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from contracts.live import INBOUND, OUTBOUND
from contracts.soap.operations import NAMESPACE, OPERATIONS, PROBLEM, VERSION, Operation
from contracts.soap.shapes import ProblemDetail
from contracts.soap.xsd import apart, sequence, shapes_of, texts, types

FILE = Path(__file__).parent / f"{VERSION}.wsdl"
PATH = f"/soap/{VERSION}"
ADDRESS = f"https://cityhub.example{PATH}"
"""Where the committed file says the service is; the hub names its own address where it serves it."""

_HTTP = "http://schemas.xmlsoap.org/soap/http"
_BINDINGS = (("Soap11", "soap"), ("Soap12", "soap12"))
_ABOUT = (
    "城市管理枢纽的 SOAP 接口,由契约生成。身份:WS-Security UsernameToken(文本密码)或 HTTP Basic;"
    "用户名为单位代码或密钥号,密码为接口密钥。 "
    "The SOAP service of CityHub, generated from the contracts. Show an API key as the password of a WS-Security "
    "UsernameToken (text) or of HTTP Basic, with the unit's or the key's id as the user."
)


def wsdl() -> str:
    """The whole document, one element a line."""
    return "\n".join(_indented(_lines())) + "\n"


def stale_wsdl(file: Path = FILE) -> bool:
    """Whether the committed file is not what the contracts say."""
    return not file.is_file() or file.read_text(encoding="utf-8") != wsdl()


def write_wsdl(file: Path = FILE) -> None:
    """Write the committed file anew."""
    file.write_text(wsdl(), encoding="utf-8")


@cache
def _committed() -> str:
    return FILE.read_text(encoding="utf-8")


def served(address: str) -> bytes:
    """The committed document with the hub's own address."""
    return _committed().replace(f'location="{ADDRESS}"', f"location={quoteattr(address)}").encode()


def _lines() -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        '<wsdl:definitions name="CityHub" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"'
        ' xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"'
        f' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="{NAMESPACE}" targetNamespace="{NAMESPACE}">'
    )
    yield f"<wsdl:documentation>{escape(_ABOUT)}</wsdl:documentation>"
    yield "<wsdl:types>"
    yield f'<xs:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">'
    yield from _schema()
    yield "</xs:schema>"
    yield "</wsdl:types>"
    for operation in OPERATIONS.values():
        yield from _message(f"{operation.name}Request", "parameters", operation.name)
        yield from _message(f"{operation.name}Response", "parameters", f"{operation.name}Response")
    yield from _message(PROBLEM, PROBLEM, PROBLEM)
    yield '<wsdl:portType name="CityHub">'
    for operation in OPERATIONS.values():
        yield from _port_operation(operation)
    yield "</wsdl:portType>"
    for name, prefix in _BINDINGS:
        yield f'<wsdl:binding name="CityHub{name}" type="tns:CityHub">'
        yield f'<{prefix}:binding style="document" transport="{_HTTP}"/>'
        for operation in OPERATIONS.values():
            yield from _bound_operation(operation, prefix)
        yield "</wsdl:binding>"
    yield '<wsdl:service name="CityHubService">'
    for name, prefix in _BINDINGS:
        yield f'<wsdl:port name="CityHub{name}" binding="tns:CityHub{name}">'
        yield f'<{prefix}:address location="{ADDRESS}"/>'
        yield "</wsdl:port>"
    yield "</wsdl:service>"
    yield "</wsdl:definitions>"


def _schema() -> Iterator[str]:
    wrappers = [model for each in OPERATIONS.values() for model in (each.takes, each.gives)]
    shapes = apart(shapes_of([*INBOUND, *OUTBOUND, *wrappers, ProblemDetail]), [each.__name__ for each in wrappers])
    elements = {model.__name__: shapes.pop(model.__name__) for model in wrappers}
    yield from texts()
    yield from types(shapes)
    yield f'<xs:element name="{PROBLEM}" type="tns:{ProblemDetail.__name__}"/>'
    for name in elements:
        yield f'<xs:element name="{name}">'
        yield "<xs:complexType>"
        yield from sequence(elements[name])
        yield "</xs:complexType>"
        yield "</xs:element>"


def _message(name: str, part: str, element: str) -> Iterator[str]:
    yield f'<wsdl:message name="{name}">'
    yield f'<wsdl:part name="{part}" element="tns:{element}"/>'
    yield "</wsdl:message>"


def _port_operation(operation: Operation) -> Iterator[str]:
    yield f'<wsdl:operation name="{operation.name}">'
    yield f"<wsdl:documentation>{operation.zh} / {operation.en}</wsdl:documentation>"
    yield f'<wsdl:input message="tns:{operation.name}Request"/>'
    yield f'<wsdl:output message="tns:{operation.name}Response"/>'
    yield '<wsdl:fault name="problem" message="tns:problem"/>'
    yield "</wsdl:operation>"


def _bound_operation(operation: Operation, prefix: str) -> Iterator[str]:
    yield f'<wsdl:operation name="{operation.name}">'
    yield f'<{prefix}:operation soapAction="{operation.action}" style="document"/>'
    yield f'<wsdl:input><{prefix}:body use="literal"/></wsdl:input>'
    yield f'<wsdl:output><{prefix}:body use="literal"/></wsdl:output>'
    if prefix == "soap":
        # Axis 1.4 takes no fault of SOAP 1.2, and the port type says already which there are.
        yield '<wsdl:fault name="problem"><soap:fault name="problem" use="literal"/></wsdl:fault>'
    yield "</wsdl:operation>"


_OPENED = re.compile(r"<[A-Za-z]")


def _indented(lines: Iterator[str]) -> Iterator[str]:
    depth = 0
    for line in lines:
        deeper = len(_OPENED.findall(line)) - line.count("</") - line.count("/>")
        depth += min(deeper, 0)
        yield "  " * depth + line
        depth += max(deeper, 0)
