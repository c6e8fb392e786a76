"""Units that call the hub in their own format: read by the mapping, answered by the profile's templates."""

from adapters.own_format.formats import OwnFormats

__all__ = ["OwnFormats"]
