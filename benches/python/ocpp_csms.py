"""A CSMS on mobilityhouse's `ocpp` and websockets, both as they come: OCPP 1.6, three actions, with or without validation."""

import argparse
import asyncio
import logging
from datetime import datetime, timezone

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action, RegistrationStatus
from until_orphaned import ready

logging.getLogger("ocpp").setLevel(logging.ERROR)


def now():
    return datetime.now(timezone.utc).isoformat()


def station(validates):
    skipped = {"skip_schema_validation": not validates}

    class Station(ChargePoint):
        @on(Action.boot_notification, **skipped)
        def on_boot_notification(self, **kwargs):
            return call_result.BootNotification(current_time=now(), interval=300, status=RegistrationStatus.accepted)

        @on(Action.heartbeat, **skipped)
        def on_heartbeat(self):
            return call_result.Heartbeat(current_time=now())

        @on(Action.meter_values, **skipped)
        def on_meter_values(self, **kwargs):
            return call_result.MeterValues()

    return Station


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--no-validation", action="store_true")
    options = parser.parse_args()
    port, station_class = options.port, station(not options.no_validation)

    async def serve(connection):
        identity = connection.request.path.rsplit("/", 1)[-1]
        try:
            await station_class(identity, connection).start()
        except websockets.ConnectionClosed:
            pass

    async with websockets.serve(serve, "127.0.0.1", port, subprotocols=["ocpp1.6"]):
        ready()
        await asyncio.Future()


asyncio.run(main())
