//! Layers of values, merged as Helm merges them; every value remembers where it comes from.

mod node;
mod notice;
mod number;
mod origin;
pub mod yaml;

pub use node::{Map, Node, Value, merge};
pub use notice::{Notice, NoticeKind};
pub use number::Number;
pub use origin::{Origin, Position, SetFlag};
