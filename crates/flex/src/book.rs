//! What was promised and what is on offer: a watt is promised once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use tieline_types::{Power, TimeSpan};

/// The promises and offers at one congestion point, by the key (`K`) that its owner has for each.
///
/// An offer is on offer until it is ordered, rejected, revoked or has expired; then it can become nothing else. While it is
/// on offer, the worst counts that may become of it: any of its options, in full. Once it is ordered, what was ordered
/// counts, for good.
///
/// Nothing is built on what may not be ordered: an increase on offer lets nobody sell a larger reduction.
///
/// A book is a value: its owner keeps offers and orders, and makes it of them with [`restore`](Self::restore) and
/// [`bind`](Self::bind).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Book<K> {
    entries: BTreeMap<K, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    OnOffer(BookedOffer),
    Ordered(Vec<(TimeSpan, Power)>),
    Ended(Ending),
}

/// An offer, as far as it binds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BookedOffer {
    /// The last instant at which it can be ordered.
    pub expires: Timestamp,
    /// The alternatives: one of them can be ordered.
    pub options: Vec<BookedOption>,
}

/// One alternative of an offer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BookedOption {
    /// The smallest part of it that can be ordered, from 0 to 1; 1 is all or nothing.
    pub min_activation_factor: Decimal,
    /// The changes against the baseline.
    pub changes: Vec<(TimeSpan, Power)>,
}

/// The changes against the baseline that a fleet can deliver in one ISP, if nothing is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The largest reduction, 0 or less.
    pub least: Power,
    /// The largest increase, 0 or more.
    pub most: Power,
}

/// The changes against the baseline that may be owed at some instant of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The least: with every reduction ordered that is on offer, and no increase.
    pub least: Power,
    /// The most: with every increase ordered that is on offer, and no reduction.
    pub most: Power,
}

/// What can still be sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// The largest reduction, 0 or less.
    pub reduction: Power,
    /// The largest increase, 0 or more.
    pub increase: Power,
}

/// In which direction a change is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Less than the baseline.
    Reduction,
    /// More than the baseline.
    Increase,
}

/// How an offer ended that nobody ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// The other side refused it.
    Rejected,
    /// Nobody ordered it in time.
    Expired,
    /// This side took it back.
    Revoked,
}

/// Why the book does not change. None of these is worth a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// No such offer was made.
    #[error("there is no such offer")]
    Unknown,
    /// Something has this key already.
    #[error("an offer or order of this name is in the book")]
    Known,
    /// It was ordered, and an order is binding.
    #[error("it was ordered")]
    Ordered,
    /// It ended without an order.
    #[error("it {0}")]
    Ended(Ending),
    /// The instant after which it can't be ordered is over.
    #[error("it expired at {0}")]
    Expired(Timestamp),
    /// It has no such option.
    #[error("it has no option {0}")]
    Option(usize),
    /// Less is to be activated than the option allows, or more than all of it.
    #[error("from {least} to 1 of it can be ordered, not {factor}")]
    ActivationFactor {
        /// What is to be activated.
        factor: Decimal,
        /// What must be at least.
        least: Decimal,
    },
    /// More is to be sold than is free.
    #[error("{change} are to be sold from {}, and {free} are free", .span.start())]
    Oversold {
        /// The ISP.
        span: TimeSpan,
        /// What is to be sold.
        change: Power,
        /// What can be, in this direction.
        free: Power,
    },
}

impl<K> Default for Book<K> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Book<K> {
    /// Puts something on offer, if every option of it is free in every ISP. `capability` is what the fleet can deliver in
    /// each.
    pub fn offer(
        &mut self,
        key: K,
        offer: BookedOffer,
        capability: impl Fn(TimeSpan) -> Capability,
    ) -> Result<(), BookError> {
        for (span, change) in offer.options.iter().flat_map(|option| by_isp(&option.changes)) {
            let Free { reduction, increase } = self.free(span, capability(span));
            let change = Power::from_watts(change);
            if !(reduction..=increase).contains(&change) {
                let free = if change.watts() < 0 { reduction } else { increase };
                return Err(BookError::Oversold { span, change, free });
            }
        }
        self.restore(key, offer)
    }

    /// Takes in something that is on offer, whether it is free or not: it has been sent.
    pub fn restore(&mut self, key: K, offer: BookedOffer) -> Result<(), BookError> {
        if self.entries.contains_key(&key) {
            return Err(BookError::Known);
        }
        self.entries.insert(key, Entry::OnOffer(offer));
        Ok(())
    }

    /// Takes in what was ordered in one ISP; also of an order that there was no offer for. What is bound under one key adds
    /// up. Refused under the key of an offer: that is [ordered](Self::order).
    pub fn bind(&mut self, key: K, span: TimeSpan, change: Power) -> Result<(), BookError> {
        match self.entries.entry(key).or_insert_with(|| Entry::Ordered(Vec::new())) {
            Entry::Ordered(changes) => {
                changes.push((span, change));
                Ok(())
            }
            Entry::OnOffer(_) | Entry::Ended(_) => Err(BookError::Known),
        }
    }

    /// Orders a part of one option, and says what is owed in each ISP, in whole watts. The rest of the offer is free.
    pub fn order(
        &mut self,
        key: &K,
        option: usize,
        factor: Decimal,
        now: Timestamp,
    ) -> Result<Vec<(TimeSpan, Power)>, BookError> {
        let entry = self.entries.get_mut(key).ok_or(BookError::Unknown)?;
        let offer = entry.on_offer()?;
        if offer.expires < now {
            return Err(BookError::Expired(offer.expires));
        }
        let BookedOption { min_activation_factor: least, changes } =
            offer.options.get(option).ok_or(BookError::Option(option))?;
        if factor < *least || factor > Decimal::ONE {
            return Err(BookError::ActivationFactor { factor, least: *least });
        }
        let owed: Vec<(TimeSpan, Power)> =
            changes.iter().map(|(span, change)| (*span, activated(*change, factor))).collect();
        *entry = Entry::Ordered(owed.clone());
        Ok(owed)
    }

    /// The other side refused an offer: it is free.
    pub fn reject(&mut self, key: &K) -> Result<(), BookError> {
        self.end(key, Ending::Rejected)
    }

    /// This side takes back an offer that was not ordered: it is free.
    pub fn revoke(&mut self, key: &K) -> Result<(), BookError> {
        self.end(key, Ending::Revoked)
    }

    /// Frees what can't be ordered any more, and says what that is.
    pub fn expire(&mut self, now: Timestamp) -> Vec<K> {
        let mut expired = Vec::new();
        for (key, entry) in &mut self.entries {
            if entry.on_offer().is_ok_and(|offer| offer.expires < now) {
                *entry = Entry::Ended(Ending::Expired);
                expired.push(key.clone());
            }
        }
        expired
    }

    /// Drops what ended without an order, and orders and offers for nothing but spans before `instant`: a long-lived book
    /// stays as small as what can still matter.
    pub fn forget_before(&mut self, instant: Timestamp) {
        self.entries.retain(|_, entry| match entry {
            Entry::Ended(_) => false,
            entry => entry.alternatives().concat().iter().any(|(span, _)| span.end() > instant),
        });
    }

    /// What may be owed in a span. Where the ISPs of orders and offers are not those asked for, all that overlap count, at
    /// the instant at which they come to most.
    pub fn committed(&self, span: TimeSpan) -> Committed {
        let touching: Vec<(TimeSpan, i64, i64)> =
            self.entries.values().flat_map(|entry| entry.extremes(span)).collect();
        // Between two edges nothing changes.
        let edges = touching.iter().flat_map(|(touching, _, _)| [touching.start(), touching.end()]);
        let edges = edges.filter(|instant| span.contains(*instant)).chain([span.start()]);
        let sums = edges.map(|instant| {
            let at = touching.iter().filter(|(touching, _, _)| touching.contains(instant));
            at.fold((0_i64, 0_i64), |(least, most), (_, down, up)| {
                (least.saturating_add(*down), most.saturating_add(*up))
            })
        });
        let (least, most) =
            sums.fold((i64::MAX, i64::MIN), |(least, most), (down, up)| (least.min(down), most.max(up)));
        Committed { least: Power::from_watts(least), most: Power::from_watts(most) }
    }

    /// What a further change in this direction comes on top of.
    pub fn promised(&self, span: TimeSpan, direction: Direction) -> Power {
        let Committed { least, most } = self.committed(span);
        match direction {
            Direction::Reduction => least,
            Direction::Increase => most,
        }
    }

    /// What can still be sold in a span, of what the fleet can deliver.
    pub fn free(&self, span: TimeSpan, capability: Capability) -> Free {
        let committed = self.committed(span);
        let nothing = Power::from_watts(0);
        Free {
            reduction: capability.least.saturating_sub(committed.least).min(nothing),
            increase: capability.most.saturating_sub(committed.most).max(nothing),
        }
    }

    fn end(&mut self, key: &K, ending: Ending) -> Result<(), BookError> {
        let entry = self.entries.get_mut(key).ok_or(BookError::Unknown)?;
        entry.on_offer()?;
        *entry = Entry::Ended(ending);
        Ok(())
    }
}

impl Entry {
    fn on_offer(&self) -> Result<&BookedOffer, BookError> {
        match self {
            Self::OnOffer(offer) => Ok(offer),
            Self::Ordered(_) => Err(BookError::Ordered),
            Self::Ended(ending) => Err(BookError::Ended(*ending)),
        }
    }

    /// What is ordered; or what can be, one of several.
    fn alternatives(&self) -> Vec<&[(TimeSpan, Power)]> {
        match self {
            Self::Ordered(changes) => vec![changes],
            Self::OnOffer(offer) => offer.options.iter().map(|option| option.changes.as_slice()).collect(),
            Self::Ended(_) => Vec::new(),
        }
    }

    /// The least and the most that may be owed for it in each of its ISPs that overlap `within`, in watts.
    fn extremes(&self, within: TimeSpan) -> Vec<(TimeSpan, i64, i64)> {
        let mut extremes: BTreeMap<TimeSpan, (i64, i64)> = BTreeMap::new();
        for changes in self.alternatives() {
            for (span, change) in by_isp(changes.iter().filter(|(span, _)| span.overlaps(within))) {
                if matches!(self, Self::Ordered(_)) {
                    extremes.insert(span, (change, change));
                } else {
                    // It, or another alternative, or none.
                    let (least, most) = extremes.entry(span).or_default();
                    (*least, *most) = ((*least).min(change), (*most).max(change));
                }
            }
        }
        extremes.into_iter().map(|(span, (least, most))| (span, least, most)).collect()
    }
}

/// The sum of the changes in each ISP, in watts.
fn by_isp<'a>(changes: impl IntoIterator<Item = &'a (TimeSpan, Power)>) -> BTreeMap<TimeSpan, i64> {
    let mut sums = BTreeMap::new();
    for (span, change) in changes {
        let sum: &mut i64 = sums.entry(*span).or_default();
        *sum = sum.saturating_add(change.watts());
    }
    sums
}

/// A part of a change, in whole watts; never more than the whole.
fn activated(change: Power, factor: Decimal) -> Power {
    let part = (Decimal::from(change.watts()) * factor).round().to_i64();
    Power::from_watts(part.unwrap_or(change.watts()))
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Rejected => "was rejected",
            Self::Expired => "expired",
            Self::Revoked => "was revoked",
        })
    }
}
