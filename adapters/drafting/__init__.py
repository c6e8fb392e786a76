"""A unit's own description (WSDL, OpenAPI, a sample) as a first profile. It is a draft: a person reads it and applies it.

A description becomes fields, fields are matched with the contract's by name and type, and what was matched is written
as a mapping; what was not is written as open questions.
"""
