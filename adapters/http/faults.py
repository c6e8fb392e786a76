"""What a failed call means for a letter: the client's errors turned into the port's.

The client's error classes do not tell the phase (a connection reset after the request is a ``ConnectError`` too, a
silent unit a ``ConnectTimeoutError``); its list of causes does. Only a fault while connecting is sure to have sent
nothing; whatever else happened, the letter is in doubt. The client's own sentences name the whole address, so only
the last cause is repeated.
"""

from __future__ import annotations

from pyreqwest.exceptions import DetailedPyreqwestError, RequestTimeoutError

from contracts.port import DeliveryFailed, Unauthorised, Unavailable

_WHILE_CONNECTING = "client error (Connect)"
_CERTIFICATE = "invalid peer certificate"
_OUR_CERTIFICATE = (
    *("CertificateRequired", "BadCertificate", "UnsupportedCertificate", "CertificateRevoked", "CertificateExpired"),
    *("CertificateUnknown", "UnknownCA", "AccessDenied", "DecryptError"),
)
"""The alerts (RFC 8446 §6.2) by which a unit says that it does not take the certificate we showed, or wants one."""
_TLS = ("received fatal alert", "received corrupt message", "peer is incompatible", "peer misbehaved")
_CAUSE_MAX = 200


def failure_of(fault: DetailedPyreqwestError) -> DeliveryFailed:
    """The failure to raise for a client's error."""
    causes = [cause["message"] for cause in (fault.details or {}).get("causes") or ()]
    last = causes[-1][:_CAUSE_MAX] if len(causes) > 1 else type(fault).__name__
    if any(cause == f"received fatal alert: {alert}" for cause in causes for alert in _OUR_CERTIFICATE):
        # Under TLS 1.3 it comes after our handshake, with the answer; the unit has read nothing of the letter.
        return Unauthorised(f"对方不认可枢纽的客户端证书 / the unit does not accept the hub's certificate ({last})")
    if _WHILE_CONNECTING not in causes:
        zh, en = (
            ("等待应答超时", "no whole answer in time") if _timed_out(fault) else ("连接中断", "the connection broke")
        )
        return Unavailable(f"{zh} / {en} ({last})", in_doubt=True)
    if any(cause.startswith(_CERTIFICATE) for cause in causes):
        # Every letter would fail alike until someone renews the certificate or trusts its issuer.
        return Unauthorised(f"对方证书无效 / the unit's certificate is not valid ({last})")
    if any(cause.startswith(_TLS) for cause in causes):
        return Unavailable(f"TLS 握手失败 / no TLS connection ({last})")
    return Unavailable(f"无法连接 / no connection ({last})")


def sent_nothing(failure: DeliveryFailed) -> bool:
    """Whether the address itself did not answer, so that another address of the same name is worth a try."""
    return isinstance(failure, Unavailable) and not failure.in_doubt and failure.status is None


def _timed_out(fault: DetailedPyreqwestError) -> bool:
    return isinstance(fault, RequestTimeoutError)
