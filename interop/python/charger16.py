"""An OCPP 1.6J charger on mobilityhouse's `ocpp`."""

from charger import WATT_HOURS_AT_START, emit, run, timestamp

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action

CONNECTOR = 1
CONFIGURATION = {
    "ChargeProfileMaxStackLevel": "10",
    "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargingScheduleMaxPeriods": "96",
    "MaxChargingProfilesInstalled": "10",
    "MeterValueSampleInterval": "2",
    "NumberOfConnectors": "1",
}


class Station(ChargePoint):
    """One connection of the charger."""

    charger = None
    profile_id_key = "chargingProfileId"

    async def _handle_call(self, message):
        # The library hands handlers a copy with other key names; the profile is reported as it was sent.
        self.received = message.payload
        return await super()._handle_call(message)

    def boot_notification(self):
        return call.BootNotification(charge_point_vendor="Interop", charge_point_model="AC22")

    async def report_status(self):
        status = "Charging" if self.charger.transaction_id is not None else "Available"
        for connector, state in ((0, "Available"), (CONNECTOR, status)):
            await self.charger._call(
                self,
                call.StatusNotification(
                    connector_id=connector, error_code="NoError", status=state, timestamp=timestamp()
                ),
            )

    @staticmethod
    def queue_start(charger, id_token):
        charger.queue(lambda: call.Authorize(id_tag=id_token))
        request = call.StartTransaction(
            connector_id=CONNECTOR, id_tag=id_token, meter_start=WATT_HOURS_AT_START, timestamp=timestamp()
        )
        charger.queue(lambda: request, lambda response: charger.transaction_started(response.transaction_id))

    @staticmethod
    def queue_meter_values(charger, watt_hours, watts):
        sampled = [
            {"value": str(watt_hours), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(watts), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        request = call.MeterValues(
            connector_id=CONNECTOR,
            transaction_id=charger.transaction_id,
            meter_value=[{"timestamp": timestamp(), "sampled_value": sampled}],
        )
        charger.queue(lambda: request)

    @staticmethod
    def queue_stop(charger):
        at, transaction = timestamp(), charger.transaction_id
        request = call.StopTransaction(
            meter_stop=int(charger.watt_hours), timestamp=at, transaction_id=transaction, reason="Local"
        )
        charger.transaction_id = None
        charger.profiles.end_transaction()
        charger.queue(lambda: request, lambda _: emit("transaction_stopped", transaction_id=transaction))

    @on(Action.set_charging_profile)
    def on_set_charging_profile(self, **_):
        profile = self.received["csChargingProfiles"]
        return call_result.SetChargingProfile(
            status=self.charger.profile_received(profile, [profile["chargingSchedule"]])
        )

    @on(Action.clear_charging_profile)
    def on_clear_charging_profile(self, id=None, charging_profile_purpose=None, stack_level=None, **_):
        cleared = self.charger.profiles.clear(id, charging_profile_purpose, stack_level)
        emit("clear_charging_profile", found=cleared)
        return call_result.ClearChargingProfile(status="Accepted" if cleared else "Unknown")

    @on(Action.get_configuration)
    def on_get_configuration(self, key=None, **_):
        asked = key or list(CONFIGURATION)
        return call_result.GetConfiguration(
            configuration_key=[
                {"key": name, "readonly": True, "value": CONFIGURATION[name]} for name in asked if name in CONFIGURATION
            ],
            unknown_key=[name for name in asked if name not in CONFIGURATION] or None,
        )

    @on(Action.change_configuration)
    def on_change_configuration(self, key, value):
        return call_result.ChangeConfiguration(status="Accepted" if key in CONFIGURATION else "NotSupported")

    @on(Action.trigger_message)
    def on_trigger_message(self, **_):
        return call_result.TriggerMessage(status="NotImplemented")


run(Station, "ocpp1.6")
