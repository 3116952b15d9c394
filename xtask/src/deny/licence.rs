//! SPDX licence expressions: identifiers joined by AND, OR and WITH, with parentheses.
//! The old `MIT/Apache-2.0` of crates.io means OR.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Licence(String),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

impl Expression {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let mut words = spaced.split_whitespace().collect::<Vec<_>>().into_iter().peekable();
        let expression = any_of(&mut words)?;
        match words.next() {
            None => Ok(expression),
            Some(word) => bail!("{word} is unexpected"),
        }
    }

    /// Whether these licences are enough to use what is under this expression.
    pub(super) fn is_met_by(&self, allowed: &BTreeSet<&str>) -> bool {
        match self {
            Self::Licence(name) => allowed.contains(name.as_str()),
            Self::And(left, right) => left.is_met_by(allowed) && right.is_met_by(allowed),
            Self::Or(left, right) => left.is_met_by(allowed) || right.is_met_by(allowed),
        }
    }
}

type Words<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

fn any_of(words: &mut Words<'_>) -> Result<Expression> {
    let mut left = all_of(words)?;
    while words.next_if_eq(&"OR").is_some() {
        left = Expression::Or(Box::new(left), Box::new(all_of(words)?));
    }
    Ok(left)
}

fn all_of(words: &mut Words<'_>) -> Result<Expression> {
    let mut left = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        left = Expression::And(Box::new(left), Box::new(one(words)?));
    }
    Ok(left)
}

fn one(words: &mut Words<'_>) -> Result<Expression> {
    match words.next() {
        Some("(") => {
            let inner = any_of(words)?;
            if words.next() == Some(")") { Ok(inner) } else { bail!("a parenthesis is not closed") }
        }
        Some(word) if !matches!(word, ")" | "AND" | "OR" | "WITH") => {
            let mut name = word.to_owned();
            if words.next_if_eq(&"WITH").is_some() {
                let Some(exception) = words.next() else { bail!("WITH has no exception") };
                name = format!("{name} WITH {exception}");
            }
            Ok(Expression::Licence(name))
        }
        Some(word) => bail!("{word} is unexpected"),
        None => bail!("it ends too early"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(text: &str, allowed: &[&str]) -> bool {
        Expression::parse(text).unwrap().is_met_by(&allowed.iter().copied().collect())
    }

    #[test]
    fn reads_every_form() {
        assert!(met("MIT", &["MIT"]));
        assert!(met("MIT/Apache-2.0", &["Apache-2.0"]));
        assert!(met("GPL-3.0 OR MIT AND ISC", &["MIT", "ISC"]));
        assert!(!met("(GPL-3.0 OR MIT) AND ISC", &["MIT"]));
        assert!(met("(MIT OR Apache-2.0) AND Unicode-3.0", &["MIT", "Unicode-3.0"]));
        assert!(!met("Apache-2.0 WITH LLVM-exception", &["Apache-2.0"]));
        assert!(met("Apache-2.0 WITH LLVM-exception OR MIT", &["MIT"]));
    }

    #[test]
    fn refuses_what_is_no_expression() {
        for text in ["", "MIT OR", "(MIT", "MIT Apache-2.0", "AND MIT", "MIT WITH", ")"] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
