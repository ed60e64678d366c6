//! What `--set` takes a text for.

use crate::layers::{Number, Value};

/// The value of a text after `=`: only booleans, null and integers are more than texts, and an
/// integer only if it does not begin with a zero.
pub(super) fn value(text: String) -> Value {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") {
        Value::Bool(true)
    } else if is("false") {
        Value::Bool(false)
    } else if is("null") {
        Value::Null
    } else if text == "0" {
        Value::Number(Number::Int(0))
    } else {
        match text.parse() {
            Ok(number) if !text.starts_with('0') => Value::Number(Number::Int(number)),
            _ => Value::String(text),
        }
    }
}
