//! From a scalar that is a key to the text of the key.

use super::{error::Problem, resolve::Scalar};
use crate::layers::{Value, number};

/// The key that sigs.k8s.io/yaml makes of a scalar, as JSON has only texts for keys; and what the
/// scalar is to go-yaml, which takes keys for the same only if they are that to it.
pub(super) fn of(value: Value, scalar: Option<Scalar>) -> Result<(String, Scalar), Problem> {
    let Some(scalar) = scalar else { return Err(Problem::KeyKind(value.kind())) };
    let text = match (&scalar, value) {
        (Scalar::Bool(value), _) => value.to_string(),
        (Scalar::Int(number), _) if i64::try_from(*number).is_ok() => number.to_string(),
        (Scalar::Int(number), _) => return Err(Problem::KeyTooLarge(number.to_string())),
        (Scalar::Float(number), _) => number::general_32(*number),
        (_, Value::String(text)) => return Ok((text, Scalar::String)),
        (_, value) => return Err(Problem::KeyKind(value.kind())),
    };
    Ok((text, scalar))
}
