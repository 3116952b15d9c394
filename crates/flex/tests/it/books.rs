//! The book: a watt is promised once, whatever is done in whatever order.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tieline_flex::{
    Book, BookError, BookedOffer, BookedOption, Capability, Committed, Direction, Ending, Free,
};
use tieline_types::{Power, TimeSpan};

use crate::fleets::{isp, noon};

const ISPS: [i32; 2] = [0, 1];
const CAPABILITY: Capability = Capability { least: Power::from_watts(-10), most: Power::from_watts(6) };

fn can(_: TimeSpan) -> Capability {
    CAPABILITY
}

fn option(min_activation_factor: &str, changes: [i64; 2]) -> BookedOption {
    BookedOption {
        min_activation_factor: min_activation_factor.parse().unwrap(),
        changes: ISPS.map(isp).into_iter().zip(changes.map(Power::from_watts)).collect(),
    }
}

fn offer(minute: i64, options: Vec<BookedOption>) -> BookedOffer {
    BookedOffer { expires: at(minute), options }
}

fn at(minute: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minute)
}

/// What a buyer may come to have: the book's own words are not used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bought {
    Nothing,
    /// One of these, or none.
    Maybe {
        outcomes: Vec<[i64; 2]>,
        until: i64,
    },
    Surely([i64; 2]),
    Over,
}

impl Bought {
    fn outcomes(&self) -> Vec<[i64; 2]> {
        match self {
            Self::Nothing | Self::Over => vec![[0; 2]],
            Self::Maybe { outcomes, .. } => [vec![[0; 2]], outcomes.clone()].concat(),
            Self::Surely(changes) => vec![*changes],
        }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    minute: i64,
    book: Book<u8>,
    bought: [Bought; 3],
}

/// Something that can be done at any time, sensible or not.
#[derive(Clone, Copy, Debug)]
enum Step {
    Offer(u8, usize),
    Order(u8, usize, i64),
    Reject(u8),
    Revoke(u8),
    Expire,
    Wait,
}

/// What is on sale: alternatives, parts, both directions, and all that is left.
fn goods(book: &Book<u8>, number: usize) -> BookedOffer {
    match number {
        0 => offer(1, vec![option("0.5", [-6, -6]), option("1", [-8, 0])]),
        1 => offer(2, vec![option("0.5", [-4, 4])]),
        _ => {
            let free = ISPS.map(|number| book.free(isp(number), CAPABILITY));
            offer(1, vec![option("1", free.map(|free: Free| free.reduction.watts()))])
        }
    }
}

/// What an order of an option comes to, in halves.
fn part(option: &BookedOption, halves: i64) -> [i64; 2] {
    [0, 1].map(|number: usize| option.changes[number].1.watts() * halves / 2)
}

fn is_possible(bought: &[Bought; 3]) -> bool {
    let [one, other, third] = bought.each_ref().map(Bought::outcomes);
    one.iter().all(|one| {
        other.iter().all(|other| {
            third.iter().all(|third| {
                [0, 1].iter().all(|number: &usize| {
                    (-10..=6).contains(&(one[*number] + other[*number] + third[*number]))
                })
            })
        })
    })
}

fn halves(halves: i64) -> Decimal {
    Decimal::new(halves * 5, 1)
}

impl State {
    /// What a step makes of it. What is refused changes nothing, and is what a buyer who kept accounts would refuse.
    fn after(&self, step: Step) -> Self {
        let mut next = self.clone();
        let done = match step {
            Step::Offer(buyer, number) => next.offer(buyer, number),
            Step::Order(buyer, number, factor) => next.order(buyer, number, factor),
            Step::Reject(buyer) => next.end(buyer, Ending::Rejected),
            Step::Revoke(buyer) => next.end(buyer, Ending::Revoked),
            Step::Expire => next.expire(),
            Step::Wait => {
                next.minute = (next.minute + 1).min(3);
                true
            }
        };
        if !done {
            assert_eq!(next.book, self.book, "{step:?}");
        }
        assert!(is_possible(&next.bought), "{step:?} of {:?} to {:?}", self.bought, next.bought);
        next
    }

    fn offer(&mut self, buyer: u8, number: usize) -> bool {
        let goods = goods(&self.book, number);
        let outcomes = goods.options.iter().flat_map(|option| {
            let least = if option.min_activation_factor == Decimal::ONE { 2 } else { 1 };
            (least..=2).map(move |halves| part(option, halves))
        });
        let maybe = Bought::Maybe { outcomes: outcomes.collect(), until: if number == 1 { 2 } else { 1 } };
        let mut bought = self.bought.clone();
        let known = std::mem::replace(&mut bought[usize::from(buyer)], maybe);
        let made = self.book.offer(buyer, goods, can);
        if known == Bought::Nothing {
            assert_eq!(made.is_ok(), is_possible(&bought), "{made:?} to {bought:?}");
        } else {
            assert!(made.is_err());
        }
        if made.is_ok() {
            self.bought = bought;
        }
        made.is_ok()
    }

    fn order(&mut self, buyer: u8, number: usize, factor: i64) -> bool {
        let minute = self.minute;
        let ordered = self.book.order(&buyer, number, halves(factor), at(minute));
        let bought = &mut self.bought[usize::from(buyer)];
        let Ok(owed) = ordered else { return false };
        let owed = [0, 1].map(|number: usize| owed[number].1.watts());
        match bought {
            Bought::Maybe { outcomes, until } => assert!(outcomes.contains(&owed) && minute <= *until),
            other => panic!("{other:?} was ordered"),
        }
        *bought = Bought::Surely(owed);
        true
    }

    fn end(&mut self, buyer: u8, ending: Ending) -> bool {
        let end = match ending {
            Ending::Rejected => self.book.reject(&buyer),
            _ => self.book.revoke(&buyer),
        };
        let bought = &mut self.bought[usize::from(buyer)];
        assert_eq!(end.is_ok(), matches!(bought, Bought::Maybe { .. }));
        if end.is_ok() {
            *bought = Bought::Over;
        }
        end.is_ok()
    }

    fn expire(&mut self) -> bool {
        let expired = self.book.expire(at(self.minute));
        for (buyer, bought) in (0_u8..).zip(&mut self.bought) {
            let is_over = matches!(bought, Bought::Maybe { until, .. } if *until < self.minute);
            assert_eq!(expired.contains(&buyer), is_over);
            if is_over {
                *bought = Bought::Over;
            }
        }
        !expired.is_empty()
    }
}

fn steps() -> Vec<Step> {
    let of_each = |buyer| {
        let offers = (0..3).map(move |number| Step::Offer(buyer, number));
        let orders =
            (0..2).flat_map(move |option| (1..=2).map(move |halves| Step::Order(buyer, option, halves)));
        // For the first buyer this side takes back, the others refuse.
        let end = if buyer == 0 { Step::Revoke(buyer) } else { Step::Reject(buyer) };
        offers.chain(orders).chain([end])
    };
    (0..3).flat_map(of_each).chain([Step::Expire, Step::Wait]).collect()
}

/// Everything that three buyers can come to by any steps in any order: no outcome of what is on offer ever exceeds what the
/// fleet can deliver, everything that fits is accepted, and what has ended does not end again.
#[test]
fn no_interleaving_of_three_buyers_sells_a_watt_twice() {
    let start = State { minute: 0, book: Book::default(), bought: [const { Bought::Nothing }; 3] };
    let mut seen = BTreeSet::from([start.clone()]);
    let mut next = vec![start];
    let steps = steps();
    while let Some(state) = next.pop() {
        for step in &steps {
            let after = state.after(*step);
            if seen.insert(after.clone()) {
                next.push(after);
            }
        }
    }
    assert!(seen.len() > 5_000, "only {} states", seen.len());
}

#[test]
fn the_worst_of_the_alternatives_counts_in_each_isp() {
    let mut book = Book::default();
    let alternatives = vec![option("1", [-6, 0]), option("1", [-2, 5])];
    book.offer("one", offer(5, alternatives), can).unwrap();
    let committed = |number| book.committed(isp(number));
    let (nothing, power) = (Power::from_watts(0), Power::from_watts);
    assert_eq!(committed(0), Committed { least: power(-6), most: nothing });
    assert_eq!(committed(1), Committed { least: nothing, most: power(5) });
    assert_eq!(book.free(isp(0), CAPABILITY), Free { reduction: power(-4), increase: power(6) });
    assert_eq!(book.promised(isp(1), Direction::Increase), power(5));
    assert_eq!(book.promised(isp(1), Direction::Reduction), nothing);
    let oversold = book.clone().offer("other", offer(5, vec![option("1", [-5, 0])]), can);
    assert_eq!(oversold, Err(BookError::Oversold { span: isp(0), change: power(-5), free: power(-4) }));
}

#[test]
fn what_is_ordered_in_part_frees_the_rest_and_stays() {
    let mut book = Book::default();
    book.offer(1, offer(5, vec![option("0.3", [-9, -9])]), can).unwrap();
    let factor = |text: &str| text.parse::<Decimal>().unwrap();
    for wrong in ["0.29", "1.01"] {
        let refused = book.order(&1, 0, factor(wrong), at(0)).unwrap_err();
        assert_eq!(refused, BookError::ActivationFactor { factor: factor(wrong), least: factor("0.3") });
    }
    assert_eq!(book.order(&1, 1, Decimal::ONE, at(0)), Err(BookError::Option(1)));
    assert_eq!(book.order(&1, 0, Decimal::ONE, at(6)), Err(BookError::Expired(at(5))));
    assert_eq!(book.order(&2, 0, Decimal::ONE, at(0)), Err(BookError::Unknown));
    let owed = book.order(&1, 0, factor("0.5"), at(5)).unwrap();
    assert!(owed.iter().map(|(_, owed)| owed.watts()).eq([-4, -4]));
    assert_eq!(book.free(isp(0), CAPABILITY).reduction, Power::from_watts(-6));
    assert_eq!(book.revoke(&1), Err(BookError::Ordered));
    assert_eq!(book.reject(&1), Err(BookError::Ordered));
    assert!(book.expire(at(100)).is_empty());
}

#[test]
fn what_ended_cant_be_ordered_or_ended_again() {
    let mut book = Book::default();
    for key in 0..3 {
        book.offer(key, offer(5, vec![option("1", [-3, 0])]), can).unwrap();
    }
    book.reject(&0).unwrap();
    book.revoke(&1).unwrap();
    assert_eq!(book.expire(at(5)), [0; 0]);
    assert_eq!(book.expire(at(6)), [2]);
    for (key, ending) in [Ending::Rejected, Ending::Revoked, Ending::Expired].into_iter().enumerate() {
        let key = i32::try_from(key).unwrap();
        assert_eq!(book.order(&key, 0, Decimal::ONE, at(0)), Err(BookError::Ended(ending)));
        assert_eq!(book.reject(&key), Err(BookError::Ended(ending)));
        assert_eq!(book.bind(key, isp(0), Power::from_watts(-1)), Err(BookError::Known));
        assert_eq!(book.restore(key, offer(9, Vec::new())), Err(BookError::Known));
    }
    assert_eq!(book.free(isp(0), CAPABILITY).reduction, CAPABILITY.least);
}

/// A quarter of an hour of one market within an hour of another.
#[test]
fn isps_that_are_not_the_same_count_where_they_overlap() {
    let mut book = Book::default();
    let hour = TimeSpan::new(isp(0).start(), isp(3).end()).unwrap();
    book.bind("hour", hour, Power::from_watts(-4)).unwrap();
    book.bind("quarters", isp(0), Power::from_watts(-3)).unwrap();
    book.bind("quarters", isp(1), Power::from_watts(-5)).unwrap();
    assert_eq!(book.committed(isp(0)).least, Power::from_watts(-7));
    assert_eq!(book.committed(isp(2)).least, Power::from_watts(-4));
    assert_eq!(book.committed(hour), Committed { least: Power::from_watts(-9), most: Power::from_watts(-4) });
    assert_eq!(book.committed(isp(9)).least, Power::from_watts(0));
}

#[test]
fn what_is_over_is_forgotten() {
    let mut book = Book::default();
    book.bind(1, isp(0), Power::from_watts(-4)).unwrap();
    book.restore(2, offer(5, vec![option("1", [-3, -3])])).unwrap();
    book.restore(3, offer(5, vec![option("1", [-3, -3])])).unwrap();
    book.reject(&3).unwrap();
    book.forget_before(isp(0).end());
    assert_eq!(book.reject(&3), Err(BookError::Unknown));
    assert_eq!(book.committed(isp(0)).least, Power::from_watts(-3));
    book.forget_before(isp(1).end());
    assert_eq!(book, Book::default());
}
