"""How a unit's fields, codes, dates and encodings become the contract's, and back: a profile's tables, compiled. Pure.

A transport makes one ``Mapper`` for each connection and profile version, and keeps it.
"""

from adapters.mapping.faults import MappingFailed, MappingFault
from adapters.mapping.mapper import Inbound, Mapper, Outbound, mapper_of
from adapters.mapping.said import said_of
from adapters.mapping.tables import BadTable

__all__ = ["BadTable", "Inbound", "Mapper", "MappingFailed", "MappingFault", "Outbound", "mapper_of", "said_of"]
