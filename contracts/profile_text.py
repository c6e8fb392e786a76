"""A profile as an administrator wrote it: checked, and with the line of everything that is wrong."""

from __future__ import annotations

import orjson
from pydantic import ValidationError

from contracts.checking import violations_of
from contracts.problem import Problem
from contracts.profile import Profile
from contracts.yaml_text import Lines, line_of, read_yaml


def read_profile(text: str) -> tuple[Profile, Lines]:
    """The profile of a YAML or JSON text, and its lines. Raises ``Problem`` (``profile_invalid``)."""
    document, lines = read_yaml(text)
    try:
        return Profile.model_validate_json(orjson.dumps(document)), lines
    except ValidationError as fault:
        found = tuple(line_of(violation, lines) for violation in violations_of(fault))
        raise Problem("profile_invalid", violations=found) from None
