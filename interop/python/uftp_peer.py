"""A UFTP participant made of shapeshifter-uftp's own service and client, driven over the line protocol.

What the specification asks of a participant and the library leaves out stands here: duplicates are recognised by
MessageID and compared byte by byte, and what could not be delivered is sent again, unchanged.

Commands:
  {"command": "send", "type": "FlexRequest", "fields": {...}}   the wire's own names; ids and times are filled in
  {"command": "send_corrupted", "type": ..., "fields": {...}}   once, with one wrong bit in the signature
  {"command": "post", "url": ..., "body": ...}                  once, exactly this body
  {"command": "stop"}
Events: ready, received, sent, refused, expired, failed, answered.
"""

import argparse
import base64
import json
import logging
import os
import queue
import threading
import time

from line_protocol import commands, emit

import requests
from fastapi import Response
from nacl.signing import SigningKey
from shapeshifter_uftp import transport
from shapeshifter_uftp.exceptions import ClientTransportException, TransportException
from shapeshifter_uftp.service.base_service import snake_case
from shapeshifter_uftp.uftp import (
    AcceptedRejected,
    SignedMessage,
    TestMessage,
    TestMessageResponse,
    request_response_map,
    routing_map,
)
from xsdata.formats.dataclass.context import XmlContext

XML = {"Content-Type": "text/xml; charset=utf-8"}
SIGNATURE_LENGTH = 64
# What the specification's transport appendix calls temporary, besides 5xx and broken connections.
TEMPORARY_STATUSES = {404, 419, 429}
# Seconds before the second attempt and between later ones at most.
FIRST_RETRY, LONGEST_RETRY = 0.1, 1.0


def wire_name(cls):
    """The root element of a message class."""
    return transport._context.build(cls).qname


MESSAGES = {wire_name(cls): cls for cls in [*routing_map, TestMessage, TestMessageResponse]}


def reference_name(cls):
    """The field of a response that names the request of class `cls`."""
    return f"{snake_case(cls.__name__)}_message_id"


class Participant:
    """Mixed into a service of the library: reports what is acknowledged and keeps repeats from its handlers."""

    def __init__(self, peer_role, give_up_after, **settings):
        super().__init__(**settings)
        self.outbox = Outbox(self, peer_role, give_up_after)
        self._acknowledged = {}
        self._acknowledging = threading.Lock()

    def _receive_message(self, message: SignedMessage) -> Response:
        key = self.key_lookup_function(message.sender_domain, message.sender_role)
        try:
            payload = transport.unseal_message(message.body, key)
        except TransportException:
            return super()._receive_message(message)
        with self._acknowledging:
            first = self._acknowledged.setdefault(payload.message_id, message.body)
            repeated = first is not message.body
        report(message, payload, repeated, identical=first == message.body)
        if not repeated:
            return super()._receive_message(message)
        self._answer_repeat(payload, "Already Submitted" if first == message.body else "Duplicate Identifier")
        return Response(status_code=200)

    def _answer_repeat(self, payload, reason):
        """Tells the sender of a request that it was submitted before."""
        response_class = request_response_map.get(type(payload))
        if response_class in (None, TestMessageResponse):
            return
        response = response_class(
            conversation_id=payload.conversation_id,
            result=AcceptedRejected.REJECTED,
            rejection_reason=reason,
            **{reference_name(type(payload)): payload.message_id},
        )
        self.outbox.put(payload.sender_domain, response)


def participant(service_class):
    """A service of the library for one role; the work that follows a message is the driver's."""
    handlers = {name: lambda self, message: None for name in service_class.__abstractmethods__}
    return type("Participant", (Participant, service_class), handlers)


def report(message, payload, repeated, identical):
    emit(
        "received",
        type=wire_name(type(payload)),
        message_id=payload.message_id,
        conversation_id=payload.conversation_id,
        sender=message.sender_domain,
        role=str(message.sender_role),
        repeated=repeated,
        identical=identical,
        fields=json.loads(transport.to_json(payload)),
        payload=message.body[SIGNATURE_LENGTH:].decode("utf-8"),
    )


class Outbox:
    """Sends messages one after another, each until it is delivered, refused for good or too late."""

    def __init__(self, service, peer_role, give_up_after):
        self.service = service
        self.peer_role = peer_role
        self.give_up_after = give_up_after
        self.waiting = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, recipient, message):
        self.waiting.put((recipient, message))

    def _run(self):
        while True:
            recipient, message = self.waiting.get()
            try:
                event, details = self._deliver(recipient, message)
            except Exception as error:  # the driver must hear of it, and later messages still go out
                event, details = "failed", {"cause": repr(error)}
            emit(
                event,
                type=wire_name(type(message)),
                message_id=message.message_id,
                conversation_id=message.conversation_id,
                **details,
            )

    def _deliver(self, recipient, message):
        client = self.service._get_client(recipient, self.peer_role)
        send = getattr(client, f"send_{snake_case(type(message).__name__)}")
        attempts, wait = 1, FIRST_RETRY
        deadline = time.monotonic() + self.give_up_after
        while True:
            try:
                # The same object every time: the client fills in only what is missing, so a retry is identical.
                send(message)
                return "sent", {"attempts": attempts}
            except ClientTransportException as error:
                status = error.response.status_code
                if status < 500 and status not in TEMPORARY_STATUSES:
                    return "refused", {"status": status, "cause": error.response.text}
            except requests.RequestException:
                pass  # the other side is down: that is what the next attempt is for
            if time.monotonic() + wait > deadline:
                return "expired", {"attempts": attempts}
            time.sleep(wait)
            attempts, wait = attempts + 1, min(2 * wait, LONGEST_RETRY)


def warm_up(url, domain, role):
    """Parses once, alone, over HTTP.

    The library's XML binding fills its class index on first use and again whenever a module was imported since, both
    without a lock, and refuses messages that arrive meanwhile with 400, which is final for their sender. So one thread
    fills the indexes here, and they are kept.
    """
    stranger = base64.b64encode(SigningKey.generate().sign(b"<x/>")).decode()
    envelope = f'<SignedMessage SenderDomain="{domain}" SenderRole="{role}" Body="{stranger}"/>'
    answer = requests.post(url, data=envelope, headers=XML, timeout=10)
    if answer.status_code != 401:
        raise RuntimeError(f"warm-up: a message with a stranger's signature got {answer.status_code}: {answer.text}")
    transport._context.build_xsi_cache()
    build = XmlContext.build_xsi_cache
    XmlContext.build_xsi_cache = lambda context: None if context.xsi_cache else build(context)


def post(url, body):
    """One POST; the status goes to the driver."""
    answer = requests.post(url, data=body.encode("utf-8"), headers=XML, timeout=10)
    emit("answered", status=answer.status_code, body=answer.text)


def corrupted(service, recipient, message):
    """The envelope of a message whose signature has one wrong bit."""
    message.sender_domain, message.recipient_domain = service.sender_domain, recipient
    sealed = bytearray(transport.seal_message(message, service.signing_key))
    sealed[0] ^= 1
    envelope = SignedMessage(sender_domain=service.sender_domain, sender_role=service.sender_role, body=bytes(sealed))
    return transport.to_xml(envelope)


def message_of(command):
    return transport.from_json(json.dumps(command.get("fields", {})), MESSAGES[command["type"]])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domain", required=True)
    parser.add_argument("--signing-key", required=True, help="Base64 of the 64-byte secret key")
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--peer-domain", required=True)
    parser.add_argument("--peer-key", required=True, help="Base64 of the peer's public key")
    parser.add_argument("--peer-endpoint", required=True)
    parser.add_argument("--give-up-after", type=float, default=60.0, help="seconds during which a message is tried")
    return parser.parse_args()


def run(service_class, peer_role):
    options = arguments()
    logging.getLogger("shapeshifter-uftp").setLevel(logging.WARNING)
    keys = {(options.peer_domain, peer_role): options.peer_key}
    service = participant(service_class)(
        peer_role=peer_role,
        give_up_after=options.give_up_after,
        sender_domain=options.domain,
        signing_key=options.signing_key,
        key_lookup_function=lambda domain, role: keys[(domain, str(role))],
        endpoint_lookup_function=lambda domain, role: options.peer_endpoint,
        host="127.0.0.1",
        port=options.port,
    )
    service.run_in_thread()
    warm_up(f"http://127.0.0.1:{options.port}/shapeshifter/api/v3/message", options.peer_domain, peer_role)
    emit("ready")
    for command in commands():
        match command["command"]:
            case "send":
                service.outbox.put(options.peer_domain, message_of(command))
            case "send_corrupted":
                post(options.peer_endpoint, corrupted(service, options.peer_domain, message_of(command)))
            case "post":
                post(command["url"], command["body"])
            case "stop":
                break
            case unknown:
                emit("failed", cause=f"unknown command {unknown}")
    service.stop()
    os._exit(0)  # the library's worker threads may still be trying
