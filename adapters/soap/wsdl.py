"""A unit's WSDL as the operations that can be called. zeep reads it, from the profile's own texts and nothing else."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urljoin

from lxml import etree
from zeep import ns, xsd
from zeep.settings import Settings
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding

from adapters.documents.faults import DocumentFault
from adapters.documents.xml import parse_xml

BASE = "http://wsdl.invalid/service.wsdl"
"""Where the WSDL is said to stand, so that relative imports can be told apart; nothing is ever fetched there."""
ELEMENTS_MAX = 50_000
_IN_HEADERS = "".join(chr(each) for each in range(0x20, 0x7F) if chr(each) != '"')
_PREFIXES_MAX = 12
ADDRESSING = "http://www.w3.org/2005/08/addressing"
_SOAP_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SETTINGS = {"forbid_dtd": True, "forbid_entities": True, "force_https": False, "strict": True}
_WSDL = {"w": ns.WSDL}


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class WsdlFault(Exception):
    """The WSDL cannot be used. ``place`` is where in the connection's ``soap`` section the reason stands."""

    zh: str
    en: str
    place: tuple[str | int, ...] = ("wsdl",)

    def __str__(self) -> str:
        return self.en


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the service. ``action`` is its SOAPAction as a header carries it, ``addressed`` as the envelope
    does, where WS-Addressing asks for one."""

    name: str
    action: str
    addressed: str
    encoded: bool
    message: Any

    @property
    def body(self) -> Any:
        """zeep's element of what stands in ``soap:Body``; None where nothing does."""
        return self.message.body

    @property
    def arguments(self) -> Any:
        """zeep's type of the arguments; None where there are none."""
        return self.body.type if self.body is not None else None

    @property
    def wrapped(self) -> bool:
        """Whether the arguments have names; else the body's element is the one argument."""
        return isinstance(self.arguments, xsd.ComplexType)

    @property
    def header(self) -> Any:
        """zeep's type of the headers that the WSDL declares; None where it declares none."""
        return (
            self.message.header.type if self.message.header is not None and self.message.header.type._element else None
        )


@dataclass(frozen=True, slots=True)
class Service:
    """A port of a service: where, in which version of SOAP, and what can be called."""

    endpoint: str
    envelope: str
    operations: Mapping[str, Operation]

    @property
    def is_12(self) -> bool:
        """Whether it speaks SOAP 1.2."""
        return self.envelope == ns.SOAP_ENV_12


def read_wsdl(text: str, imported: Mapping[str, str], service: str | None = None, port: str | None = None) -> Service:
    """The operations of a WSDL's port: the named one, else the first that speaks SOAP. Raises ``WsdlFault``."""
    kept = _Kept(text, imported)
    try:
        document: Any = Document(
            io.BytesIO(kept.load(BASE)), cast(Any, kept), base=BASE, settings=Settings(**_SETTINGS)
        )
    except WsdlFault:
        raise
    except Exception as fault:
        # zeep meets a WSDL that breaks its own rules with whatever error comes of it.
        said = f"{type(fault).__name__}: {fault}"[:300]
        raise WsdlFault(f"WSDL 不可用:{said}", f"the WSDL cannot be used: {said}") from None
    chosen = _port(document, service, port)
    binding = chosen.binding
    encoded = kept.encoded
    own = sorted(each for each in {*document.types.namespaces} - {ns.XSD, _XSI, _SOAP_ENCODING} if each)
    document.types.set_ns_prefix("wsa", ADDRESSING)
    # Declared once in the envelope, instead of again at each element; an encoded message also names its types.
    for number, namespace in enumerate(own[: None if encoded else _PREFIXES_MAX]):
        document.types.set_ns_prefix(f"t{number}", namespace)
    if encoded:
        for prefix, namespace in (("xsd", ns.XSD), ("xsi", _XSI), ("soapenc", _SOAP_ENCODING)):
            document.types.set_ns_prefix(prefix, namespace)
    operations = {
        name: _operation(name, operation, (binding.name.localname, name) in encoded)
        for name, operation in binding._operations.items()
        # zeep only warns of an operation whose message or port type it cannot find, and leaves it unfinished.
        if operation.input is not None and operation.abstract is not None and operation.input.abstract is not None
    }
    if not operations:
        raise WsdlFault("所选端口没有一个完整的操作", "the port has no operation that is whole")
    return Service(
        endpoint=(chosen.binding_options.get("address") or "") if chosen.binding_options else "",
        envelope=ns.SOAP_ENV_12 if isinstance(binding, Soap12Binding) else ns.SOAP_ENV_11,
        operations=operations,
    )


def _operation(name: str, operation: Any, encoded: bool) -> Operation:
    kind = operation.binding.port_type
    # The default of WS-Addressing's own binding to WSDL, for services that name no action.
    default = f"{kind.name.namespace}/{kind.name.localname}/{name}Request"
    action = operation.soapaction or ""
    carried = quote(action, safe=_IN_HEADERS)
    return Operation(name, carried, operation.abstract.wsa_action or action or default, encoded, operation.input)


def _port(document: Any, service: str | None, port: str | None) -> Any:
    found = [
        (each.name, name, held)
        for each in document.services.values()
        for name, held in each.ports.items()
        if isinstance(held.binding, SoapBinding)
    ]
    for of, name, held in found:
        if service in (None, of) and port in (None, name):
            return held
    place = ("port",) if port else ("service",) if service else ("wsdl",)
    have = "、".join(f"{of}/{name}" for of, name, _ in found) or "—"
    raise WsdlFault(f"WSDL 中没有所指的 SOAP 端口;有:{have}", f"the WSDL has no such SOAP port; it has: {have}", place)


class _Kept:
    """The texts of the profile, in the place of zeep's transport: what is not here is not loaded from anywhere."""

    def __init__(self, text: str, imported: Mapping[str, str]) -> None:
        self._texts = {urljoin(BASE, location): held for location, held in imported.items()} | {BASE: text}
        self.encoded: set[tuple[str, str]] = set()
        """Binding and operation of each message that is written encoded; zeep forgets it."""

    def load(self, url: str) -> bytes:
        """A text as zeep takes it, judged before. Raises ``WsdlFault``."""
        text = self._texts.get(url)
        if text is None:
            if url == _SOAP_ENCODING:
                return (Path(__file__).with_name("soap_encoding.xsd")).read_bytes()
            said = url.removeprefix(BASE.rpartition("/")[0] + "/")
            zh = f"WSDL 导入的文档 {said} 不在档案中,请加入 soap.documents"
            raise WsdlFault(zh, f"the WSDL imports {said}, which is not in the profile: add it to soap.documents")
        root = self._judged(text, url)
        # Noted now: zeep keeps whoever loads, and so would the whole tree be kept.
        self.encoded.update(_encoded(root))
        return etree.tostring(root)

    def _judged(self, text: str, url: str) -> Any:
        said = url.removeprefix(BASE.rpartition("/")[0] + "/")
        try:
            root = parse_xml(text)
        except DocumentFault as fault:
            raise WsdlFault(f"{said}:{fault.zh}", f"{said}: {fault.en}") from None
        if sum(1 for _ in root.iter()) > ELEMENTS_MAX:
            raise WsdlFault(
                f"{said}:超过 {ELEMENTS_MAX} 个元素", f"{said}: more than {ELEMENTS_MAX} elements"
            ) from None
        return root


def _encoded(root: Any) -> Iterator[tuple[str, str]]:
    for body in root.iterfind(".//w:binding/w:operation/w:input/*", _WSDL):
        if body.get("use") == "encoded" and etree.QName(body).localname == "body":
            operation = body.getparent().getparent()
            yield operation.getparent().get("name"), operation.get("name")
