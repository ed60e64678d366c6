//! Values as text.

mod keep;
mod order;
mod scalar;
mod writer;

pub use keep::{KeepError, keep_comments, keep_comments_and_add};
pub use writer::{Comment, to_yaml, to_yaml_with_comments};
