//! The API server for tests, driven by the real kubectl and by bare requests.

mod errors;
mod kubectl;
mod lifecycle;
mod tool;
