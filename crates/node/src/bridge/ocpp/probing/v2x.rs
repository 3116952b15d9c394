//! OCPP 2.0.1 and 2.1: variables of the SmartChargingCtrlr, and the composite schedule of an EVSE.

macro_rules! version {
    ($module:ident, $version:expr, $variables:expr, |$period:ident| $limit:expr) => {
        pub(in crate::bridge::ocpp::probing) mod $module {
            use rust_decimal::Decimal;
            use tieline_ocpp::$module::{
                ChargingRateUnit, Component, EVSE, GetCompositeScheduleRequest, GetVariableData,
                GetVariableStatus, GetVariablesRequest, Variable,
            };
            use tieline_ocpp::{CallFailure, Peer};

            use crate::bridge::ocpp::probing::briefly;
            use crate::bridge::ocpp::probing::learning::Answers;
            use crate::config::ProfileUnit;

            /// Asks for all at once, and of a charger that does not take so many, for one after the other.
            pub(in crate::bridge::ocpp::probing) async fn ask(peer: &Peer) -> Result<Answers, CallFailure> {
                let mut answers = Answers::none($version);
                let mut questions: Vec<GetVariableData> =
                    $variables.iter().map(|name| of_controller(name)).collect();
                questions.push(second_evse());
                match hear(peer, questions.clone(), &mut answers).await {
                    Err(CallFailure::Refused(error)) if !is_unknown(&error) => {
                        for question in questions {
                            match hear(peer, vec![question], &mut answers).await {
                                Err(CallFailure::Refused(_)) | Ok(()) => {}
                                Err(failure) => return Err(failure),
                            }
                        }
                    }
                    heard => heard?,
                }
                Ok(answers)
            }

            async fn hear(
                peer: &Peer,
                questions: Vec<GetVariableData>,
                answers: &mut Answers,
            ) -> Result<(), CallFailure> {
                let response = peer.call_with(&GetVariablesRequest::new(questions), briefly()).await?;
                for result in response.get_variable_result {
                    let is_told = result.attribute_status == GetVariableStatus::Accepted;
                    if result.component.name.eq_ignore_ascii_case("EVSE") {
                        let is_absent = result.attribute_status == GetVariableStatus::UnknownComponent;
                        answers.single_evse = (is_told || is_absent).then_some(is_absent);
                    } else if let Some(value) = result.attribute_value.filter(|_| is_told) {
                        answers.told(&result.variable.name, &value);
                    }
                }
                Ok(())
            }

            /// Whether it has no such message at all: then it is of no use to ask again.
            fn is_unknown(error: &tieline_ocpp::CallError) -> bool {
                use tieline_ocpp::ErrorCode;
                matches!(error.code, ErrorCode::NotImplemented | ErrorCode::NotSupported)
            }

            fn of_controller(name: &str) -> GetVariableData {
                let mut variable = Variable::new(name);
                if name == "Entries" {
                    variable.instance = Some("ChargingProfiles".to_owned());
                }
                GetVariableData::new(Component::new("SmartChargingCtrlr"), variable)
            }

            fn second_evse() -> GetVariableData {
                let mut component = Component::new("EVSE");
                component.evse = Some(EVSE::new(2));
                GetVariableData::new(component, Variable::new("AvailabilityState"))
            }

            /// The limit of an EVSE now, in the unit; `None` if the station says none.
            pub(in crate::bridge::ocpp::probing) async fn composite(
                peer: &Peer,
                (evse, unit): (i32, ProfileUnit),
            ) -> Result<Option<Decimal>, CallFailure> {
                let mut request = GetCompositeScheduleRequest::new(60, evse);
                let asked = match unit {
                    ProfileUnit::W => ChargingRateUnit::W,
                    ProfileUnit::A => ChargingRateUnit::A,
                };
                request.charging_rate_unit = Some(asked.clone());
                let response = peer.call_with(&request, briefly()).await?;
                let schedule = response.schedule.filter(|schedule| schedule.charging_rate_unit == asked);
                let first =
                    schedule.and_then(|schedule| schedule.charging_schedule_period.into_iter().next());
                Ok(first.and_then(|$period| $limit).and_then(|limit| limit.to_string().parse().ok()))
            }
        }
    };
}

version!(v201, tieline_ocpp::Version::V2_0_1, super::super::learning::VARIABLES, |period| Some(period.limit));
version!(v21, tieline_ocpp::Version::V2_1, super::super::learning::VARIABLES_21, |period| period.limit);
