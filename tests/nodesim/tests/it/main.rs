//! Nodes that run pods, seen through the real kubectl.

mod bed;
mod end;
mod files;
mod lifecycle;
mod namespaces;
mod serve;
mod unready;
