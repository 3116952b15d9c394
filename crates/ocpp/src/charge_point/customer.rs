//! What a station knows of a customer, and how it forgets it (2.x N09, N10).

use ocpp_kit::station::authorization::IdTokenInfo;

use super::ChargePoint;
use super::hardware::CertificateHash;
use super::state::State;

/// A customer as a CSMS names one: by at least one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Customer {
    /// The identifier of the driver's token.
    pub id_token: Option<String>,
    /// Another identifier, on which CSMS and maker have agreed; at most 64 characters.
    pub customer_identifier: Option<String>,
    /// A certificate of the customer's.
    pub certificate: Option<CertificateHash>,
}

impl Customer {
    pub(crate) fn is_named(&self) -> bool {
        self.id_token.is_some() || self.customer_identifier.is_some() || self.certificate.is_some()
    }
}

impl ChargePoint {
    /// All that the station and its hardware know of a customer, in lines; and, with `clear`, forgets it where that is its to
    /// do: the local list is changed by the CSMS alone (N10.FR.02), and a transaction that is running keeps its driver.
    pub(crate) fn customer(&self, customer: &Customer, clear: bool) -> Vec<String> {
        self.change(|state| {
            let mut lines = Vec::new();
            if let Some(token) = &customer.id_token {
                lines.extend(of_token(state, token));
                if clear {
                    forget(state, token);
                }
            }
            lines.extend(self.0.hardware.customer_information(customer));
            if clear {
                self.0.hardware.clear_customer(customer);
            }
            lines
        })
    }
}

fn of_token(state: &mut State, token: &str) -> Vec<String> {
    // Identifiers are compared whatever the case of their letters.
    let is_meant = |known: &str| known.eq_ignore_ascii_case(token);
    let mut lines = Vec::new();
    let listed = state.snapshot.list.iter().filter(|(known, _)| is_meant(known));
    lines.extend(listed.map(|(known, listed)| format!("Local list: {known}, {}", verdict(&listed.info()))));
    if let Some(info) = state.authorizer.cache.get(token) {
        lines.push(format!("Authorization cache: {token}, {}", verdict(&info)));
    }
    for evse in &state.evses {
        let id = evse.id;
        let kept = &evse.kept;
        let transaction = kept.transaction.as_ref();
        let charges = transaction.and_then(|running| running.authorization.as_ref());
        if let Some(running) =
            transaction.filter(|_| charges.is_some_and(|one| is_meant(&one.token.id_token)))
        {
            lines.push(format!("EVSE {id}: transaction {}", running.id));
        } else if kept.authorization.as_ref().is_some_and(|driver| is_meant(&driver.token.id_token)) {
            lines.push(format!("EVSE {id}: authorized"));
        }
        if let Some(reserved) = kept.reservation.as_ref().filter(|reserved| is_meant(&reserved.token)) {
            lines.push(format!("EVSE {id}: reservation {} until {}", reserved.id, reserved.until));
        }
    }
    lines
}

fn verdict(info: &IdTokenInfo) -> String {
    let expires = info.expires.map(|expires| format!("until {expires}"));
    let group = info.group_id.as_ref().map(|group| format!("group {group}"));
    [Some(format!("{:?}", info.status)), expires, group].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn forget(state: &mut State, token: &str) {
    // The cache does not give up a single entry; the others cost a question to the CSMS.
    if state.authorizer.cache.get(token).is_some() {
        state.authorizer.cache.clear();
    }
    for evse in &mut state.evses {
        evse.kept.reservation.take_if(|reserved| reserved.token.eq_ignore_ascii_case(token));
    }
}

/// A text in parts of at most `most` characters, at least one.
pub(crate) fn parts(text: &str, most: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters.chunks(most).map(|part| part.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_between_characters() {
        assert_eq!(parts("äöü€", 3), ["äöü", "€"]);
        assert_eq!(parts("", 3), [""]);
    }
}
