"""An EV charger with one EVSE, driven over the line protocol; `charger16.py` and `charger201.py` speak its OCPP.

It behaves as a station in the field: it reconnects with back-off, keeps its transaction and its charging profiles while
it is offline, and sends transaction messages in their order, each until it is answered, with the content it had when it
happened.

Commands:
  {"command": "start_transaction", "id_token": "..."}
  {"command": "stop_transaction"}
  {"command": "profiles"}      reports the charging profiles installed
  {"command": "drop"}          closes the socket without a word and reconnects
  {"command": "stop"}
Events: connected, disconnected, rejected (handshake), booted, called, call_error, set_charging_profile,
clear_charging_profile, transaction_started, transaction_stopped, profiles.
"""

import argparse
import asyncio
import base64
import json
import os
import sys
from collections import deque
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from line_protocol import emit

import websockets
from ocpp.exceptions import OCPPError, SecurityError
from ocpp.messages import MessageType

# Seconds between attempts to reconnect, and between attempts of a message that got a CALLERROR.
FIRST_RETRY, LONGEST_RETRY = 0.2, 1.0
WATT_HOURS_AT_START = 1000


def now():
    return datetime.now(timezone.utc)


def timestamp():
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Profiles:
    """The charging profiles installed, and what they allow."""

    def __init__(self, options, id_key):
        self.options = options
        self.id_key = id_key
        self.installed = {}

    def install(self, profile, schedules, transaction_id):
        """Takes a profile or says why not. `schedules` are its chargingSchedule elements."""
        reason = self._objection(profile, schedules, transaction_id)
        if reason is None:
            self.installed[(profile["chargingProfilePurpose"], profile["stackLevel"])] = profile
        return reason

    def _objection(self, profile, schedules, transaction_id):
        if profile["chargingProfilePurpose"] == "TxProfile":
            if transaction_id is None:
                return "TxProfile without a transaction"
            if profile.get("transactionId") != transaction_id:
                return f"TxProfile for transaction {profile.get('transactionId')}, running is {transaction_id}"
        for schedule in schedules:
            starts = [period["startPeriod"] for period in schedule["chargingSchedulePeriod"]]
            if profile["chargingProfileKind"] in ("Absolute", "Recurring") and "startSchedule" not in schedule:
                return f"{profile['chargingProfileKind']} without startSchedule"
            if not starts or starts[0] != 0:
                return "the first startPeriod is not 0"
            if starts != sorted(set(starts)):
                return "startPeriod does not increase"
        return None

    def clear(self, profile_id=None, purpose=None, stack_level=None):
        """Removes what matches every criterion given; says whether anything did."""
        matching = [
            key
            for key, profile in self.installed.items()
            if profile_id in (None, profile[self.id_key])
            and purpose in (None, key[0])
            and stack_level in (None, key[1])
        ]
        for key in matching:
            del self.installed[key]
        return bool(matching)

    def end_transaction(self):
        self.clear(purpose="TxProfile")

    def watts(self, at):
        """What the station draws: its maximum, or less where a profile says so."""
        supply = self.options.phases * self.options.voltage
        limit = supply * self.options.maximum_current
        for profile in self.installed.values():
            schedules = profile["chargingSchedule"]
            for schedule in schedules if isinstance(schedules, list) else [schedules]:
                allowed = active_limit(schedule, at)
                if allowed is not None:
                    limit = min(limit, allowed if schedule["chargingRateUnit"] == "W" else allowed * supply)
        return int(limit)


def active_limit(schedule, at):
    """The limit of an absolute schedule at an instant, in its own unit."""
    start = datetime.fromisoformat(schedule["startSchedule"].replace("Z", "+00:00"))
    elapsed = (at - start).total_seconds()
    if elapsed < 0 or elapsed >= schedule.get("duration", float("inf")):
        return None
    started = [period for period in schedule["chargingSchedulePeriod"] if period["startPeriod"] <= elapsed]
    return float(started[-1]["limit"]) if started else None


class Charger:
    """What outlives a connection: the transaction, the profiles, the messages not answered yet."""

    def __init__(self, options, station_class, subprotocol):
        self.options = options
        self.station_class = station_class
        self.subprotocol = subprotocol
        self.profiles = Profiles(options, station_class.profile_id_key)
        self.transaction_id = None
        self.watt_hours = Decimal(WATT_HOURS_AT_START)
        self.booted = False
        # Functions that build the next transaction messages, oldest first.
        self.unsent = deque()
        self.something_unsent = asyncio.Event()
        self.socket = None

    def queue(self, build, answered=None):
        """Queues a transaction message; `answered` gets the response."""
        self.unsent.append((build, answered))
        self.something_unsent.set()

    async def run(self):
        wait = FIRST_RETRY
        while True:
            try:
                await self._connection()
                wait = FIRST_RETRY
            except websockets.InvalidStatus as error:
                emit("rejected", status=error.response.status_code)
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
                pass  # the CSMS is down; so the station tries again
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_RETRY)

    async def _connection(self):
        headers = {}
        if self.options.password:
            pair = f"{self.options.identity}:{self.options.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        url = f"{self.options.url}/{self.options.identity}"
        async with websockets.connect(
            url, subprotocols=[self.subprotocol], additional_headers=headers, open_timeout=10, close_timeout=1
        ) as socket:
            self.socket = socket
            extensions = socket.response.headers.get("Sec-WebSocket-Extensions")
            emit("connected", subprotocol=socket.subprotocol, extensions=extensions)
            station = self.station_class(self.options.identity, socket, response_timeout=10)
            station.charger = self
            parts = [asyncio.create_task(part) for part in (station.start(), self._work(station), self._meter())]
            try:
                done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for part in parts:
                    part.cancel()
                await asyncio.gather(*parts, return_exceptions=True)
                self.socket = None
                emit("disconnected")
        for part in done:
            error = part.exception()
            if error and not isinstance(error, (websockets.ConnectionClosed, asyncio.TimeoutError)):
                raise error

    async def _work(self, station):
        """Everything this station says of itself, one CALL at a time."""
        if not self.booted or self.options.boot_on_reconnect:
            await self._boot(station)
        await station.report_status()
        while True:
            while self.unsent:
                build, answered = self.unsent[0]
                response = await self._call(station, build())
                self.unsent.popleft()
                if answered:
                    answered(response)
            self.something_unsent.clear()
            await self.something_unsent.wait()

    async def _boot(self, station):
        while (response := await self._call(station, station.boot_notification())).status != "Accepted":
            await asyncio.sleep(LONGEST_RETRY)
        self.booted = True
        emit("booted", interval=response.interval)

    async def _call(self, station, request):
        """One CALL, again until it has a CALLRESULT."""
        while True:
            try:
                response = await station.call(request, suppress=False)
                emit("called", action=type(request).__name__)
                return response
            except SecurityError:
                # Not accepted (any more): introduce ourselves again.
                emit("call_error", action=type(request).__name__, code="SecurityError")
                response = await station.call(station.boot_notification(), suppress=False)
                emit("booted", interval=response.interval)
            except OCPPError as error:
                emit("call_error", action=type(request).__name__, code=error.code, details=str(error))
            await asyncio.sleep(LONGEST_RETRY)

    async def _meter(self):
        """Counts energy, and reports it while a transaction runs."""
        while True:
            await asyncio.sleep(self.options.meter_interval)
            if self.transaction_id is None:
                continue
            watts = self.profiles.watts(now())
            self.watt_hours += Decimal(watts) * Decimal(self.options.meter_interval) / 3600
            if not self.unsent:
                self.station_class.queue_meter_values(self, int(self.watt_hours), watts)

    def transaction_started(self, transaction_id):
        self.transaction_id = transaction_id
        emit("transaction_started", transaction_id=transaction_id)

    def profile_received(self, profile, schedules):
        reason = self.profiles.install(profile, schedules, self.transaction_id)
        status = "Accepted" if reason is None else "Rejected"
        emit("set_charging_profile", status=status, reason=reason, profile=profile)
        return status

    async def obey(self, command):
        match command["command"]:
            case "start_transaction":
                self.station_class.queue_start(self, command.get("id_token", "TIELINE"))
            case "stop_transaction":
                self.station_class.queue_stop(self)
            case "profiles":
                emit("profiles", profiles=list(self.profiles.installed.values()))
            case "drop":
                if self.socket:
                    self.socket.transport.abort()
            case "stop":
                os._exit(0)
            case unknown:
                emit("failed", cause=f"unknown command {unknown}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="ws://HOST:PORT/PATH without the identity")
    parser.add_argument("--identity", required=True)
    parser.add_argument("--password")
    parser.add_argument("--phases", type=int, default=3)
    parser.add_argument("--voltage", type=int, default=230)
    parser.add_argument("--maximum-current", type=int, default=32)
    parser.add_argument("--meter-interval", type=float, default=2.0, help="seconds between meter values")
    parser.add_argument("--boot-on-reconnect", action="store_true")
    return parser.parse_args()


async def serve(station_class, subprotocol):
    charger = Charger(arguments(), station_class, subprotocol)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    connection = asyncio.create_task(charger.run())
    connection.add_done_callback(lambda task: task.cancelled() or task.exception() and os._exit(1))
    emit("ready")
    while line := await lines.readline():
        await charger.obey(json.loads(line))
    os._exit(0)


def run(station_class, subprotocol):
    asyncio.run(serve(station_class, subprotocol))
