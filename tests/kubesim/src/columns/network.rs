//! Services and their endpoints.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AGE, NAME, name, old, or_none, plain_selector, shown, wide};
use crate::{
    object::{list, number, text},
    table::Column,
};

pub(super) const ENDPOINT_SLICE: &[Column] =
    &[NAME, shown("AddressType"), shown("Ports"), shown("Endpoints"), AGE];
pub(super) const SERVICE: &[Column] = &[
    NAME,
    shown("Type"),
    shown("Cluster-IP"),
    shown("External-IP"),
    shown("Port(s)"),
    AGE,
    wide("Selector"),
];

pub(super) fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let kind = text(spec, &["type"]);
    let ingress: Vec<_> = list(object, &["status", "loadBalancer", "ingress"])
        .iter()
        .map(|at| if at["ip"].is_string() { text(at, &["ip"]) } else { text(at, &["hostname"]) })
        .collect();
    let mut external: Vec<&str> =
        list(spec, &["externalIPs"]).iter().filter_map(Value::as_str).collect();
    let external = match kind {
        "LoadBalancer" if ingress.is_empty() && external.is_empty() => "<pending>".to_owned(),
        "ExternalName" => text(spec, &["externalName"]).to_owned(),
        _ => {
            let mut all = ingress;
            all.append(&mut external);
            if all.is_empty() { "<none>".to_owned() } else { all.join(",") }
        }
    };
    let ports: Vec<String> = list(spec, &["ports"])
        .iter()
        .map(|port| {
            let node = number(port, &["nodePort"]);
            let node = if node == 0 { String::new() } else { format!(":{node}") };
            format!("{}{node}/{}", number(port, &["port"]), text(port, &["protocol"]))
        })
        .collect();
    vec![
        name(object),
        json!(kind),
        or_none(text(spec, &["clusterIP"])),
        json!(external),
        or_none(&ports.join(",")),
        old(object, now),
        or_none(&plain_selector(&spec["selector"])),
    ]
}

pub(super) fn endpoints(object: &Value) -> String {
    let mut shown = Vec::new();
    for subset in list(object, &["subsets"]) {
        for port in list(subset, &["ports"]) {
            for address in list(subset, &["addresses"]) {
                shown.push(format!("{}:{}", text(address, &["ip"]), number(port, &["port"])));
            }
        }
    }
    first_three(shown, "<none>")
}

/// A list, but not all of a long one.
fn first_three(mut shown: Vec<String>, empty: &str) -> String {
    if shown.is_empty() {
        return empty.to_owned();
    }
    let more = shown.len().saturating_sub(3);
    shown.truncate(3);
    let mut text = shown.join(",");
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, " + {more} more...");
    }
    text
}

pub(super) fn endpoint_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports = list(object, &["ports"]).iter().map(|port| number(port, &["port"]).to_string());
    let addresses = list(object, &["endpoints"])
        .iter()
        .flat_map(|endpoint| list(endpoint, &["addresses"]))
        .filter_map(Value::as_str)
        .map(str::to_owned);
    vec![
        name(object),
        object["addressType"].clone(),
        json!(first_three(ports.collect(), "<unset>")),
        json!(first_three(addresses.collect(), "<unset>")),
        old(object, now),
    ]
}
