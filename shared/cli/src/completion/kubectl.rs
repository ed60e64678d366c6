//! kubectl's question, and the answer in its form.

use std::{env, ffi::OsString, fmt::Write as _, path::Path};

use clap_complete::{CompletionCandidate, engine};

use super::directive::directive;
use crate::control;

/// The name that kubectl looks for begins so; a link of that name to the plugin answers too.
const PREFIX: &str = "kubectl_complete-";

/// The word by which the script that kubectl finds asks the plugin.
pub(super) const WORD: &str = "__complete";

/// The words to complete, if kubectl asks.
pub(super) fn question(arguments: &[OsString]) -> Option<&[OsString]> {
    let (program, words) = arguments.split_first()?;
    let name = Path::new(program).file_name()?.to_string_lossy();
    if name.starts_with(PREFIX) {
        return Some(words);
    }
    let (first, words) = words.split_first()?;
    (first == WORD).then_some(words)
}

/// A value in each line, and the directive. What cannot be found out is left out: a message would
/// land in the middle of somebody's command line.
pub(super) fn answer(mut command: clap::Command, words: &[OsString]) -> String {
    let mut line = vec![OsString::from(command.get_name())];
    line.extend_from_slice(words);
    if words.is_empty() {
        line.push(OsString::new());
    }
    let last = line.len() - 1;
    // Flags are offered to who begins one, as kubectl does it.
    let begins_flag = line[last].to_string_lossy().starts_with('-');
    let here = env::current_dir().ok();
    let mut candidates =
        engine::complete(&mut command, line, last, here.as_deref()).unwrap_or_default();
    candidates.retain(|it| begins_flag || !it.get_value().to_string_lossy().starts_with('-'));
    let values: Vec<String> = candidates.iter().map(value).collect();
    let mut answer = String::new();
    for (candidate, value) in candidates.iter().zip(&values) {
        answer.push_str(value);
        if let Some(help) = candidate.get_help() {
            let help = help.to_string();
            let _ =
                write!(answer, "\t{}", control::escape(help.lines().next().unwrap_or_default()));
        }
        answer.push('\n');
    }
    let _ = writeln!(answer, ":{}", directive(&values));
    answer
}

fn value(candidate: &CompletionCandidate) -> String {
    control::escape(&candidate.get_value().to_string_lossy()).into_owned()
}
