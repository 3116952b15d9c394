"""A UFTP participant made of shapeshifter-uftp's own service and client, driven over the line protocol.

What the specification asks of a participant and the library leaves out stands here: duplicates are recognised by
MessageID and compared byte by byte, and what could not be delivered is sent again, unchanged.

Commands:
  {"command": "send", "type": "FlexRequest", "fields": {...}}   the wire's own names; ids and times are filled in
  {"command": "send", "xml": "<FlexRequest ..."}                read by the library and written anew by it
  {"command": "send_corrupted", "type": ..., "fields": {...}}   once, with one wrong bit in the signature
  {"command": "post", "url": ..., "body": ...}                  once, exactly this body
  {"command": "churn", "seconds": ..., "every": ...}            imports a module every so many seconds for a while
  {"command": "stop"}
What is sent goes to the only peer, or to the one in the role "to". "version" and "recipient_domain" replace what the
client writes there, whatever it thinks of it; "misdirected" lets it send what its role does not send.
Events: ready, received, sent, refused, expired, failed, answered; with --bare handled in place of received.
"""

import argparse
import base64
import json
import logging
import os
import queue
import sys
import threading
import time
import types
from dataclasses import dataclass

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
# What a command may say of a letter.
LETTER_FIELDS = ("version", "recipient_domain", "misdirected")


def wire_name(cls):
    """The root element of a message class."""
    return transport._context.build(cls).qname


MESSAGES = {wire_name(cls): cls for cls in [*routing_map, TestMessage, TestMessageResponse]}


def reference_name(cls):
    """The field of a response that names the request of class `cls`."""
    return f"{snake_case(cls.__name__)}_message_id"


class Participant:
    """Mixed into a service of the library: reports what is acknowledged and keeps repeats from its handlers."""

    def __init__(self, give_up_after, **settings):
        super().__init__(**settings)
        self.outbox = Outbox(self, give_up_after)
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
        reason = "Already Submitted" if first == message.body else "Duplicate Identifier"
        self._answer_repeat(payload, str(message.sender_role), reason)
        return Response(status_code=200)

    def _answer_repeat(self, payload, role, reason):
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
        self.outbox.put(Letter(payload.sender_domain, role, response))


class Bare:
    """Mixed into a service of the library instead: the service as it comes, whose handlers report and take their time."""

    def __init__(self, give_up_after, handler_seconds, **settings):
        super().__init__(**settings)
        self.outbox = Outbox(self, give_up_after)
        self.handler_seconds = handler_seconds

    def _process_message(self, message, sender_role):
        """What the library runs in its pool, once for each message that it has acknowledged."""
        emit("begun", **identity(message))
        time.sleep(self.handler_seconds)
        emit("handled", **identity(message))
        response_class = request_response_map.get(type(message))
        if response_class is None:
            return
        accepted = response_class(
            conversation_id=message.conversation_id, **{reference_name(type(message)): message.message_id}
        )
        self.outbox.put(Letter(message.sender_domain, str(sender_role), accepted, version=message.version))


def participant(service_class, mixin):
    """A service of the library for one role; the work that follows a message is the driver's."""
    handlers = {name: lambda self, message: None for name in service_class.__abstractmethods__}
    return type("Participant", (mixin, service_class), handlers)


def identity(message):
    """What tells one message from another."""
    return {
        "type": wire_name(type(message)),
        "message_id": message.message_id,
        "conversation_id": message.conversation_id,
    }


def report(message, payload, repeated, identical):
    emit(
        "received",
        **identity(payload),
        sender=message.sender_domain,
        role=str(message.sender_role),
        repeated=repeated,
        identical=identical,
        fields=json.loads(transport.to_json(payload)),
        payload=message.body[SIGNATURE_LENGTH:].decode("utf-8"),
        read=transport.to_xml(payload),
    )


@dataclass
class Letter:
    """A message and whom it is for."""

    domain: str
    role: str
    message: object
    # What the client is to write in place of what it would.
    version: str = "3.1.0"
    recipient_domain: str | None = None
    # Whether it is a message that does not go from this role to that.
    misdirected: bool = False

    def send(self, service):
        """One attempt. It is the same object every time and the client fills in only what is missing, so a retry is
        identical."""
        client = service._get_client(self.domain, self.role)
        client.version = self.version
        client.recipient_domain = self.recipient_domain or self.domain
        name = f"send_{snake_case(type(self.message).__name__)}"
        (client._send_message if self.misdirected else getattr(client, name))(self.message)


class Outbox:
    """Sends messages one after another, each until it is delivered, refused for good or too late."""

    def __init__(self, service, give_up_after):
        self.service = service
        self.give_up_after = give_up_after
        self.waiting = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, letter):
        self.waiting.put(letter)

    def _run(self):
        while True:
            letter = self.waiting.get()
            try:
                event, details = self._deliver(letter)
            except Exception as error:  # the driver must hear of it, and later messages still go out
                event, details = "failed", {"cause": repr(error)}
            emit(event, **identity(letter.message), **details)

    def _deliver(self, letter):
        attempts, wait = 1, FIRST_RETRY
        deadline = time.monotonic() + self.give_up_after
        while True:
            try:
                letter.send(self.service)
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
    if "xml" in command:
        return transport.from_xml(command["xml"])
    return transport.from_json(json.dumps(command.get("fields", {})), MESSAGES[command["type"]])


def churn(seconds, every):
    """What lazy imports do to the library: its class index is rebuilt whenever the number of modules has changed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        name = f"lazily_imported_{time.monotonic_ns()}"
        sys.modules[name] = types.ModuleType(name)
        time.sleep(every)


@dataclass(frozen=True)
class Peer:
    """Somebody whom this participant knows."""

    role: str
    domain: str
    key: str
    endpoint: str


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domain", required=True)
    parser.add_argument("--signing-key", required=True, help="Base64 of the 64-byte secret key")
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument(
        "--peer",
        dest="peers",
        required=True,
        action="append",
        nargs=4,
        metavar=("ROLE", "DOMAIN", "KEY", "ENDPOINT"),
        help="one in each role at most; the key is Base64 of the public key",
    )
    parser.add_argument("--give-up-after", type=float, default=60.0, help="seconds during which a message is tried")
    parser.add_argument(
        "--bare", action="store_true", help="the library's service as it comes: cold, and with no memory of messages"
    )
    parser.add_argument("--handler-seconds", type=float, default=0.0, help="with --bare: how long each handler takes")
    return parser.parse_args()


def run(service_class):
    options = arguments()
    logging.getLogger("shapeshifter-uftp").setLevel(logging.WARNING)
    peers = {peer.role: peer for peer in (Peer(*words) for words in options.peers)}
    known = {(peer.domain, peer.role): peer for peer in peers.values()}
    mixin, settings = (Bare, {"handler_seconds": options.handler_seconds}) if options.bare else (Participant, {})
    service = participant(service_class, mixin)(
        give_up_after=options.give_up_after,
        sender_domain=options.domain,
        signing_key=options.signing_key,
        key_lookup_function=lambda domain, role: known[(domain, str(role))].key,
        endpoint_lookup_function=lambda domain, role: known[(domain, str(role))].endpoint,
        host="127.0.0.1",
        port=options.port,
        **settings,
    )
    service.run_in_thread()
    only = next(iter(peers.values()))
    if not options.bare:
        warm_up(f"http://127.0.0.1:{options.port}/shapeshifter/api/v3/message", only.domain, only.role)
    emit("ready")
    for command in commands():
        peer = peers[command["to"]] if "to" in command else only
        match command["command"]:
            case "send":
                chosen = {name: command[name] for name in LETTER_FIELDS if name in command}
                service.outbox.put(Letter(peer.domain, peer.role, message_of(command), **chosen))
            case "send_corrupted":
                post(peer.endpoint, corrupted(service, peer.domain, message_of(command)))
            case "post":
                post(command["url"], command["body"])
            case "churn":
                threading.Thread(target=churn, args=[command["seconds"], command["every"]], daemon=True).start()
            case "stop":
                break
            case unknown:
                emit("failed", cause=f"unknown command {unknown}")
    service.stop()
    os._exit(0)  # the library's worker threads may still be trying
