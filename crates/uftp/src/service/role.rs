//! The roles as types, and which message goes from which to which.

use std::fmt;

use crate::Role;
use crate::message::{
    AgrPortfolioQuery, AgrPortfolioQueryResponse, AgrPortfolioUpdate, AgrPortfolioUpdateResponse, DPrognosis,
    DPrognosisResponse, DsoPortfolioQuery, DsoPortfolioQueryResponse, DsoPortfolioUpdate,
    DsoPortfolioUpdateResponse, FlexOffer, FlexOfferResponse, FlexOfferRevocation,
    FlexOfferRevocationResponse, FlexOrder, FlexOrderResponse, FlexRequest, FlexRequestResponse,
    FlexReservationUpdate, FlexReservationUpdateResponse, FlexSettlement, FlexSettlementResponse, Message,
    Metering, MeteringResponse, TestMessage, TestMessageResponse,
};

/// A role as a type: [`Agr`], [`Cro`] or [`Dso`].
pub trait RoleType: fmt::Debug + Clone + Copy + Send + Sync + sealed::Sealed + 'static {
    /// The role as a value.
    const ROLE: Role;
}

mod sealed {
    pub trait Sealed {}
}

/// A message that a participant in the role `From` may send to one in the role `To`.
#[diagnostic::on_unimplemented(message = "`{Self}` does not go from {From} to {To}")]
pub trait Goes<From: RoleType, To: RoleType>: Message {}

/// A message that a participant in the role `R` receives.
#[diagnostic::on_unimplemented(message = "{R} does not receive `{Self}`")]
pub trait ReceivedBy<R: RoleType>: Message {}

macro_rules! role {
    ($($(#[$doc:meta])* $name:ident),+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $name {}

            impl sealed::Sealed for $name {}

            impl RoleType for $name {
                const ROLE: Role = Role::$name;
            }
        )+
    };
}

role! {
    /// Aggregator.
    Agr,
    /// Common reference operator.
    Cro,
    /// Distribution system operator.
    Dso
}

macro_rules! goes {
    ($from:ident to $to:ident: $($request:ident answered by $answer:ident),+ $(,)?) => {
        $(
            impl Goes<$from, $to> for $request {}
            impl Goes<$to, $from> for $answer {}
            impl ReceivedBy<$to> for $request {}
            impl ReceivedBy<$from> for $answer {}
        )+
    };
}

goes!(Agr to Dso:
    DPrognosis answered by DPrognosisResponse,
    FlexOffer answered by FlexOfferResponse,
    FlexOfferRevocation answered by FlexOfferRevocationResponse,
    Metering answered by MeteringResponse,
);
goes!(Dso to Agr:
    FlexReservationUpdate answered by FlexReservationUpdateResponse,
    FlexRequest answered by FlexRequestResponse,
    FlexOrder answered by FlexOrderResponse,
    FlexSettlement answered by FlexSettlementResponse,
);
goes!(Agr to Cro:
    AgrPortfolioUpdate answered by AgrPortfolioUpdateResponse,
    AgrPortfolioQuery answered by AgrPortfolioQueryResponse,
);
goes!(Dso to Cro:
    DsoPortfolioUpdate answered by DsoPortfolioUpdateResponse,
    DsoPortfolioQuery answered by DsoPortfolioQueryResponse,
);

macro_rules! goes_anywhere {
    ($($message:ident: $($from:ident to $to:ident),+;)+) => {
        $($(
            impl Goes<$from, $to> for $message {}
        )+)+
        $(
            impl ReceivedBy<Agr> for $message {}
            impl ReceivedBy<Cro> for $message {}
            impl ReceivedBy<Dso> for $message {}
        )+
    };
}

goes_anywhere! {
    TestMessage: Agr to Dso, Agr to Cro, Dso to Agr, Dso to Cro, Cro to Agr, Cro to Dso;
    TestMessageResponse: Agr to Dso, Agr to Cro, Dso to Agr, Dso to Cro, Cro to Agr, Cro to Dso;
}
