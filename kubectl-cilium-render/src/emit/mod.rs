//! Values as text.

mod keep;
mod order;
mod scalar;
mod writer;

pub use keep::{KeepError, keep_comments};
pub use writer::{to_yaml, to_yaml_with_comments};
