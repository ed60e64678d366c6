//! The real doctor on real networks.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail in this way")]

mod completion;
mod consent;
mod differential;
mod doctor;
mod homelab;
mod inside;
mod krew;
mod kubectl;
mod lent_networks;
mod live;
mod live_errors;
mod live_faults;
mod live_fleet;
mod live_groups;
mod live_logs;
mod live_nodes;
mod live_requests;
mod live_services;
mod live_snapshot;
mod live_symptoms;
mod live_two_illnesses;
mod live_versions;
mod live_watch;
mod node_script;
mod packages;
mod packets;
mod packets_end;
mod packets_masquerade;
mod packets_outside;
mod packets_overlay;
mod packets_policy;
mod packets_reverse_path;
mod probing;
mod program;
mod rbac;
mod relay;
mod removal;
mod render;
mod report;
mod scale;
mod seed;
mod site;
mod stage;
mod staging;
mod staging_absent;
mod staging_delivery;
mod staging_end;
mod story;
mod terminal;
mod tools;
mod unprivileged;
mod variants;
