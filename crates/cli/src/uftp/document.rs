//! A message from a file, as XML or as JSON.

use anyhow::{Context as _, bail, ensure};
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use serde_json::{Map, Value};
use tieline_uftp::{Limits, SignedMessage};

/// The attributes of a message that are filled in where a JSON document leaves them out.
pub(super) type Defaults = Vec<(&'static str, String)>;

/// The payload in a file: an envelope's is taken out without a look at its signature, and a JSON document becomes XML, with
/// `defaults` for what it leaves out.
pub(super) fn payload(document: &[u8], defaults: &Defaults) -> anyhow::Result<Vec<u8>> {
    if document.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let json: Map<String, Value> = serde_json::from_slice(document).context("it is no JSON object")?;
        return from_json(json, defaults);
    }
    match SignedMessage::parse(document, &Limits::default()) {
        Ok(signed) => {
            let payload = signed.unverified_payload().context("the envelope holds no payload")?;
            Ok(payload.to_vec())
        }
        Err(_) => Ok(document.to_vec()),
    }
}

/// `{"FlexRequest": {"Revision": 1, …, "ISP": [{…}]}}`: what is an object, or a list of them, is an element, anything else an
/// attribute, under the names of the wire.
fn from_json(mut json: Map<String, Value>, defaults: &Defaults) -> anyhow::Result<Vec<u8>> {
    ensure!(json.len() == 1, "a message is an object with one key, the message's name");
    let (name, root) = json.iter_mut().next().context("it is empty")?;
    let Value::Object(root) = root else { bail!("{name} is no object") };
    let mut whole = Map::new();
    for (key, value) in defaults {
        whole.insert((*key).to_owned(), Value::from(value.as_str()));
    }
    whole.append(root);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    element(&mut writer, name, &whole)?;
    Ok(writer.into_inner())
}

fn element(writer: &mut Writer<Vec<u8>>, name: &str, fields: &Map<String, Value>) -> anyhow::Result<()> {
    let mut start = BytesStart::new(name);
    for (key, value) in fields {
        match value {
            Value::Object(_) | Value::Array(_) | Value::Null => {}
            Value::String(text) => start.push_attribute((key.as_str(), text.as_str())),
            other => start.push_attribute((key.as_str(), other.to_string().as_str())),
        }
    }
    let children = fields.values().any(|value| value.is_object() || value.is_array());
    if !children {
        return writer.write_event(Event::Empty(start)).context("the message can't be written");
    }
    writer.write_event(Event::Start(start))?;
    for (key, value) in fields {
        match value {
            Value::Object(child) => element(writer, key, child)?,
            Value::Array(children) => {
                for child in children {
                    let Value::Object(child) = child else {
                        bail!("{key} holds something that is no object")
                    };
                    element(writer, key, child)?;
                }
            }
            _ => {}
        }
    }
    writer.write_event(Event::End(BytesEnd::new(name))).context("the message can't be written")
}

#[cfg(test)]
mod tests {
    use tieline_uftp::{Payload, Tolerance, parse};

    use super::*;

    #[test]
    fn json_becomes_the_message() {
        let defaults = vec![("Version", "3.1.0".to_owned()), ("SenderDomain", "dso.example.com".to_owned())];
        let json =
            br#" {"TestMessage": {"SenderDomain": "other.example.com", "RecipientDomain": "agr.example.com",
            "TimeStamp": "2026-06-03T14:30:00Z", "MessageID": "e8f6e2b3-0418-49ba-8e5b-56d1da8abf9a",
            "ConversationID": "b24e9760-2919-43ee-8c16-833c977f976f"}}"#;
        let xml = payload(json, &defaults).unwrap();
        let Ok(Payload::TestMessage(message)) = parse(&xml, &Tolerance::STRICT) else { panic!("{xml:?}") };
        assert_eq!(message.header.version.to_string(), "3.1.0");
        assert_eq!(message.header.sender_domain.as_str(), "other.example.com", "what is said stays");
    }

    #[test]
    fn elements_come_from_lists_and_text_is_escaped() {
        let json = br#"{"A": {"b": "<&\"", "n": 1.50, "t": true, "no": null, "C": [{"d": 1}, {"d": 2}]}}"#;
        let xml = String::from_utf8(payload(json, &Vec::new()).unwrap()).unwrap();
        assert_eq!(
            xml,
            "<A b=\"&lt;&amp;&quot;\" n=\"1.5\" t=\"true\">\n  <C d=\"1\"/>\n  <C d=\"2\"/>\n</A>"
        );
    }

    #[test]
    fn what_is_no_message_is_said() {
        for bad in ["{}", "{\"A\": 1}", "{\"A\": {\"B\": [1]}}", "{", "{\"A\": {}, \"B\": {}}"] {
            assert!(payload(bad.as_bytes(), &Vec::new()).is_err(), "{bad}");
        }
    }
}
