//! Connections as kubectl makes them, and requests to servers in good and in bad health.

mod differential;
mod flags;
mod tool;
