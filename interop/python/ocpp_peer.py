"""A station or a CSMS on mobilityhouse's `ocpp` that sends what it is told to and answers what it is told to.

Commands:
  {"command": "call", "action": "...", "payload": {...}}      sends a CALL
  {"command": "answer", "action": "...", "payload": {...}}    answers the CALLs of this action so from now on
Events: ready (with the port, of a CSMS), connected, received (a CALL that was answered), answered and refused (the end of a
CALL of its own), unable (the library has no such message).

Payloads go through the library's data classes. Their nested objects keep the names of the wire: the library's own
conversion to snake_case and back is not what is tried here, and it does not return every name.
"""

import argparse
import asyncio
import dataclasses
import importlib
import json
import os
import sys

from line_protocol import emit

import websockets
from ocpp.charge_point import snake_to_camel_case
from ocpp.exceptions import OCPPError
from ocpp.routing import on

PACKAGES = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
# Bytes of a command: payloads may be as large as a message.
LONGEST_LINE = 8 * 1024 * 1024


def message(module, action, payload):
    """The data class of this action, its fields named as the library names them."""
    data_class = getattr(module, action)
    fields = {}
    for field in dataclasses.fields(data_class):
        (name,) = snake_to_camel_case({field.name: None})
        if name in payload:
            fields[field.name] = payload[name]
    unknown = set(payload) - {name for field in fields for name in snake_to_camel_case({field: None})}
    if unknown:
        raise AttributeError(f"{action} has no field for {sorted(unknown)}")
    return data_class(**fields)


class Recorded:
    """A socket that writes down every message, as it is."""

    def __init__(self, socket, file):
        self.socket = socket
        self.file = file

    def _note(self, way, message):
        self.file.write(json.dumps([way, message]) + "\n")
        self.file.flush()

    async def send(self, message):
        self._note("sent", message)
        await self.socket.send(message)

    async def recv(self):
        message = await self.socket.recv()
        self._note("received", message)
        return message


class Peer:
    def __init__(self, options):
        self.options = options
        package = f"ocpp.{PACKAGES[options.version]}"
        self.calls = importlib.import_module(package + ".call")
        self.results = importlib.import_module(package + ".call_result")
        self.answers = {}
        self.point = None
        base = importlib.import_module(package).ChargePoint
        self.point_class = type("Point", (base,), {f"on_{name}": self._route(name) for name in self._actions()})

    def _actions(self):
        return [name for name in dir(self.results) if dataclasses.is_dataclass(getattr(self.results, name))]

    def _route(self, action):
        def handler(_, **__):
            return message(self.results, action, self.answers[action])

        handler.__name__ = f"on_{action}"
        return on(action)(handler)

    async def serve(self, socket):
        peer = self

        class Point(self.point_class):
            async def _handle_call(self, msg):
                # What was read, before its names are converted.
                received = json.loads(json.dumps(msg.payload))
                await super()._handle_call(msg)
                emit("received", action=msg.action, payload=received)

        if peer.options.frames:
            socket = Recorded(socket, open(peer.options.frames, "a", encoding="utf-8"))
        peer.point = Point("CS001", socket, response_timeout=20)
        emit("connected")
        await peer.point.start()

    async def call(self, action, payload):
        try:
            request = message(self.calls, action, payload)
        except (AttributeError, TypeError) as error:
            emit("unable", action=action, cause=str(error))
            return
        seen = {}
        responded = self.point._get_specific_response

        async def note(unique_id, timeout):
            response = await responded(unique_id, timeout)
            seen["payload"] = getattr(response, "payload", None)
            return response

        self.point._get_specific_response = note
        try:
            await self.point.call(request, suppress=False)
            emit("answered", action=action, payload=seen["payload"])
        except OCPPError as error:
            emit("refused", action=action, code=error.code, cause=f"{error} {error.details}"[:600])
        except Exception as error:
            emit("unable", action=action, cause=f"{type(error).__name__}: {error}"[:600])
        finally:
            self.point._get_specific_response = responded

    async def obey(self, command):
        match command["command"]:
            case "call":
                await self.call(command["action"], command["payload"])
            case "answer":
                self.answers[command["action"]] = command["payload"]
                emit("noted", action=command["action"])


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", required=True, choices=PACKAGES)
    parser.add_argument("--url", help="the CSMS to connect to; without it this is a CSMS")
    parser.add_argument("--frames", help="the file in which every message is written down as it is")
    peer = Peer(parser.parse_args())
    protocol = [f"ocpp{peer.options.version}"]
    if peer.options.url:
        socket = await websockets.connect(peer.options.url, subprotocols=protocol)
        task = asyncio.create_task(peer.serve(socket))
        task.add_done_callback(lambda _: os._exit(1))
        emit("ready")
    else:
        server = await websockets.serve(peer.serve, "127.0.0.1", 0, subprotocols=protocol)
        emit("ready", port=server.sockets[0].getsockname()[1])
    lines = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        await peer.obey(json.loads(line))
    os._exit(0)


asyncio.run(main())
