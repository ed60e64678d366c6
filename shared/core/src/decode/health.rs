//! `cilium-health status -o json`: the agent's `HealthStatusResponse`, with as many entries as there are
//! nodes, or what [`AWK`] left of it on the node.

use serde::Deserialize;

use super::DecodeError;
use crate::facts::{HealthReport, PathHealth, SilentNode};

/// A program for `awk` that leaves out the nodes that answer; it gets a line `exit CODE` after what the
/// command printed, and ends with that code. What is left is JSON of the same form.
pub const AWK: &str = include_str!("health.awk");

/// So many nodes are told one by one.
const MOST: usize = 50;
/// Characters of an error that are kept.
const KEPT: usize = 200;

/// Decodes the report.
///
/// # Errors
/// When it is not JSON, or somebody else's.
pub fn decode(json: &str) -> Result<HealthReport, DecodeError> {
    let raw: Raw = serde_json::from_str(json)?;
    let nodes = match (raw.nodes, &raw.local) {
        (Some(nodes), _) => nodes,
        // Go leaves out what is empty: nothing was probed yet.
        (None, Some(_)) => Vec::new(),
        (None, None) => return Err(DecodeError::new("`nodes` is missing: not a report of health")),
    };
    let own = raw.local.map(|local| local.name).unwrap_or_default();
    let cluster = own.rsplit_once('/').map_or("", |(cluster, _)| cluster);
    let mut report = HealthReport {
        probed: nodes.len() + raw.answering + raw.more_silent,
        silent: raw.more_silent,
        nodes: Vec::new(),
    };
    for node in nodes {
        let host = path(node.host.and_then(|it| it.primary_address));
        let endpoint = node.health_endpoint.and_then(|it| it.primary_address).or(node.endpoint);
        let endpoint = path(endpoint);
        if [&host, &endpoint].iter().all(|path| path.http.is_none() && path.icmp.is_none()) {
            continue;
        }
        report.silent += 1;
        if report.nodes.len() < MOST {
            let name = match node.name.rsplit_once('/') {
                Some((of, name)) if of == cluster => name.to_owned(),
                _ => node.name,
            };
            report.nodes.push(SilentNode { name, host, endpoint });
        }
    }
    Ok(report)
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Raw {
    local: Option<RawSelf>,
    nodes: Option<Vec<RawNode>>,
    /// Of the program for `awk`.
    #[serde(default)]
    answering: usize,
    /// Of the program for `awk`.
    #[serde(default)]
    more_silent: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawSelf {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct RawNode {
    name: String,
    host: Option<RawAddresses>,
    health_endpoint: Option<RawAddresses>,
    /// Until `health-endpoint` came; the same as its primary address.
    endpoint: Option<RawPath>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct RawAddresses {
    primary_address: Option<RawPath>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPath {
    ip: String,
    http: Option<RawProbe>,
    icmp: Option<RawProbe>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawProbe {
    /// Empty where it was answered.
    status: String,
}

fn path(raw: Option<RawPath>) -> PathHealth {
    let raw = raw.unwrap_or_default();
    let error = |probe: Option<RawProbe>| {
        let status = probe.map(|probe| probe.status).filter(|status| !status.is_empty())?;
        Some(status.chars().filter(|c| !c.is_control()).take(KEPT).collect())
    };
    PathHealth { address: raw.ip, http: error(raw.http), icmp: error(raw.icmp) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_s_json_is_no_report() {
        assert!(decode("{}").is_err());
        assert!(decode("[]").is_err());
        let empty = decode(r#"{"local":{"name":"k/node1"},"nodes":null}"#).unwrap();
        assert_eq!(empty, HealthReport::default());
    }

    #[test]
    fn nodes_of_other_clusters_keep_their_cluster() {
        let report = decode(
            r#"{"local":{"name":"east/node1"},"nodes":[
              {"name":"east/node2","host":{"primary-address":{"ip":"10.0.0.2","http":{"status":"x"}}}},
              {"name":"west/node2","endpoint":{"ip":"10.9.0.2","icmp":{"status":"Connection timed out"}}},
              {"name":"east/node3","host":{"primary-address":{"ip":"10.0.0.3","http":{"latency":1}}}}]}"#,
        )
        .unwrap();
        let names: Vec<&str> = report.nodes.iter().map(|node| &*node.name).collect();
        assert_eq!((report.probed, report.silent), (3, 2));
        assert_eq!(names, ["node2", "west/node2"]);
        assert_eq!(report.nodes[1].endpoint.icmp.as_deref(), Some("Connection timed out"));
    }
}
