//! Payloads that are read although something is wrong with them.

use ocpp_kit::decode::{DecodeError, DecodeErrorKind};
use ocpp_kit::types::{DateTime, normalize_datetime};
use serde_json::Value;

use super::{Payload, in_detail};
use crate::{AbsentMember, Tolerance};

/// Deviations that are forgiven in one payload, at the most.
const MAX_REPAIRS: usize = 64;

/// Reads a payload of which `error` is the first that is wrong, if that can be forgiven, and all that follows.
pub(super) fn read<T: Payload>(
    action: &str,
    text: &str,
    tolerance: &Tolerance,
    mut error: DecodeError,
) -> Result<T, DecodeError> {
    let absent: Vec<_> = tolerance.absent_members.iter().filter(|absent| absent.action == action).collect();
    if absent.is_empty() && !tolerance.numbers_as_strings && !tolerance.date_times {
        return Err(error);
    }
    let Ok(mut payload) = serde_json::from_str::<Value>(text) else { return Err(error) };
    for _ in 0..MAX_REPAIRS {
        if !mend(&mut payload, &error, &absent, tolerance) {
            return Err(error);
        }
        tracing::debug!(protocol = "ocpp", action, path = %error.path, cause = %error.reason, "a deviation was forgiven");
        match in_detail(&payload.to_string(), tolerance) {
            Ok(read) => return Ok(read),
            Err(next) => error = next,
        }
    }
    Err(error)
}

/// Mends what is wrong; false if it can't be mended.
fn mend(payload: &mut Value, error: &DecodeError, absent: &[&AbsentMember], tolerance: &Tolerance) -> bool {
    if error.kind == DecodeErrorKind::Occurrence {
        let put = absent.iter().map(|absent| {
            let path: Vec<&str> = absent.member.split('/').skip(1).collect();
            put_in(payload, &path, &absent.value)
        });
        return put.sum::<usize>() > 0;
    }
    let Some(Value::String(text)) = payload.pointer(&error.path) else { return false };
    let mended = match error.kind {
        DecodeErrorKind::Type if tolerance.numbers_as_strings => text.trim().parse().ok().map(Value::Number),
        DecodeErrorKind::Property if tolerance.date_times => {
            let time = normalize_datetime(text);
            (time != *text && DateTime::parse(&time).is_ok()).then_some(Value::String(time))
        }
        _ => None,
    };
    match (mended, payload.pointer_mut(&error.path)) {
        (Some(mended), Some(place)) => {
            *place = mended;
            true
        }
        _ => false,
    }
}

/// Puts a member in, wherever there is the object that it belongs to and it is absent. Says how often.
fn put_in(place: &mut Value, path: &[&str], value: &Value) -> usize {
    match (path, place) {
        ([name], Value::Object(members)) => {
            let name = unescaped(name);
            if members.contains_key(&name) {
                return 0;
            }
            members.insert(name, value.clone());
            1
        }
        (["*", rest @ ..], Value::Array(items)) => {
            items.iter_mut().map(|item| put_in(item, rest, value)).sum()
        }
        ([name, rest @ ..], Value::Object(members)) => {
            members.get_mut(&unescaped(name)).map_or(0, |member| put_in(member, rest, value))
        }
        _ => 0,
    }
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}
