//! Any message.

use tieline_types::Domain;

use super::{
    DPrognosis, DPrognosisResponse, FlexOffer, FlexOfferResponse, FlexOfferRevocation,
    FlexOfferRevocationResponse, FlexOrder, FlexOrderResponse, FlexRequest, FlexRequestResponse,
    FlexReservationUpdate, FlexReservationUpdateResponse, FlexSettlement, FlexSettlementResponse, Metering,
    MeteringResponse, TestMessage, TestMessageResponse,
};
use super::{Message, MessageType, Root, Wire};
use crate::xml::{Attributes, ParseError, ParseErrorKind, XmlReader};
use crate::{Header, Limits, Tolerance};

/// Reads a payload: the bytes that were signed.
///
/// The whole document is read and must be what the schema of its own `Version` says; `tolerance` is what we
/// forgive its sender. A version that is not spoken here is read by the rules of the newest one, so that it can be
/// answered with a rejection.
///
/// ```
/// use tieline_uftp::{Payload, Tolerance, parse};
///
/// let document = br#"<TestMessage Version="3.1.0" SenderDomain="agr.example.com"
///     RecipientDomain="dso.example.com" TimeStamp="2026-06-03T14:30:00Z"
///     MessageID="e8f6e2b3-0418-49ba-8e5b-56d1da8abf9a"
///     ConversationID="b24e9760-2919-43ee-8c16-833c977f976f"/>"#;
/// let payload = parse(document, &Tolerance::STRICT)?;
/// assert!(matches!(payload, Payload::TestMessage(_)));
/// # Ok::<(), tieline_uftp::ParseError>(())
/// ```
pub fn parse(payload: &[u8], tolerance: &Tolerance) -> Result<Payload, ParseError> {
    parse_with(payload, tolerance, &Limits::default())
}

/// [`parse`] with bounds of one's own.
pub fn parse_with(payload: &[u8], tolerance: &Tolerance, limits: &Limits) -> Result<Payload, ParseError> {
    let size = ("payload_bytes", limits.payload_bytes);
    let mut reader = XmlReader::new(payload, size, *tolerance, *limits)?;
    let tag = reader.root()?;
    let kind: MessageType = tag.name().parse().map_err(|_| tag.error(ParseErrorKind::UnknownMessage))?;
    let mut attributes: Attributes<'_> = reader.attributes(&tag)?;
    let header = Header::read(&mut attributes)?;
    let revision = header.revision();
    let mut root = Root { tag: &tag, attributes, reader: &mut reader, revision };
    let message = Payload::read(kind, header, &mut root)?;
    root.reader.finish()?;
    Ok(message)
}

macro_rules! payload {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// One message of any type.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Payload {
            $($(#[$doc])* $name($name),)+
        }

        impl Payload {
            fn read(kind: MessageType, header: Header, root: &mut Root<'_, '_>) -> Result<Self, ParseError> {
                match kind {
                    $(MessageType::$name => $name::read(header, root).map(Self::$name),)+
                }
            }

            /// Which message it is.
            pub fn message_type(&self) -> MessageType {
                match self {
                    $(Self::$name(_) => MessageType::$name,)+
                }
            }

            /// What the message says of itself.
            pub fn header(&self) -> &Header {
                match self {
                    $(Self::$name(message) => &message.header,)+
                }
            }

            /// The document, as [`Message::to_xml`] writes it.
            pub fn to_xml(&self) -> Vec<u8> {
                match self {
                    $(Self::$name(message) => message.to_xml(),)+
                }
            }
        }

        $(
            impl Message for $name {
                const TYPE: MessageType = MessageType::$name;

                fn header(&self) -> &Header {
                    &self.header
                }
            }

            impl From<$name> for Payload {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }

            /// Gives the payload back if it is another message.
            impl TryFrom<Payload> for $name {
                type Error = Payload;

                fn try_from(payload: Payload) -> Result<Self, Payload> {
                    match payload {
                        Payload::$name(message) => Ok(message),
                        other => Err(other),
                    }
                }
            }

            /// Gives the payload back if it is another message.
            impl<'p> TryFrom<&'p Payload> for &'p $name {
                type Error = &'p Payload;

                fn try_from(payload: &'p Payload) -> Result<Self, &'p Payload> {
                    match payload {
                        Payload::$name(message) => Ok(message),
                        other => Err(other),
                    }
                }
            }
        )+
    };
}

payload! {
    /// A [`TestMessage`].
    TestMessage,
    /// A [`TestMessageResponse`].
    TestMessageResponse,
    /// A [`DPrognosis`].
    DPrognosis,
    /// A [`DPrognosisResponse`].
    DPrognosisResponse,
    /// A [`FlexRequest`].
    FlexRequest,
    /// A [`FlexRequestResponse`].
    FlexRequestResponse,
    /// A [`FlexOffer`].
    FlexOffer,
    /// A [`FlexOfferResponse`].
    FlexOfferResponse,
    /// A [`FlexOrder`].
    FlexOrder,
    /// A [`FlexOrderResponse`].
    FlexOrderResponse,
    /// A [`FlexOfferRevocation`].
    FlexOfferRevocation,
    /// A [`FlexOfferRevocationResponse`].
    FlexOfferRevocationResponse,
    /// A [`FlexReservationUpdate`].
    FlexReservationUpdate,
    /// A [`FlexReservationUpdateResponse`].
    FlexReservationUpdateResponse,
    /// A [`FlexSettlement`].
    FlexSettlement,
    /// A [`FlexSettlementResponse`].
    FlexSettlementResponse,
    /// A [`Metering`].
    Metering,
    /// A [`MeteringResponse`].
    MeteringResponse,
}

impl Payload {
    /// Whom the message is meant for.
    pub fn recipient(&self) -> &Domain {
        &self.header().recipient_domain
    }

    /// Who says to have sent it. Only the envelope's signature proves it.
    pub fn sender(&self) -> &Domain {
        &self.header().sender_domain
    }
}
