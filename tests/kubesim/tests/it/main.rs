//! The API server for tests, driven by the real kubectl and helm.

mod errors;
mod fleet;
mod golden;
mod helm;
mod kubectl;
mod lifecycle;
mod program;
mod raw;
mod running;
mod scenario;
mod subresources;
mod tool;
