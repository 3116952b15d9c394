use std::any::type_name;
use std::error::Error;
use std::fmt;

use crate::{BoxError, Protocol};

/// Why a message got no answer from its handler.
///
/// [`Protocol::answer_fault`] turns each into what the peer is told. A service or layer may also return a fault as its
/// error, boxed or not: it is answered as the fault that it is.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Fault<P: Protocol> {
    /// No route serves this action in this version. The protocol knows whether the action exists at all.
    #[error("no handler serves this action")]
    UnknownAction,

    /// The body is not a message of its action. The peer's fault.
    #[error("the body cannot be decoded: {0}")]
    Undecodable(#[source] P::DecodeError),

    /// An extractor found nothing to extract. Our fault: a layer or the transport did not attach it.
    #[error("the request carries no {what}")]
    Missing {
        /// What is missing; for an extension its type's name.
        what: &'static str,
    },

    /// A handler, or an extractor, could not do its work. Our fault; a later attempt may succeed.
    #[error("the handler failed: {0}")]
    Failed(#[source] BoxError),

    /// A handler or a layer panicked. Our fault.
    #[error("the handler panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },

    /// The handler did not answer in time.
    #[error("the handler ran out of time")]
    TimedOut,

    /// A layer returned an error: too many requests, a filter that refused, a buffer that is gone.
    #[error("a layer refused the message: {0}")]
    Layer(#[source] BoxError),
}

impl<P: Protocol> Fault<P> {
    /// A missing value of type `T`.
    pub fn missing<T>() -> Self {
        Self::Missing { what: type_name::<T>() }
    }

    /// The fault that a service's error stands for: itself if it is one, else [`Fault::Layer`].
    pub fn from_layer(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(fault) => *fault,
            Err(error) => Self::Layer(error),
        }
    }

    /// Whether the peer is to blame: the same message will fail again.
    pub fn is_by_peer(&self) -> bool {
        matches!(self, Self::UnknownAction | Self::Undecodable(_))
    }

    /// Whether the same message may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::TimedOut | Self::Layer(_))
    }

    /// The error of type `E` that caused the fault, however deep, such as the `Overloaded` of a load-shedding layer.
    pub fn cause_ref<E: Error + 'static>(&self) -> Option<&E> {
        let mut cause = self.source();
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

impl<P: Protocol> fmt::Debug for Fault<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAction => f.write_str("UnknownAction"),
            Self::Undecodable(error) => f.debug_tuple("Undecodable").field(error).finish(),
            Self::Missing { what } => f.debug_struct("Missing").field("what", what).finish(),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Self::Panicked { message } => f.debug_struct("Panicked").field("message", message).finish(),
            Self::TimedOut => f.write_str("TimedOut"),
            Self::Layer(error) => f.debug_tuple("Layer").field(error).finish(),
        }
    }
}
