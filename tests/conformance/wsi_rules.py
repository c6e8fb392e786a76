"""Rules of the WS-I Basic Profile 1.1 that a machine can check, each by its number, over our WSDL and our messages.

Rules for what we do not use (imports, RPC, headers that we send, UDDI, attachments) stand as "there is none of it". The
SOAP 1.2 binding lies outside BP 1.1, which knows SOAP 1.1 alone (R2401): the rules are asked of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
XS = "{http://www.w3.org/2001/XMLSchema}"
ENV = "{http://schemas.xmlsoap.org/soap/envelope/}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
HTTP = "http://schemas.xmlsoap.org/soap/http"
CODES = {"VersionMismatch", "MustUnderstand", "Client", "Server"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and its answer, as HTTP carried them."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def root(self) -> Any:
        """The answer's envelope."""
        return etree.fromstring(self.body)


Call = Callable[..., Exchange]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its number, what it asks, and what breaks it (nothing, where it holds)."""

    number: str
    asks: str
    breaks: Callable[[Any], Iterator[str]]


# -- the description ---------------------------------------------------------------------------------------------------


def _name(node: Any) -> str:
    return f"{etree.QName(node).localname} {node.get('name', '')}"


def _binding(tree: Any) -> Any:
    (found,) = [each for each in tree.iterfind(f"{WSDL}binding") if each.find(f"{SOAP}binding") is not None]
    return found


def _soap(tree: Any, *names: str) -> Iterator[Any]:
    for name in names:
        yield from _binding(tree).iter(f"{SOAP}{name}")


def _parts(tree: Any) -> Iterator[Any]:
    return tree.iter(f"{WSDL}part")


def _qnames(tree: Any) -> Iterator[tuple[Any, str, str]]:
    for node in tree.iter(etree.Element):
        for attribute in ("type", "element", "message", "binding", "base", "ref"):
            value = node.get(attribute)
            if value and ":" in value:
                yield node, attribute, value


def imports(tree: Any) -> Iterator[str]:
    yield from (_name(node) for node in tree.iter(f"{WSDL}import", f"{XS}import", f"{XS}include", f"{XS}redefine"))


def order_of_children(tree: Any) -> Iterator[str]:
    kinds = [etree.QName(node).localname for node in tree]
    if kinds[:2] != ["documentation", "types"] or "types" in kinds[2:] or "import" in kinds:
        yield " ".join(kinds[:3])


def schema_namespace(tree: Any) -> Iterator[str]:
    yield from ("schema" for node in tree.iter(f"{XS}schema") if not node.get("targetNamespace"))


def known_namespaces(tree: Any) -> Iterator[str]:
    own = {tree.get("targetNamespace"), XS[1:-1]}
    for node, attribute, value in _qnames(tree):
        if node.nsmap.get(value.partition(":")[0]) not in own:
            yield f"{_name(node)} {attribute}={value}"


def encoded_arrays(tree: Any) -> Iterator[str]:
    if b"soap/encoding" in etree.tostring(tree):
        yield "soapenc"


def array_names(tree: Any) -> Iterator[str]:
    yield from (
        _name(n) for n in tree.iter(f"{XS}complexType", f"{XS}element") if n.get("name", "").startswith("ArrayOf")
    )


def one_part(tree: Any) -> Iterator[str]:
    yield from (_name(node) for node in tree.iter(f"{WSDL}message") if len(node.findall(f"{WSDL}part")) > 1)


def parts_by_element(tree: Any) -> Iterator[str]:
    yield from (_name(node.getparent()) for node in _parts(tree) if not node.get("element") or node.get("type"))


def global_elements(tree: Any) -> Iterator[str]:
    known = {node.get("name") for node in tree.iterfind(f".//{XS}schema/{XS}element")}
    yield from (node.get("element") for node in _parts(tree) if node.get("element").partition(":")[2] not in known)


def no_part_attribute(tree: Any) -> Iterator[str]:
    yield from ("parts" for node in _soap(tree, "body") if node.get("parts") is not None)


def request_response(tree: Any) -> Iterator[str]:
    for operation in tree.iterfind(f"{WSDL}portType/{WSDL}operation"):
        kinds = [etree.QName(node).localname for node in operation if node.tag != f"{WSDL}documentation"]
        if kinds[:2] != ["input", "output"]:
            yield _name(operation)


def no_overloading(tree: Any) -> Iterator[str]:
    names = [node.get("name") for node in tree.iterfind(f"{WSDL}portType/{WSDL}operation")]
    yield from {name for name in names if names.count(name) > 1}


def no_parameter_order(tree: Any) -> Iterator[str]:
    yield from (_name(node) for node in tree.iter(f"{WSDL}operation") if node.get("parameterOrder") is not None)


def soap_binding(tree: Any) -> Iterator[str]:
    found = _binding(tree).findall(f"{SOAP}binding")
    if len(found) != 1 or found[0].get("transport") != HTTP:
        yield "transport"


def one_style(tree: Any) -> Iterator[str]:
    styles = {_binding(tree).find(f"{SOAP}binding").get("style", "document")}
    styles |= {node.get("style") for node in _soap(tree, "operation") if node.get("style")}
    if styles != {"document"}:
        yield str(styles)


def literal(tree: Any) -> Iterator[str]:
    yield from (_name(n.getparent()) for n in _soap(tree, "body", "fault", "header") if n.get("use") != "literal")


def no_encoding_style(tree: Any) -> Iterator[str]:
    kinds = ("body", "fault", "header")
    yield from (_name(n) for n in _soap(tree, *kinds) if n.get("encodingStyle") or n.get("namespace"))


def distinct_signatures(tree: Any) -> Iterator[str]:
    messages = {node.get("name"): node.find(f"{WSDL}part").get("element") for node in tree.iter(f"{WSDL}message")}
    seen: set[str] = set()
    for node in tree.iterfind(f"{WSDL}portType/{WSDL}operation/{WSDL}input"):
        element = messages[node.get("message").partition(":")[2]]
        if element in seen:
            yield element
        seen.add(element)


def same_operations(tree: Any) -> Iterator[str]:
    port = {node.get("name") for node in tree.iterfind(f"{WSDL}portType/{WSDL}operation")}
    yield from port ^ {node.get("name") for node in _binding(tree).iterfind(f"{WSDL}operation")}


def faults_are_named(tree: Any) -> Iterator[str]:
    for fault in _binding(tree).iter(f"{WSDL}fault"):
        inner = fault.find(f"{SOAP}fault")
        if inner is None or inner.get("name") != fault.get("name"):
            yield _name(fault.getparent())


def faults_are_bound(tree: Any) -> Iterator[str]:
    bound = {n.getparent().get("name"): n.get("name") for n in _binding(tree).iter(f"{WSDL}fault")}
    for fault in tree.iterfind(f"{WSDL}portType/{WSDL}operation/{WSDL}fault"):
        if bound.get(fault.getparent().get("name")) != fault.get("name"):
            yield _name(fault.getparent())


def no_required_extension(tree: Any) -> Iterator[str]:
    yield from (_name(node) for node in tree.iter(etree.Element) if node.get(f"{WSDL}required") == "true")


def utf(tree: Any) -> Iterator[str]:
    if tree.getroottree().docinfo.encoding not in ("UTF-8", "UTF-16"):
        yield tree.getroottree().docinfo.encoding


def schema_is_valid(tree: Any) -> Iterator[str]:
    try:
        etree.XMLSchema(etree.fromstring(etree.tostring(tree.find(f".//{XS}schema"))))
    except etree.XMLSchemaParseError as fault:
        yield str(fault)


DESCRIPTION = (
    Rule("R2001", "wsdl:import imports WSDL only (there is none)", imports),
    Rule("R2003", "xs:import stands inside xs:schema only (there is none)", imports),
    Rule("R2023", "wsdl:types stands before all but documentation and imports", order_of_children),
    Rule("R2026", "no extension is required that a reader may not know", no_required_extension),
    Rule("R2101", "QNames refer to namespaces that are defined here or imported", known_namespaces),
    Rule("R2102", "QNames in the schema refer to its own or imported namespaces", known_namespaces),
    Rule("R2105", "each xs:schema has a targetNamespace", schema_namespace),
    Rule("R2110", "no array extends soapenc:Array", encoded_arrays),
    Rule("R2111", "soapenc:arrayType is not used", encoded_arrays),
    Rule("R2112", "no element is called ArrayOf…", array_names),
    Rule("R2201", "a document binding has at most one part in a soap:body", one_part),
    Rule("R2204", "parts of a document binding are defined by element", parts_by_element),
    Rule("R2205", "soap:fault refers to parts defined by element", parts_by_element),
    Rule("R2206", "a part's element is a global element declaration", global_elements),
    Rule("R2210", "without a parts attribute there is one part", no_part_attribute),
    Rule("R2303", "operations are request/response or one-way", request_response),
    Rule("R2304", "operations of a port type have different names", no_overloading),
    Rule("R2305", "parameterOrder omits no more than one part (there is none)", no_parameter_order),
    Rule("R2401", "the binding is the SOAP binding of WSDL 1.1", soap_binding),
    Rule("R2701", "soap:binding names a transport", soap_binding),
    Rule("R2702", "the transport is HTTP", soap_binding),
    Rule("R2705", "all operations of a binding have one style", one_style),
    Rule("R2706", "body and fault are literal", literal),
    Rule("R2707", "a use that is left out would be literal (none is)", literal),
    Rule("R2710", "each operation is told by its first element", distinct_signatures),
    Rule("R2716", "document/literal names no namespace in soap:body and soap:fault", no_encoding_style),
    Rule("R2718", "the binding has the operations of the port type", same_operations),
    Rule("R2721", "soap:fault has a name", faults_are_named),
    Rule("R2754", "the name of soap:fault is that of wsdl:fault", faults_are_named),
    Rule("R2740", "each fault of the port type is bound", faults_are_bound),
    Rule("R2801", "the schema is an XML Schema 1.0", schema_is_valid),
    Rule("R4003", "the description is UTF-8 or UTF-16", utf),
)

# -- messages ----------------------------------------------------------------------------------------------------------


def _envelopes(told: list[Exchange]) -> Iterator[Any]:
    yield from (each.root for each in told)


def _faults(told: list[Exchange]) -> Iterator[Any]:
    for root in _envelopes(told):
        yield from root.iterfind(f"{ENV}Body/{ENV}Fault")


def envelope_only(told: list[Exchange]) -> Iterator[str]:
    for root in _envelopes(told):
        if root.tag != f"{ENV}Envelope" or [node.tag for node in root][-1] != f"{ENV}Body":
            yield str(root.tag)


def one_child(told: list[Exchange]) -> Iterator[str]:
    yield from ("body" for root in _envelopes(told) if len(root.find(f"{ENV}Body")) > 1)


def qualified_children(told: list[Exchange]) -> Iterator[str]:
    yield from (n.tag for root in _envelopes(told) for n in root.find(f"{ENV}Body") if not n.tag.startswith("{"))


def no_style_in_messages(told: list[Exchange]) -> Iterator[str]:
    for root in _envelopes(told):
        yield from (node.tag for node in root.iter(etree.Element) if node.get(f"{ENV}encodingStyle") is not None)


def no_dtd(told: list[Exchange]) -> Iterator[str]:
    yield from ("doctype" for each in told if b"<!DOCTYPE" in each.body)


def no_instructions(told: list[Exchange]) -> Iterator[str]:
    for root in _envelopes(told):
        yield from (str(node) for node in root.iter(etree.PI))


def utf_8(told: list[Exchange]) -> Iterator[str]:
    for each in told:
        if "charset=utf-8" not in each.headers["content-type"].lower() or b'encoding="utf-8"' not in each.body[:60]:
            yield each.headers["content-type"]


def fault_children(told: list[Exchange]) -> Iterator[str]:
    for fault in _faults(told):
        yield from (n.tag for n in fault if n.tag not in ("faultcode", "faultstring", "faultactor", "detail"))


def fault_codes(told: list[Exchange]) -> Iterator[str]:
    for fault in _faults(told):
        prefix, _, code = fault.findtext("faultcode").partition(":")
        if fault.nsmap.get(prefix) != ENV[1:-1] or code not in CODES:
            yield f"{prefix}:{code}"


def fault_language(told: list[Exchange]) -> Iterator[str]:
    yield from ("faultstring" for fault in _faults(told) if not fault.find("faultstring").get(XML_LANG))


def detail_qualified(told: list[Exchange]) -> Iterator[str]:
    for fault in _faults(told):
        yield from (n.tag for n in fault.find("detail") if not n.tag.startswith("{"))


def fault_status(told: list[Exchange]) -> Iterator[str]:
    for each in told:
        faulty = each.root.find(f"{ENV}Body/{ENV}Fault") is not None
        if each.status != (500 if faulty else 200):
            yield str(each.status)


def content_type(told: list[Exchange]) -> Iterator[str]:
    for each in told:
        if not each.headers["content-type"].startswith("text/xml"):
            yield each.headers["content-type"]


MESSAGES = (
    Rule("R9980", "the envelope has the structure of SOAP 1.1", envelope_only),
    Rule("R9981", "the body has at most one child", one_child),
    Rule("R1011", "nothing follows the body", envelope_only),
    Rule("R1014", "children of the body are qualified", qualified_children),
    Rule("R1005", "no encodingStyle on elements of the envelope's namespace", no_style_in_messages),
    Rule("R1006", "no encodingStyle on children of the body", no_style_in_messages),
    Rule("R1008", "no document type", no_dtd),
    Rule("R1009", "no processing instruction", no_instructions),
    Rule("R1012", "UTF-8 or UTF-16", utf_8),
    Rule("R1018", "the media type's charset is the encoding", utf_8),
    Rule("R1000", "a fault holds faultcode, faultstring, faultactor, detail only", fault_children),
    Rule("R1001", "the children of a fault are unqualified", fault_children),
    Rule("R1002", "the detail holds any number of elements, ours qualified", detail_qualified),
    Rule("R1004", "faultcode is one of SOAP 1.1's", fault_codes),
    Rule("R1031", "faultcode has no dots", fault_codes),
    Rule("R1016", "faultstring may name its language (ours does)", fault_language),
    Rule("R1111", "200 for an answer that is no fault", fault_status),
    Rule("R1126", "500 for a fault", fault_status),
    Rule("R1132", "the answer is text/xml", content_type),
)

# -- what the receiver does --------------------------------------------------------------------------------------------

QUERY = (
    '<soap:Envelope xmlns:soap="{env}">{header}<soap:Body><queryCase xmlns="https://cityhub.example/soap/v1">'
    "<case_number>330800-20261123-999999</case_number></queryCase></soap:Body></soap:Envelope>"
)


def a_query(env: str = ENV[1:-1], header: str = "") -> bytes:
    """A call that is understood, but for what a rule puts into it."""
    return QUERY.format(env=env, header=header).encode()


def _code(answer: Exchange) -> str:
    return str(answer.root.findtext(f"{ENV}Body/{ENV}Fault/faultcode")).partition(":")[2]


def _understood(answer: Exchange) -> Iterator[str]:
    # The case does not exist: who says so has read the call.
    if b"case_unknown" not in answer.body:
        yield answer.body.decode("utf-8", "replace")[:300]


def version_mismatch(call: Call) -> Iterator[str]:
    answer = call(a_query("http://www.w3.org/2001/06/soap-envelope"))
    if answer.status != 500 or _code(answer) != "VersionMismatch":
        yield _code(answer)


def must_understand(call: Call) -> Iterator[str]:
    header = '<soap:Header><x:a xmlns:x="urn:x" soap:mustUnderstand="1"/></soap:Header>'
    if _code(call(a_query(header=header))) != "MustUnderstand":
        yield "a header that must be understood"
    yield from _understood(call(a_query(header=header.replace('"1"', '"0"'))))


def no_xsi_type(call: Call) -> Iterator[str]:
    yield from _understood(call(a_query()))


def any_action(call: Call) -> Iterator[str]:
    for action in ('""', '"https://cityhub.example/soap/v1/queryCase"', "queryCase"):
        yield from _understood(call(a_query(), soapaction=action))


def marks(call: Call) -> Iterator[str]:
    yield from _understood(call(b"\xef\xbb\xbf" + a_query()))


def utf_16(call: Call) -> Iterator[str]:
    yield from _understood(call(a_query().decode().encode("utf-16"), content_type="text/xml; charset=utf-16"))


def no_charset(call: Call) -> Iterator[str]:
    yield from _understood(call(a_query(), content_type="text/xml"))


def dtd_is_refused(call: Call) -> Iterator[str]:
    answer = call(b"<!DOCTYPE a []>" + a_query())
    if _code(answer) != "Client" or b"document_invalid" not in answer.body:
        yield answer.body.decode()[:200]


def other_methods(call: Call) -> Iterator[str]:
    for method in ("PUT", "DELETE", "PATCH"):
        if call(a_query(), method=method).status != 405:
            yield method


def other_types(call: Call) -> Iterator[str]:
    for kind in ("application/json", "multipart/mixed", "text/plain"):
        if call(a_query(), content_type=kind).status != 415:
            yield kind


RECEIVER = (
    Rule("R1015", "another envelope's namespace is a VersionMismatch", version_mismatch),
    Rule("R1027", "a header that must be understood and is not is a MustUnderstand", must_understand),
    Rule("R1017", "xsi:type is not asked for", no_xsi_type),
    Rule("R1119", "what is asked is told without the SOAPAction", any_action),
    Rule("R4001", "a byte order mark is taken", marks),
    Rule("R4002", "UTF-16 is taken", utf_16),
    Rule("R1019", "a media type without a charset is taken", no_charset),
    Rule("R1008", "a document type is refused", dtd_is_refused),
    Rule("R1114", "405 for another method than POST", other_methods),
    Rule("R1115", "415 for another media type", other_types),
)
