"""Validates UFTP payloads against the published XML schema, over the line protocol.

Command: {"xml": "..."}; the answer is the event `checked` with libxml2's complaints, none if the payload is valid.
"""

import sys

from line_protocol import commands, emit

from lxml import etree

schema = etree.XMLSchema(etree.parse(sys.argv[1]))
emit("ready")
for command in commands():
    try:
        schema.validate(etree.fromstring(command["xml"].encode("utf-8")))
        complaints = [f"line {error.line}: {error.message}" for error in schema.error_log]
    except etree.XMLSyntaxError as error:
        complaints = [str(error)]
    emit("checked", complaints=complaints)
