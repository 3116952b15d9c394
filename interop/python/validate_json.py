"""Validates payloads against a folder of JSON schemas, a second judge beside whoever made them.

Commands: {"schema": "name of a file without its ending", "payloads": [...]}
Events: ready, checked with the `complaints` about each payload: places and texts, none where it is right.
"""

import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from jsonschema import FormatChecker
from jsonschema.validators import validator_for

from line_protocol import commands, emit

FORMATS = FormatChecker(formats=[])


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(text):
    """RFC 3339 demands an offset and a time of day (jsonschema alone does not look at it)."""
    if not isinstance(text, str):
        return True
    return "T" in text and datetime.fromisoformat(text).tzinfo is not None


def complaint(error):
    """Where, as a JSON pointer, and what."""
    return ["".join(f"/{step}" for step in error.absolute_path), error.message[:200]]


def exact(text):
    """JSON with its numbers as they are written: 21.4 is a multiple of 0.1."""
    return json.loads(text, parse_float=Decimal)


def main(folder):
    validators = {}
    emit("ready")
    for command in commands():
        name = command["schema"]
        if name not in validators:
            schema = exact((folder / f"{name}.json").read_text(encoding="utf-8-sig"))
            validators[name] = validator_for(schema)(schema, format_checker=FORMATS)
        # The commands' own numbers have been read already: what is printed is read anew.
        payloads = exact(json.dumps(command["payloads"]))
        complaints = [list(map(complaint, validators[name].iter_errors(one))) for one in payloads]
        emit("checked", complaints=complaints)


main(Path(sys.argv[1]))
