//! Values as text.

mod order;
mod scalar;
mod writer;

pub use writer::{to_yaml, to_yaml_with_comments};
