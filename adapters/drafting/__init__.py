"""A unit's own description (WSDL, OpenAPI, a sample) as a first profile: a draft, which a person reads and applies.

A description becomes fields, fields are matched with the contract's by name and type, and what was matched is written
as a mapping; what was not is written as open questions.
"""

from adapters.drafting.draft import Draft
from adapters.drafting.fetching import Fetching
from adapters.drafting.fields import DraftFault
from adapters.drafting.wanted import Wanted, draft_of

__all__ = ["Draft", "DraftFault", "Fetching", "Wanted", "draft_of"]
