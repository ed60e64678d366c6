//! The name that a plugin was called by.

use std::{ffi::OsStr, path::Path};

use crate::control;

/// The command to show in usage lines, from the first word of the command line.
///
/// kubectl finds `kubectl a-b` in the file `kubectl-a_b`: dashes in the file name separate
/// words, underscores stand for dashes. Any other file name is shown as it is, and `fallback`
/// where the first word is missing.
pub fn name(first_word: Option<&OsStr>, fallback: &str) -> String {
    let Some(file_name) = first_word.and_then(|word| Path::new(word).file_name()) else {
        return fallback.to_owned();
    };
    let file_name = file_name.to_string_lossy();
    let file_name = file_name.strip_suffix(".exe").unwrap_or(&file_name);
    let name = match file_name.strip_prefix("kubectl-") {
        Some(rest) if !rest.is_empty() => {
            format!("kubectl {}", rest.replace('-', " ").replace('_', "-"))
        }
        _ => file_name.to_owned(),
    };
    control::escape(&name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(first_word: &str) -> String {
        name(Some(OsStr::new(first_word)), "fallback")
    }

    #[test]
    fn plugins_are_named_as_kubectl_calls_them() {
        assert_eq!(named("/root/.krew/bin/kubectl-cilium_doctor"), "kubectl cilium-doctor");
        assert_eq!(named("kubectl-cilium_doctor.exe"), "kubectl cilium-doctor");
        assert_eq!(named("./kubectl-cilium-doctor"), "kubectl cilium doctor");
    }

    #[test]
    fn other_files_keep_their_name() {
        assert_eq!(named("/usr/local/bin/cilium_doctor"), "cilium_doctor");
        assert_eq!(named("kubectl-"), "kubectl-");
        assert_eq!(named("kubectl"), "kubectl");
    }

    #[test]
    fn odd_first_words_do_no_harm() {
        assert_eq!(name(None, "fallback"), "fallback");
        assert_eq!(named(""), "fallback");
        assert_eq!(named("/"), "fallback");
        assert_eq!(named("kubectl-a\x1b"), r"kubectl a\u{1b}");
    }
}
