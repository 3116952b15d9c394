//! Reading a whole quantity written as a decimal number and a unit.

use rust_decimal::Decimal;

use crate::text::trim_xml;

/// Reads `1.5 kW` as 1500 when `units` has `("kW", 1000)`. The unit "" is a bare number.
pub(super) fn parse_whole(text: &str, units: &[(&str, i64)]) -> Result<i64, &'static str> {
    let text = trim_xml(text);
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = (text[..end].trim_end_matches(' '), &text[end..]);
    let &(_, factor) =
        units.iter().find(|(name, _)| *name == unit).ok_or("its unit is missing or unknown")?;
    match whole(parse_decimal(number)?, factor) {
        Ok(Some(whole)) => Ok(whole),
        Ok(None) => Err("it is finer than the smallest unit"),
        Err(TooLarge) => Err("it is too large"),
    }
}

pub(super) struct TooLarge;

/// The product, if it is a whole number. Decimals would round one that does not fit their 28 digits.
pub(super) fn whole(value: Decimal, factor: i64) -> Result<Option<i64>, TooLarge> {
    let product = value.mantissa().checked_mul(factor.into()).ok_or(TooLarge)?;
    let divisor = 10_i128.pow(value.scale());
    if product % divisor != 0 {
        return Ok(None);
    }
    i64::try_from(product / divisor).map(Some).map_err(|_| TooLarge)
}

/// Reads an `xs:decimal` (digits with an optional sign and point, no exponent), exactly.
pub(super) fn parse_decimal(text: &str) -> Result<Decimal, &'static str> {
    const FORM: &str = "its number must be digits with an optional sign and point";
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return Err(FORM);
    }
    // Zeros that say nothing must not count against the 28 digits that a decimal holds.
    let whole = whole.trim_start_matches('0');
    let kept = fraction.trim_end_matches('0');
    if whole.len() + kept.len() > 28 {
        return Err("it has more than 28 digits");
    }
    let zeros = (fraction.len() - kept.len()).min(28 - whole.len() - kept.len());
    let sign = if text.starts_with('-') { "-" } else { "" };
    let fraction = &fraction[..kept.len() + zeros];
    let plain =
        if fraction.is_empty() { format!("{sign}0{whole}") } else { format!("{sign}0{whole}.{fraction}") };
    Decimal::from_str_exact(&plain).map_err(|_| "it is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_beyond_28_digits_is_not_rounded() {
        let units = [("MWh", 3_600_000_000)];
        assert_eq!(
            parse_whole("22222222.222222222222 MWh", &units),
            Err("it is finer than the smallest unit")
        );
        assert_eq!(
            parse_whole("0.0000000000000000000000000001 MWh", &units),
            Err("it is finer than the smallest unit")
        );
        assert_eq!(parse_whole("9999999999999999999999999999 MWh", &units), Err("it is too large"));
        assert_eq!(parse_whole("0.0000000025 MWh", &units), Ok(9));
    }

    #[test]
    fn reads_the_lexical_forms_of_a_decimal() {
        for (text, value) in [
            ("0", "0"),
            ("+1.50", "1.50"),
            ("-0012.5", "-12.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-.25", "-0.25"),
            (
                "0.0000000000000000000000000000000000001".trim_end_matches('1'),
                "0.0000000000000000000000000000",
            ),
            ("00000000000000000000000000000000000000001", "1"),
            ("9999999999999999999999999999", "9999999999999999999999999999"),
        ] {
            assert_eq!(parse_decimal(text).unwrap().to_string(), value, "{text}");
        }
        for text in
            ["", "+", ".", "1e3", "1_000", "1,5", "--1", "1.2.3", "NaN", "INF", " 1", "٣", &"9".repeat(29)]
        {
            assert!(parse_decimal(text).is_err(), "{text}");
        }
    }
}
