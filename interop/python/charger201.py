"""An OCPP 2.0.1 charger on mobilityhouse's `ocpp`."""

import uuid

from charger import emit, run, timestamp

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from ocpp.v201.enums import Action

EVSE = {"id": 1, "connector_id": 1}


class Station(ChargePoint):
    """One connection of the charger."""

    charger = None
    profile_id_key = "id"

    async def _handle_call(self, message):
        # The library hands handlers a copy with other key names; the profile is reported as it was sent.
        self.received = message.payload
        return await super()._handle_call(message)

    def boot_notification(self):
        return call.BootNotification(
            charging_station={"vendor_name": "Interop", "model": "AC22"}, reason="PowerUp"
        )

    async def report_status(self):
        status = "Occupied" if self.charger.transaction_id is not None else "Available"
        await self.charger._call(
            self,
            call.StatusNotification(
                timestamp=timestamp(), connector_status=status, evse_id=EVSE["id"], connector_id=EVSE["connector_id"]
            ),
        )

    @staticmethod
    def queue_event(charger, event_type, reason, info, answered=None, **fields):
        request = call.TransactionEvent(
            event_type=event_type,
            timestamp=timestamp(),
            trigger_reason=reason,
            seq_no=charger.sequence,
            transaction_info=info,
            evse=EVSE,
            **fields,
        )
        charger.sequence += 1
        charger.queue(lambda: request, answered)

    @staticmethod
    def queue_start(charger, id_token):
        token = {"id_token": id_token, "type": "ISO14443"}
        charger.queue(lambda: call.Authorize(id_token=token))
        charger.sequence, transaction = 0, str(uuid.uuid4())
        Station.queue_event(
            charger,
            "Started",
            "Authorized",
            {"transaction_id": transaction, "charging_state": "Charging"},
            lambda _: charger.transaction_started(transaction),
            id_token=token,
            meter_value=meter_value(int(charger.watt_hours), None, "Transaction.Begin"),
        )

    @staticmethod
    def queue_meter_values(charger, watt_hours, watts):
        Station.queue_event(
            charger,
            "Updated",
            "MeterValuePeriodic",
            {"transaction_id": charger.transaction_id, "charging_state": "Charging"},
            meter_value=meter_value(watt_hours, watts, "Sample.Periodic"),
        )

    @staticmethod
    def queue_stop(charger):
        transaction = charger.transaction_id
        charger.transaction_id = None
        charger.profiles.end_transaction()
        Station.queue_event(
            charger,
            "Ended",
            "StopAuthorized",
            {"transaction_id": transaction, "charging_state": "Idle", "stopped_reason": "Local"},
            lambda _: emit("transaction_stopped", transaction_id=transaction),
            meter_value=meter_value(int(charger.watt_hours), None, "Transaction.End"),
        )

    @on(Action.set_charging_profile)
    def on_set_charging_profile(self, **_):
        profile = self.received["chargingProfile"]
        return call_result.SetChargingProfile(
            status=self.charger.profile_received(profile, profile["chargingSchedule"])
        )

    @on(Action.clear_charging_profile)
    def on_clear_charging_profile(self, charging_profile_id=None, charging_profile_criteria=None, **_):
        criteria = charging_profile_criteria or {}
        cleared = self.charger.profiles.clear(
            charging_profile_id, criteria.get("charging_profile_purpose"), criteria.get("stack_level")
        )
        emit("clear_charging_profile", found=cleared)
        return call_result.ClearChargingProfile(status="Accepted" if cleared else "Unknown")

    @on(Action.set_variables)
    def on_set_variables(self, set_variable_data, **_):
        return call_result.SetVariables(
            set_variable_result=[answer(item, "attribute_status") for item in set_variable_data]
        )

    @on(Action.get_variables)
    def on_get_variables(self, get_variable_data, **_):
        return call_result.GetVariables(
            get_variable_result=[answer(item, "attribute_status") for item in get_variable_data]
        )

    @on(Action.trigger_message)
    def on_trigger_message(self, **_):
        return call_result.TriggerMessage(status="NotImplemented")


def meter_value(watt_hours, watts, context):
    sampled = [
        {
            "value": watt_hours,
            "context": context,
            "measurand": "Energy.Active.Import.Register",
            "unit_of_measure": {"unit": "Wh"},
        }
    ]
    if watts is not None:
        sampled.append(
            {
                "value": watts,
                "context": context,
                "measurand": "Power.Active.Import",
                "unit_of_measure": {"unit": "W"},
            }
        )
    return [{"timestamp": timestamp(), "sampled_value": sampled}]


def answer(item, status):
    """This station has no variables."""
    return {status: "UnknownVariable", "component": item["component"], "variable": item["variable"]}


run(Station, "ocpp2.0.1")
