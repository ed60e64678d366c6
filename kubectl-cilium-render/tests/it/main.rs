//! The program as its users meet it, and its readers and writers beside the real Helm.

#![expect(clippy::unwrap_used, reason = "a test may fail in this way")]

mod ambiguous;
mod chart_directory;
mod command_line;
mod detection;
mod emit_like_helm;
mod helm;
mod helm_template;
mod hostile;
mod keep_comments;
mod lint;
mod migrate;
mod output;
mod render;
mod strvals_like_helm;
mod upstream_flags;
mod vectors;
mod yaml_like_helm;
