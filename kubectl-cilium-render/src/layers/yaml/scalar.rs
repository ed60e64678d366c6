//! From a scalar in the file to a value.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use granit_parser::{ScalarStyle, Tag};

use super::{
    error::Problem,
    resolve::{self, Scalar},
};

/// The bits that Go does not look at may be set.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A scalar, and its text: for strings the value, for others as written.
pub(super) struct Resolved {
    pub(super) scalar: Scalar,
    pub(super) text: String,
}

/// Resolves a scalar with the tag that stands before it, if any.
pub(super) fn resolve(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
) -> Result<Resolved, Problem> {
    let text = text.into_owned();
    let scalar = match tag.and_then(core_suffix) {
        None if tag.is_some() || style != ScalarStyle::Plain => Scalar::String,
        None => resolve::plain(&text),
        Some("binary") => {
            return Ok(Resolved { text: decode(&text)?, scalar: Scalar::String });
        }
        Some("int") => expect(resolve::below_tag(&text), &text, "!!int")?,
        Some("float") => expect(resolve::below_tag(&text), &text, "!!float")?,
        Some("bool") => expect(resolve::below_tag(&text), &text, "!!bool")?,
        Some("null") => expect(resolve::below_tag(&text), &text, "!!null")?,
        Some("timestamp") => expect(resolve::plain(&text), &text, "!!timestamp")?,
        Some(_) => Scalar::String,
    };
    Ok(Resolved { scalar, text })
}

/// What follows `!!`, in whatever notation.
fn core_suffix(tag: &Tag) -> Option<&str> {
    let is_core = tag.handle() == "tag:yaml.org,2002:" || tag.handle() == "!!";
    if is_core { Some(tag.suffix()) } else { tag.suffix().strip_prefix("tag:yaml.org,2002:") }
}

fn expect(scalar: Scalar, text: &str, tag: &'static str) -> Result<Scalar, Problem> {
    let kind = match scalar {
        Scalar::Null => "!!null",
        Scalar::Bool(_) => "!!bool",
        Scalar::Int(_) => "!!int",
        Scalar::Float(_) => "!!float",
        Scalar::Timestamp => "!!timestamp",
        Scalar::String => "!!str",
    };
    match scalar {
        #[expect(clippy::cast_precision_loss, reason = "as Go converts it")]
        Scalar::Int(number) if tag == "!!float" && i64::try_from(number).is_ok() => {
            Ok(Scalar::Float(number as f64))
        }
        _ if kind == tag => Ok(scalar),
        _ => Err(Problem::Tag { text: text.to_owned(), kind, tag }),
    }
}

fn decode(text: &str) -> Result<String, Problem> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = BASE64.decode(text).map_err(|_| Problem::Base64)?;
    String::from_utf8(bytes).map_err(|_| Problem::BinaryNotText)
}
