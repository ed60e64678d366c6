//! The real agent in real network namespaces: what it says of packets that really went.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail in this way")]

mod agent;
mod clean;
mod clean_generated;
mod dns;
mod dns_server;
mod ending;
mod lab;
mod namespaces;
mod path;
mod stand;
mod tcp;
mod tls;
mod usage;
