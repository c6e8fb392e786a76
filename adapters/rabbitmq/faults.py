"""What a broken connection, a closed channel or a refused login means for a letter: pika's errors as the port's."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from pika.adapters.utils.connection_workflow import AMQPConnectionWorkflowFailed, AMQPConnectorException
from pika.exceptions import (
    AuthenticationError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from contracts.port import DeliveryFailed, Unauthorised, Unavailable

ACCESS_REFUSED, NOT_FOUND, NOT_ALLOWED, PRECONDITION_FAILED = 403, 404, 530, 406
_TEXT_MAX = 200


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class Missing(Unavailable):
    """The queue or the exchange is gone."""

    exchange: bool = False


def not_connected(fault: BaseException) -> DeliveryFailed:
    """Why no connection came about: the login and the vhost are a person's matter, anything else may pass."""
    cause = _innermost(fault)
    if isinstance(cause, AuthenticationError | ProbableAuthenticationError) or _code(cause) == ACCESS_REFUSED:
        return Unauthorised("消息服务器不认可用户名或密码 / the broker does not accept the user or the password")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Unauthorised(f"消息服务器的证书无效 / the broker's certificate is not valid ({cause.verify_message})")
    if isinstance(cause, ProbableAccessDeniedError) or _code(cause) in (NOT_ALLOWED, NOT_FOUND):
        return Unauthorised(f"不能使用该虚拟主机 / the vhost may not be used ({_said(cause)})")
    return Unavailable(f"连接不上消息服务器 / no connection to the broker ({_said(cause)})")


def channel_closed(fault: BaseException) -> DeliveryFailed:
    """Why a channel ended. What was published on it and not confirmed is in doubt."""
    if isinstance(fault, ChannelClosedByBroker) and fault.reply_code == ACCESS_REFUSED:
        return Unauthorised(f"消息服务器不允许此操作 / the broker does not allow it ({_said(fault)})")
    if isinstance(fault, ChannelClosedByBroker) and fault.reply_code == NOT_FOUND:
        return Missing(f"消息服务器上没有它 / the broker does not have it ({_said(fault)})", exchange=True)
    if isinstance(fault, ChannelClosedByBroker) and fault.reply_code == PRECONDITION_FAILED:
        return Unauthorised(
            "队列或交换机已存在而设置不同;取空后删除它,枢纽会重建 / it exists with other settings: delete it once it"
            f" is empty, and the hub makes it anew ({_said(fault)})"
        )
    return Unavailable(f"消息服务器中断了连接 / the broker broke off ({_said(fault)})", in_doubt=True)


def _innermost(fault: BaseException) -> BaseException:
    while True:
        if isinstance(fault, AMQPConnectionWorkflowFailed) and fault.exceptions:
            fault = fault.exceptions[-1]
        elif isinstance(fault, AMQPConnectorException) and getattr(fault, "exception", None) is not None:
            fault = fault.exception
        else:
            return fault


def _code(fault: BaseException) -> int | None:
    return int(fault.reply_code) if isinstance(fault, ConnectionClosedByBroker) else None


def _said(fault: BaseException) -> str:
    text = getattr(fault, "reply_text", "") or str(fault) or type(fault).__name__
    return f"{type(fault).__name__}: {text}"[:_TEXT_MAX]
