"""Push over SOAP: a letter becomes a call of the unit's own service, by its own WSDL. The one home of zeep.

zeep reads WSDLs and builds messages; it never opens a socket or a file here. The transport is ``adapters.http``.
"""

from adapters.soap.adapter import SoapAdapter
from adapters.soap.calls import SoapAnswer, SoapCalls

__all__ = ["SoapAdapter", "SoapAnswer", "SoapCalls"]
