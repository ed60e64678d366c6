//! The arguments of `--set` and its kin: Helm's `strvals` grammar.
//!
//! A line is `key=value,key=value`; keys are paths such as `a.b[0].c`; a backslash takes the meaning
//! from the character after it, but for `--set-literal`; `{a,b}` is a list. What Helm does with odd
//! lines is done here too: `a[0]` alone makes an empty list, `a.` does nothing.

mod error;
mod json;
mod list;
mod parser;
mod typed;

use std::{io, sync::Arc};

pub use error::SetError;

use crate::layers::{Map, Origin, SetFlag, Value, merge};

/// List slots that one argument may make. Helm limits each index only.
const MAX_SLOTS: usize = 200_000;

/// Reads the file that an argument of `--set-file` names.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> io::Result<String>;

/// Sets in `values` what an argument says.
///
/// `number` counts the arguments of this flag from 1, for the origin. `read_file` is asked for
/// [`SetFlag::SetFile`] only.
///
/// # Errors
/// Where Helm refuses the argument, and where it would make more than 200,000 list items.
pub fn apply(
    values: &mut Map,
    flag: SetFlag,
    number: usize,
    argument: &str,
    read_file: ReadFile<'_>,
) -> Result<(), SetError> {
    let origin = Origin::Flag { flag, number, argument: Arc::from(argument) };
    let outcome = if flag == SetFlag::SetJson && argument.trim_start().starts_with('{') {
        // Helm 4 takes a whole object as well.
        json::whole(argument.trim(), &origin).map(|object| {
            if let Value::Map(object) = object {
                merge(values, object);
            }
        })
    } else {
        parser::Parser::new(argument, &origin, flag, read_file).line(values)
    };
    outcome.map_err(|problem| SetError {
        flag,
        argument: argument.to_owned(),
        problem: Box::new(problem),
    })
}
