//! What a participant decides about a message, and the answer that says so.

use crate::message::{
    AgrPortfolioQueryResponse, AgrPortfolioUpdateResponse, DPrognosisResponse,
    DsoPortfolioQueryCongestionPoint, DsoPortfolioQueryResponse, DsoPortfolioUpdateResponse, DsoView,
    FlexOfferResponse, FlexOfferRevocationResponse, FlexOrderResponse, FlexOrderSettlementStatus,
    FlexOrderStatus, FlexRequestResponse, FlexReservationUpdateResponse, FlexSettlement,
    FlexSettlementResponse, MeteringResponse, Response, TestMessageResponse,
};
use crate::{Header, Payload, RejectionReason};

/// What has become of a received message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// A request is accepted; its sender may rely on it.
    Accepted(Accepted),
    /// A request is rejected; it counts for nothing.
    Rejected(Rejected),
    /// An answer was taken note of. Nothing goes back.
    Noted,
    /// Nothing was decided, for a reason on our side. The message waits to be handled again.
    Undecided(Undecided),
}

/// The acceptance of a request, with what its answer says beyond that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepted {
    /// Nothing more: what is left to say is worked out, where it can be.
    #[default]
    Plain,
    /// To a D-Prognosis: which orders of its period it shows.
    Orders(Vec<FlexOrderStatus>),
    /// To a FlexSettlement: which of its items are accepted and which disputed.
    Items(Vec<FlexOrderSettlementStatus>),
    /// To an AGRPortfolioQuery: where the connections are.
    Connections(Vec<DsoView>),
    /// To a DSOPortfolioQuery: what is behind the congestion point, if anything is.
    CongestionPoint(Option<DsoPortfolioQueryCongestionPoint>),
}

impl Accepted {
    /// The plain acceptance.
    pub const fn new() -> Self {
        Self::Plain
    }
}

/// The rejection of a request, for one reason or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    first: RejectionReason,
    rest: Vec<RejectionReason>,
}

impl Rejected {
    /// The rejection for these reasons, or `None` if there is none.
    ///
    /// ```
    /// use tieline_uftp::{Rejected, RejectionReason};
    ///
    /// let check = || -> Result<(), Rejected> {
    ///     match Rejected::for_any([RejectionReason::IspConflict]) {
    ///         Some(rejected) => Err(rejected),
    ///         None => Ok(()),
    ///     }
    /// };
    /// assert!(check().is_err());
    /// ```
    pub fn for_any(reasons: impl IntoIterator<Item = RejectionReason>) -> Option<Self> {
        let mut reasons = reasons.into_iter();
        Some(Self { first: reasons.next()?, rest: reasons.collect() })
    }

    /// One more reason.
    pub fn and(mut self, reason: RejectionReason) -> Self {
        self.rest.push(reason);
        self
    }

    /// The reasons, one or more.
    pub fn reasons(&self) -> impl Iterator<Item = &RejectionReason> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl From<RejectionReason> for Rejected {
    fn from(first: RejectionReason) -> Self {
        Self { first, rest: Vec::new() }
    }
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// What went wrong, for the log.
    pub cause: String,
    /// Whether the same message may fare better later.
    pub retry: bool,
}

/// An answer was taken note of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted;

impl From<Accepted> for Decision {
    fn from(accepted: Accepted) -> Self {
        Self::Accepted(accepted)
    }
}

impl From<Rejected> for Decision {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<RejectionReason> for Decision {
    fn from(reason: RejectionReason) -> Self {
        Self::Rejected(reason.into())
    }
}

impl From<Noted> for Decision {
    fn from(_: Noted) -> Self {
        Self::Noted
    }
}

impl From<Undecided> for Decision {
    fn from(undecided: Undecided) -> Self {
        Self::Undecided(undecided)
    }
}

impl Payload {
    /// The answer that tells `decision` to the sender of this message, under `header`, which is made by
    /// [`Header::reply_to`].
    ///
    /// `None` if there is nothing to answer: to an answer, where nothing was decided, and to a TestMessage that is rejected
    /// in 3.x, where its answer has no way to say so.
    ///
    /// ```
    /// # use tieline_uftp::{Accepted, Decision, Header, Payload, Tolerance, parse};
    /// # fn answer(request: &Payload, header: Header) {
    /// let answer = request.respond(&Decision::Accepted(Accepted::new()), header);
    /// # }
    /// ```
    pub fn respond(&self, decision: &Decision, header: Header) -> Option<Payload> {
        let accepted = match decision {
            Decision::Accepted(accepted) => Some(accepted),
            Decision::Rejected(_) => None,
            Decision::Noted | Decision::Undecided(_) => return None,
        };
        let response = match decision {
            Decision::Rejected(rejected) => {
                let reasons: Vec<_> = rejected.reasons().cloned().collect();
                Response::rejected_in(&reasons, header.revision())
            }
            _ => Response::ACCEPTED,
        };
        let id = self.header().message_id;
        Some(match self {
            Self::TestMessage(_) => {
                let in_full = header.revision().test_message_is_answered_in_full;
                if !in_full && accepted.is_none() {
                    return None;
                }
                let (response, reference_message_id) = (in_full.then_some(response), in_full.then_some(id));
                TestMessageResponse { header, response, reference_message_id }.into()
            }
            Self::DPrognosis(_) => {
                let flex_order_statuses = match accepted {
                    Some(Accepted::Orders(statuses)) => statuses.clone(),
                    _ => Vec::new(),
                };
                DPrognosisResponse { header, response, d_prognosis_message_id: id, flex_order_statuses }
                    .into()
            }
            Self::FlexRequest(_) => {
                FlexRequestResponse { header, response, flex_request_message_id: id }.into()
            }
            Self::FlexOffer(_) => FlexOfferResponse { header, response, flex_offer_message_id: id }.into(),
            Self::FlexOfferRevocation(_) => {
                FlexOfferRevocationResponse { header, response, flex_offer_revocation_message_id: id }.into()
            }
            Self::FlexOrder(_) => FlexOrderResponse { header, response, flex_order_message_id: id }.into(),
            Self::FlexReservationUpdate(_) => {
                FlexReservationUpdateResponse { header, response, flex_reservation_update_message_id: id }
                    .into()
            }
            Self::FlexSettlement(settlement) => {
                let statuses = settlement_statuses(settlement, &response, accepted);
                FlexSettlementResponse { header, response, flex_settlement_message_id: id, statuses }.into()
            }
            Self::Metering(_) => MeteringResponse { header, response, metering_message_id: id }.into(),
            portfolio => return portfolio.respond_to_portfolio(accepted, response, header),
        })
    }

    fn respond_to_portfolio(
        &self,
        accepted: Option<&Accepted>,
        response: Response,
        header: Header,
    ) -> Option<Payload> {
        let id = self.header().message_id;
        Some(match self {
            Self::AgrPortfolioUpdate(_) => {
                AgrPortfolioUpdateResponse { header, response, agr_portfolio_update_message_id: id }.into()
            }
            Self::DsoPortfolioUpdate(_) => {
                DsoPortfolioUpdateResponse { header, response, dso_portfolio_update_message_id: id }.into()
            }
            Self::AgrPortfolioQuery(query) => AgrPortfolioQueryResponse {
                time_zone: query.time_zone.clone(),
                agr_portfolio_query_message_id: id,
                period: query.period,
                dso_views: match accepted {
                    Some(Accepted::Connections(views)) => views.clone(),
                    Some(_) => Vec::new(),
                    // Peers that go by the schemas refuse a rejection without one.
                    None => vec![DsoView::nothing(header.sender_domain.clone())],
                },
                header,
                response,
            }
            .into(),
            Self::DsoPortfolioQuery(query) => DsoPortfolioQueryResponse {
                header,
                response,
                dso_portfolio_query_message_id: id,
                time_zone: query.time_zone.clone(),
                period: query.period,
                congestion_point: match accepted {
                    Some(Accepted::CongestionPoint(point)) => point.clone(),
                    _ => None,
                },
            }
            .into(),
            _ => return None,
        })
    }
}

/// What is said of each item: what was decided, or that all are accepted, or, in a rejection, that all are disputed.
fn settlement_statuses(
    settlement: &FlexSettlement,
    response: &Response,
    accepted: Option<&Accepted>,
) -> Vec<FlexOrderSettlementStatus> {
    let references = settlement.orders.iter().map(|order| order.order_reference.clone());
    match accepted {
        Some(Accepted::Items(statuses)) => statuses.clone(),
        Some(_) => references.map(FlexOrderSettlementStatus::accepted).collect(),
        None => {
            let reason = response.rejection_reason.as_ref().map_or("", |reason| reason.as_str());
            references.map(|order| FlexOrderSettlementStatus::disputed(order, reason)).collect()
        }
    }
}
