//! Credentials that have to be fetched, and fetched again when they run out.

mod plugin;
mod tokens;

pub(crate) use plugin::Issued;
pub use plugin::PluginError;
pub use tokens::UnfitToken;
pub(crate) use tokens::{Bearer, Tokens, header};
