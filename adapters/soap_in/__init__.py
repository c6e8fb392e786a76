"""The hub's own SOAP service on the wire: envelopes opened, requests decoded by the contracts' shapes, answers written.

No unit, no key, no store is known here; what was read goes to the door in ``hub/api``.
"""

from adapters.soap_in.wire import Wire

__all__ = ["Wire"]
