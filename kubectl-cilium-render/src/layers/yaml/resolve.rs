//! What an unquoted scalar is: YAML 1.1 as go-yaml v2 has it, which is Helm's reader.
//!
//! Among its ways: `yes`, `on` and `y` are booleans, `0777` and `0o777` are octal, underscores may
//! stand in numbers, numbers to the base 60 are strings, and `0x` with more than 64 bits too.

use super::timestamp;

/// What an unquoted scalar stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of 64 bits, with or without sign.
    Int(i128),
    /// A number with a fraction or an exponent, or one of `.inf` and `.nan`.
    Float(f64),
    /// A date. Helm keeps its text as a string, but it must be quoted to be one elsewhere.
    Timestamp,
    /// Anything else.
    String,
}

/// Resolves the text of an unquoted scalar.
pub(crate) fn plain(text: &str) -> Scalar {
    resolve(text, true)
}

/// The same below a tag such as `!!int`: a date is not tried.
pub(super) fn below_tag(text: &str) -> Scalar {
    resolve(text, false)
}

fn resolve(text: &str, may_be_timestamp: bool) -> Scalar {
    if let Some(scalar) = word(text) {
        return scalar;
    }
    match text.as_bytes()[0] {
        b'.' => dotted_float(text).map_or(Scalar::String, Scalar::Float),
        b'+' | b'-' | b'0'..=b'9' => {
            if may_be_timestamp && timestamp::is_timestamp(text) {
                return Scalar::Timestamp;
            }
            number(&text.replace('_', "")).unwrap_or(Scalar::String)
        }
        _ => Scalar::String,
    }
}

fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// A number that begins with a sign or a digit, its underscores removed.
fn number(text: &str) -> Option<Scalar> {
    if let Some(number) = integer(text) {
        return Some(Scalar::Int(number));
    }
    if is_decimal(text) {
        let number: f64 = text.parse().ok()?;
        return number.is_finite().then_some(Scalar::Float(number));
    }
    // A second sign is allowed after `0b`, and nowhere else.
    let digits = text.strip_prefix("0b").map(str::to_owned);
    let digits = digits.or_else(|| Some(format!("-{}", text.strip_prefix("-0b")?)))?;
    i64::from_str_radix(&digits, 2).ok().map(|number| Scalar::Int(number.into()))
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: the prefix tells the base.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (Some(-1), &text[1..]),
        b'+' => (Some(1), &text[1..]),
        _ => (None, text),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // from_str_radix would take a second sign.
    if !digits.starts_with(|first: char| first.is_digit(base)) {
        return None;
    }
    let number = i128::from_str_radix(digits, base).ok()? * sign.unwrap_or(1);
    let fits = i64::try_from(number).is_ok() || (sign.is_none() && u64::try_from(number).is_ok());
    fits.then_some(number)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => !mantissa.is_empty() && is_digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    mantissa_fits && exponent_fits
}

/// `strconv.ParseFloat` of a text that begins with a dot: underscores between digits only.
fn dotted_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |position: usize| bytes.get(position).is_some_and(u8::is_ascii_digit);
    let lone =
        |position: usize| !(position > 0 && is_digit(position - 1) && is_digit(position + 1));
    if bytes.iter().enumerate().any(|(position, byte)| *byte == b'_' && lone(position)) {
        return None;
    }
    let text = text.replace('_', "");
    let number: f64 = is_decimal(&text).then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for text in ["y", "Yes", "on", "TRUE"] {
            assert_eq!(plain(text), Scalar::Bool(true), "{text}");
        }
        for text in ["", "~", "Null"] {
            assert_eq!(plain(text), Scalar::Null, "{text}");
        }
        for text in ["yEs", "oN", "tRue", "nULL", "nil", "_1", "e1", "1:30", "0x", "0o", "0b", "+"]
        {
            assert_eq!(plain(text), Scalar::String, "{text}");
        }
    }

    #[test]
    fn integers() {
        let cases: [(&str, i128); 14] = [
            ("0", 0),
            ("-0", 0),
            ("0777", 511),
            ("0o17", 15),
            ("0O17", 15),
            ("-0x1F", -31),
            ("0x_1F", 31),
            ("+0b11", 3),
            ("0b-11", -3),
            ("-0b11", -3),
            ("1_000", 1000),
            ("1__0_", 10),
            ("18446744073709551615", 18_446_744_073_709_551_615),
            ("-9223372036854775808", -9_223_372_036_854_775_808),
        ];
        for (text, number) in cases {
            assert_eq!(plain(text), Scalar::Int(number), "{text}");
        }
    }

    #[test]
    fn floats() {
        let cases = [
            ("1e3", 1e3),
            ("1.", 1.0),
            (".5", 0.5),
            (".1_0", 0.1),
            ("-.5e-1", -0.05),
            ("08", 8.0),
            ("+18446744073709551615", 18_446_744_073_709_551_615.0),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
        ];
        for (text, number) in cases {
            assert_eq!(plain(text), Scalar::Float(number), "{text}");
        }
        for text in [
            "1e999",
            "._1",
            ".1_",
            ".",
            "..",
            ".e1",
            "1e",
            "1.2.3",
            "0x1p3",
            "0xFFFFFFFFFFFFFFFFFF",
        ] {
            assert_eq!(plain(text), Scalar::String, "{text}");
        }
    }
}
