"""Opens and seals a message with shapeshifter-uftp, again and again.

The first line on stdin has envelope and keys; every other line asks for an operation for some seconds and is answered
by how often it was done and the time that this took.
"""

import json
import logging
import sys
import time

from shapeshifter_uftp import transport
from shapeshifter_uftp.uftp import SignedMessage

logging.getLogger("shapeshifter-uftp").setLevel(logging.ERROR)


def answer(**fields):
    print(json.dumps(fields), flush=True)


def repeat(operation, seconds):
    count, start, cpu = 0, time.monotonic(), time.process_time()
    while time.monotonic() - start < seconds:
        operation()
        count += 1
    answer(count=count, cpu=time.process_time() - cpu, wall=time.monotonic() - start)


def main():
    given = json.loads(sys.stdin.readline())
    envelope = given["envelope"].encode()

    def open_message():
        signed = transport.from_xml(envelope)
        return transport.unseal_message(signed.body, given["public_key"])

    message = open_message()

    def seal_message():
        sealed = transport.seal_message(message, given["secret_key"])
        signed = SignedMessage(sender_domain=message.sender_domain, sender_role="DSO", body=sealed)
        return transport.to_xml(signed).encode()

    seal_message()
    answer(ready=True)
    operations = {"open": open_message, "seal": seal_message}
    for line in sys.stdin:
        asked = json.loads(line)
        repeat(operations[asked["operation"]], asked["seconds"])


main()
