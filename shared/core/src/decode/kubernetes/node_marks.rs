//! What Cilium wrote on Nodes.

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable},
};
use crate::{
    decode::DecodeError,
    facts::{Condition, NodeInfo, Taint},
    removal::{NodeMarks, is_node_annotation},
};

/// The reason that agents and the operator give for a network that is there.
const IS_UP: &str = "CiliumIsUp";

impl FromApi for NodeMarks {
    const KIND: &'static str = "Node";

    /// All taints are listed: which are Cilium's its configuration says.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw {
            metadata: Metadata,
            #[serde(default)]
            spec: Spec,
            #[serde(default)]
            status: Status,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Spec {
            #[serde(deserialize_with = "nullable")]
            taints: Vec<Taint>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Status {
            #[serde(deserialize_with = "nullable")]
            conditions: Vec<Condition>,
            node_info: NodeInfo,
        }
        let Raw { metadata, spec, status } = object.read()?;
        let mut annotations: Vec<String> = metadata.annotations.into_keys().collect();
        annotations.retain(|key| is_node_annotation(key));
        let is_up = |it: &Condition| it.kind == "NetworkUnavailable" && it.reason == IS_UP;
        let is_silent = |it: &Condition| it.kind == "Ready" && it.status == "Unknown";
        let mut taints: Vec<String> = spec.taints.into_iter().map(|taint| taint.key).collect();
        // One for each effect.
        taints.sort();
        taints.dedup();
        Ok(Some(Self {
            name: metadata.name,
            annotations,
            taints,
            is_up_condition: status.conditions.iter().any(is_up),
            is_silent: status.conditions.iter().any(is_silent),
            is_talos: status.node_info.os_image.contains("Talos"),
        }))
    }
}
