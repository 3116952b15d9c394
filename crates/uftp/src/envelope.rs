//! `SignedMessage`: the envelope of every message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tieline_types::Domain;

use crate::key::{Signer, SignerError};
use crate::message::Message;
use crate::xml::{ParseError, ParseErrorKind, Tag, XmlReader, XmlWriter};
use crate::{Limits, Payload, Role, SigningKey, Tolerance, VerifyingKey};

const NAME: &str = "SignedMessage";
const SIGNATURE_BYTES: usize = 64;

/// A message with its signature, on its way.
///
/// `Body` is the Base64 of 64 bytes of Ed25519 signature and the payload, which is signed byte for byte as it
/// stands. Sender and role are outside the signature: what binds them to it is that the key was looked up by
/// them. So nothing of a message is to be believed before [`SignedMessage::open`] has given it out.
///
/// ```
/// use tieline_uftp::{Limits, Role, SignedMessage, SigningKey};
///
/// let key = SigningKey::from_seed(&[7; 32]);
/// let sent = SignedMessage::seal("dso.example.com".parse()?, Role::Dso, b"<TestMessage/>", &key).to_xml();
///
/// let received = SignedMessage::parse(&sent, &Limits::default())?;
/// assert_eq!(received.sender_role, Role::Dso);
/// assert_eq!(received.open(&[key.verifying_key()])?, b"<TestMessage/>");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedMessage {
    /// `SenderDomain`: who says to have sent it.
    pub sender_domain: Domain,
    /// `SenderRole`: in which role.
    pub sender_role: Role,
    /// Signature and payload.
    sealed: Bytes,
}

impl SignedMessage {
    /// Signs `payload`. The same payload and key always give the same envelope.
    pub fn seal(sender_domain: Domain, sender_role: Role, payload: &[u8], key: &SigningKey) -> Self {
        Self::signed(sender_domain, sender_role, payload, key.sign(payload))
    }

    /// [`SignedMessage::seal`] by whatever signs.
    pub fn seal_with(
        sender_domain: Domain,
        sender_role: Role,
        payload: &[u8],
        signer: &dyn Signer,
    ) -> Result<Self, SignerError> {
        Ok(Self::signed(sender_domain, sender_role, payload, signer.sign(payload)?))
    }

    fn signed(
        sender_domain: Domain,
        sender_role: Role,
        payload: &[u8],
        signature: [u8; SIGNATURE_BYTES],
    ) -> Self {
        let mut sealed = Vec::with_capacity(SIGNATURE_BYTES + payload.len());
        sealed.extend_from_slice(&signature);
        sealed.extend_from_slice(payload);
        Self { sender_domain, sender_role, sealed: sealed.into() }
    }

    /// Reads an envelope. Nothing is verified yet.
    pub fn parse(document: &[u8], limits: &Limits) -> Result<Self, ParseError> {
        // Namespace declarations do no harm out here, where the sender is not known yet.
        let tolerance = Tolerance { schema_location: true, ..Tolerance::STRICT };
        let size = ("envelope_bytes", limits.envelope_bytes);
        let mut reader = XmlReader::new(document, size, tolerance, *limits)?;
        let tag = reader.root()?;
        if tag.name() != NAME {
            return Err(tag.error(ParseErrorKind::OtherMessage));
        }
        let mut attributes = reader.attributes(&tag)?;
        let sender_domain = attributes.required("SenderDomain")?;
        let sender_role = attributes.required("SenderRole")?;
        let body = attributes
            .raw("Body")?
            .ok_or_else(|| tag.error(ParseErrorKind::MissingAttribute).attribute("Body"))?;
        attributes.finish()?;
        let sealed = decode(&body, &tag)?.into();
        reader.no_children(&tag)?;
        reader.finish()?;
        Ok(Self { sender_domain, sender_role, sealed })
    }

    /// The payload, if one of `keys` has signed it.
    ///
    /// While a participant changes its key it has two; try both.
    pub fn open(&self, keys: &[VerifyingKey]) -> Result<&[u8], SignatureError> {
        let (signature, payload) =
            self.sealed.split_first_chunk::<SIGNATURE_BYTES>().ok_or(SignatureError::TooShort)?;
        if keys.iter().any(|key| key.verifies(payload, signature)) {
            Ok(payload)
        } else {
            Err(SignatureError::NotSignedBy { keys: keys.len() })
        }
    }

    /// [`SignedMessage::open`], with a payload that outlives the envelope. Nothing is copied.
    pub fn open_shared(&self, keys: &[VerifyingKey]) -> Result<Bytes, SignatureError> {
        self.open(keys).map(|payload| self.sealed.slice_ref(payload))
    }

    /// The payload, whoever may have signed it: for what was opened before, and for display. `None` if the body is too
    /// short to hold a signature.
    pub fn unverified_payload(&self) -> Option<Bytes> {
        self.sealed.get(SIGNATURE_BYTES..).map(|payload| self.sealed.slice_ref(payload))
    }

    /// Signature and payload, as they are in `Body`.
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// The document to send.
    pub fn to_xml(&self) -> Vec<u8> {
        let body_bytes = self.sealed.len().div_ceil(3) * 4;
        let mut writer = XmlWriter::new(body_bytes + 512);
        writer.open(NAME);
        writer.attribute("SenderDomain", &self.sender_domain);
        writer.attribute("SenderRole", &self.sender_role);
        writer.base64("Body", &self.sealed);
        writer.close_empty();
        writer.finish()
    }
}

/// The envelope of `message`, sealed by its sender in the role `role`: what is to be posted.
pub fn seal(message: &Payload, role: Role, key: &SigningKey) -> Vec<u8> {
    SignedMessage::seal(message.sender().clone(), role, &message.to_xml(), key).to_xml()
}

/// [`seal`] for a message of known type.
pub fn seal_message<M: Message>(message: &M, role: Role, key: &SigningKey) -> Vec<u8> {
    SignedMessage::seal(message.header().sender_domain.clone(), role, &message.to_xml(), key).to_xml()
}

fn decode(body: &str, tag: &Tag<'_>) -> Result<Vec<u8>, ParseError> {
    STANDARD
        .decode(body)
        .or_else(|_| {
            // The schema's type allows white space between the characters; hardly anyone writes it.
            let dense: Vec<u8> = body.bytes().filter(|byte| *byte != b' ').collect();
            STANDARD.decode(dense)
        })
        .map_err(|_| tag.error(ParseErrorKind::Base64).attribute("Body"))
}

/// A message that none of the keys has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// `Body` has no room for a signature.
    #[error("the body is shorter than a signature")]
    TooShort,
    /// The signature is not that of any of the keys.
    #[error("the signature fits none of the sender's {keys} keys")]
    NotSignedBy {
        /// How many keys were tried.
        keys: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(document: &str) -> Result<SignedMessage, ParseError> {
        SignedMessage::parse(document.as_bytes(), &Limits::default())
    }

    #[test]
    fn body_may_have_white_space() {
        let spaced = "<SignedMessage SenderDomain='a.nl' SenderRole='AGR' Body=' QU\n JD '/>";
        assert_eq!(parse(spaced).unwrap().sealed(), b"ABC");
    }

    #[test]
    fn body_must_be_base64() {
        for body in ["QUJ", "QUJ!", "Q===", "QUJDRA", "é"] {
            let document = format!("<SignedMessage SenderDomain='a.nl' SenderRole='AGR' Body='{body}'/>");
            assert_eq!(*parse(&document).unwrap_err().kind(), ParseErrorKind::Base64, "{body}");
        }
    }

    #[test]
    fn nothing_opens_without_its_key() {
        let key = SigningKey::from_seed(&[1; 32]);
        let other = SigningKey::from_seed(&[2; 32]).verifying_key();
        let message = SignedMessage::seal("a.nl".parse().unwrap(), Role::Agr, b"x", &key);
        assert_eq!(message.open(&[]), Err(SignatureError::NotSignedBy { keys: 0 }));
        assert_eq!(message.open(&[other]), Err(SignatureError::NotSignedBy { keys: 1 }));
        assert_eq!(message.open(&[other, key.verifying_key()]), Ok(&b"x"[..]));
    }
}
