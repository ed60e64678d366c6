//! Connections as kubectl makes them, and requests to servers in good and in bad health.

#![expect(clippy::unwrap_used, reason = "a test may fail in this way")]

mod differential;
mod errors;
mod exec;
mod flags;
mod health;
mod lists;
mod plugin;
mod proxy;
mod surroundings;
mod tool;
mod user;
