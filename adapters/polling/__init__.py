"""Polling: the hub asks a unit that cannot call, and hands in what it answers. REST and SOAP alike; no zeep here."""

from adapters.polling.source import PollSource

__all__ = ["PollSource"]
