//! The core against what real programs print: recordings in, verdicts and findings out.

#![expect(clippy::unwrap_used, reason = "in a test, also in the functions that tests share")]

mod agent_devices;
mod agent_status;
mod api_objects;
mod api_table;
mod causes;
mod dumps;
mod fixture;
mod generated;
mod golden;
mod helm_release;
mod hostile;
mod iproute2;
mod iproute2_text;
mod leftovers;
mod leftovers_devices;
mod leftovers_files;
mod leftovers_foreign;
mod leftovers_generated;
mod leftovers_plan;
mod leftovers_routing;
mod leftovers_running;
mod live_values;
mod node_config;
mod notation;
mod pod_status;
mod probe;
mod proposal;
mod recorded;
mod redaction;
mod registry;
mod release;
mod rendered;
mod routing;
mod rules;
mod seed;
mod seed_values;
mod snapshot;
mod table;
mod values;
