//! Negotiation of permessage-deflate (RFC 7692, chapter 7).
//!
//! The DEFLATE library compresses with a 15-bit window only. A server therefore declines an offer that asks it for a
//! smaller one, and a client never offers `client_max_window_bits`, so that no server may ask for it (§7.1.2).

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

const EXTENSION: &str = "permessage-deflate";
const WIDEST_WINDOW: u8 = 15;

/// What a client offers: no state between messages, in both directions.
pub(super) const OFFER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// What the two sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    /// The server forgets its window after each message.
    pub(super) server_no_context_takeover: bool,
    /// The client forgets its window after each message.
    pub(super) client_no_context_takeover: bool,
}

impl Agreed {
    /// The header value that states this agreement.
    pub(super) fn as_header(self) -> &'static str {
        match (self.server_no_context_takeover, self.client_no_context_takeover) {
            (true, true) => OFFER,
            (true, false) => "permessage-deflate; server_no_context_takeover",
            (false, true) => "permessage-deflate; client_no_context_takeover",
            (false, false) => EXTENSION,
        }
    }
}

/// The server's choice among the client's offers: the first that it can honour, or none.
///
/// A server may forbid the client's context takeover whether or not the client offered that (§7.1.1.2).
pub(super) fn choose(headers: &HeaderMap) -> Option<Agreed> {
    elements(headers)
        .filter_map(|element| Parameters::parse(element).ok().flatten())
        .find(|offer| offer.server_max_window_bits.unwrap_or(WIDEST_WINDOW) == WIDEST_WINDOW)
        .map(|_| Agreed { server_no_context_takeover: true, client_no_context_takeover: true })
}

/// The server's answer as the client must take it: `Ok(None)` means that messages are not compressed, `Err` that the
/// client has to fail the connection (§7.1.3, §5.1).
pub(super) fn read_answer(headers: &HeaderMap) -> Result<Option<Agreed>, &'static str> {
    let mut agreed = None;
    for element in elements(headers) {
        let parameters = Parameters::parse(element)?.ok_or("an extension that was not offered")?;
        if parameters.client_max_window_bits {
            return Err("client_max_window_bits, which was not offered");
        }
        let answer = Agreed {
            server_no_context_takeover: parameters.server_no_context_takeover,
            client_no_context_takeover: parameters.client_no_context_takeover,
        };
        if agreed.replace(answer).is_some() {
            return Err("permessage-deflate twice");
        }
    }
    Ok(agreed)
}

/// The comma separated elements of all `Sec-WebSocket-Extensions` headers; a header that is no text has none.
fn elements(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(SEC_WEBSOCKET_EXTENSIONS)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
}

/// The parameters of one permessage-deflate element.
#[derive(Debug, Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Present, with or without a value.
    client_max_window_bits: bool,
}

impl Parameters {
    /// `Ok(None)` for another extension.
    fn parse(element: &str) -> Result<Option<Self>, &'static str> {
        let mut parts = element.split(';').map(str::trim);
        if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case(EXTENSION)) {
            return Ok(None);
        }
        let mut parameters = Self::default();
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
                None => (part, None),
            };
            parameters.set(name, value)?;
        }
        Ok(Some(parameters))
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), &'static str> {
        let repeated = match (name, value) {
            ("server_no_context_takeover", None) => {
                std::mem::replace(&mut self.server_no_context_takeover, true)
            }
            ("client_no_context_takeover", None) => {
                std::mem::replace(&mut self.client_no_context_takeover, true)
            }
            ("server_max_window_bits", Some(value)) => {
                self.server_max_window_bits.replace(window_bits(value)?).is_some()
            }
            ("client_max_window_bits", value) => {
                value.map(window_bits).transpose()?;
                std::mem::replace(&mut self.client_max_window_bits, true)
            }
            _ => return Err("an unknown parameter of permessage-deflate"),
        };
        if repeated { Err("a repeated parameter of permessage-deflate") } else { Ok(()) }
    }
}

fn window_bits(value: &str) -> Result<u8, &'static str> {
    match value.parse() {
        Ok(bits @ 8..=WIDEST_WINDOW) if !value.starts_with(['0', '+']) => Ok(bits),
        _ => Err("a window size outside 8 to 15"),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_server_takes_the_first_offer_that_it_can_honour() {
        let both = Some(Agreed { server_no_context_takeover: true, client_no_context_takeover: true });
        for offers in [
            &["permessage-deflate"][..],
            &["permessage-deflate; client_max_window_bits"],
            &["permessage-deflate; client_max_window_bits=10; server_max_window_bits=15"],
            &["permessage-deflate; server_max_window_bits=\"15\""],
            &["x-webkit-deflate-frame", "permessage-deflate; server_max_window_bits=9, permessage-deflate"],
            &["permessage-deflate; nonsense, Permessage-Deflate"],
        ] {
            assert_eq!(choose(&headers(offers)), both, "{offers:?}");
        }
    }

    #[test]
    fn a_server_declines_what_it_cannot_honour() {
        for offers in [
            &[][..],
            &["permessage-bzip2"],
            &["permessage-deflate; server_max_window_bits=10"],
            &["permessage-deflate; server_max_window_bits=16"],
            &["permessage-deflate; server_max_window_bits"],
            &["permessage-deflate; client_max_window_bits=7"],
            &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            &["permessage-deflate; server_no_context_takeover=1"],
        ] {
            assert_eq!(choose(&headers(offers)), None, "{offers:?}");
        }
    }

    #[test]
    fn a_client_reads_the_answer() {
        assert_eq!(read_answer(&headers(&[])), Ok(None));
        for (answer, server, client) in [
            ("permessage-deflate", false, false),
            ("permessage-deflate; server_no_context_takeover", true, false),
            ("permessage-deflate; client_no_context_takeover; server_max_window_bits=9", false, true),
            (OFFER, true, true),
        ] {
            let agreed = Agreed { server_no_context_takeover: server, client_no_context_takeover: client };
            assert_eq!(read_answer(&headers(&[answer])), Ok(Some(agreed)), "{answer}");
        }
    }

    #[test]
    fn a_client_fails_on_an_answer_that_it_did_not_ask_for() {
        for answer in [
            &["permessage-bzip2"][..],
            &["permessage-deflate; client_max_window_bits=10"],
            &["permessage-deflate, permessage-deflate"],
            &["permessage-deflate; unknown"],
        ] {
            assert!(read_answer(&headers(answer)).is_err(), "{answer:?}");
        }
    }

    #[test]
    fn the_agreement_reads_back_as_itself() {
        for server_no_context_takeover in [false, true] {
            for client_no_context_takeover in [false, true] {
                let agreed = Agreed { server_no_context_takeover, client_no_context_takeover };
                assert_eq!(read_answer(&headers(&[agreed.as_header()])), Ok(Some(agreed)));
            }
        }
    }
}
