//! Numbers as Go writes them.
//!
//! Helm keeps the numbers of a values file as float64 and those of `--set` as int64. What it
//! prints has gone through Go's JSON encoder and then through go-yaml, which reads the JSON text
//! anew: hence `10` for `1e1`, and `1e+20` for twenty zeros.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use super::yaml::resolve::{self, Scalar};

/// A number, as Helm keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer of `--set`.
    Int(i64),
    /// Any number of a file or of `--set-json`. Finite: JSON has nothing else.
    Float(f64),
}

impl Number {
    /// The text that Go's JSON encoder writes.
    pub fn to_json(self) -> String {
        match self {
            Self::Int(number) => number.to_string(),
            Self::Float(number) => json(number),
        }
    }

    /// The text that go-yaml writes after it has read the JSON text.
    pub fn to_yaml(self) -> String {
        let text = self.to_json();
        match resolve::plain(&text) {
            Scalar::Int(number) => number.to_string(),
            Scalar::Float(number) => general(number),
            _ => text,
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match resolve::plain(&self.to_json()) {
            Scalar::Int(number) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => serializer.serialize_i64(number),
                (_, Ok(number)) => serializer.serialize_u64(number),
                _ => serializer.serialize_i128(number),
            },
            Scalar::Float(number) => serializer.serialize_f64(number),
            _ => unreachable!("JSON's numbers are YAML's"),
        }
    }
}

/// Digits and decimal exponent of the shortest text that reads back as `number`: the digits stand
/// for `d.ddd × 10^exponent`.
struct Shortest {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Shortest {
    /// Rust's `{:e}` prints the shortest digits, as Go does.
    fn of(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        Self {
            negative: mantissa.starts_with('-'),
            digits,
            exponent: exponent.parse().unwrap_or_default(),
        }
    }

    fn scientific(&self, exponent_digits: usize) -> String {
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        let (first, rest) = self.digits.split_at(1);
        text.push_str(first);
        if !rest.is_empty() {
            text.push('.');
            text.push_str(rest);
        }
        let sign = if self.exponent < 0 { '-' } else { '+' };
        let _ = write!(text, "e{sign}{:0exponent_digits$}", self.exponent.unsigned_abs());
        text
    }
}

/// `strconv.FormatFloat(number, 'g', -1, 64)`, with YAML's names for what is not finite.
pub(crate) fn general(number: f64) -> String {
    general_text(number, &format!("{number:e}"), || number.to_string())
}

/// The same for 32 bits: sigs.k8s.io/yaml writes map keys that are floats so.
pub(crate) fn general_32(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "this rounding is what is wanted")]
    let single = number as f32;
    general_text(number, &format!("{single:e}"), || single.to_string())
}

fn general_text(number: f64, scientific: &str, plain: impl Fn() -> String) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if scientific.contains("inf") {
        return if number < 0.0 { "-.inf" } else { ".inf" }.to_owned();
    }
    let shortest = Shortest::of(scientific);
    // Go decides for the shortest form as if six digits had been asked for.
    if (-4..6).contains(&shortest.exponent) { plain() } else { shortest.scientific(2) }
}

/// `encoding/json` of a float64: as ECMAScript does it.
fn json(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        Shortest::of(&format!("{number:e}")).scientific(1)
    } else {
        number.to_string()
    }
}
