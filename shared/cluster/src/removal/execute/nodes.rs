//! What Cilium wrote on Nodes.

use kcilium_core::removal::NodeMarks;
use serde_json::{Value, json};

use super::{Failure, Work, words};
use crate::{ApiError, Form, Patch, collect::Resource};

/// How often a node is read anew that somebody else writes at the same time.
const TRIES: usize = 5;

impl Work<'_> {
    /// Takes Cilium's marks off a node.
    pub(super) async fn node(&self, marks: &NodeMarks) -> Result<(), Failure> {
        match self.clean_node(marks).await {
            // A node that is gone has no marks.
            Ok(()) | Err(ApiError::NotFound { .. }) => Ok(()),
            Err(error) => Err(words(&error)),
        }
    }

    async fn clean_node(&self, marks: &NodeMarks) -> Result<(), ApiError> {
        let path = format!("{}/{}", Resource::NODES.path(None), marks.name);
        if !marks.annotations.is_empty() {
            let gone: serde_json::Map<_, _> =
                marks.annotations.iter().map(|key| (key.clone(), Value::Null)).collect();
            let change = json!({"metadata": {"annotations": gone}});
            self.api.patch(&path, Patch::Merge, &change).await?;
        }
        if !marks.taints.is_empty() {
            self.untaint(&path, &marks.taints).await?;
        }
        if marks.is_up_condition {
            let gone = json!({"type": "NetworkUnavailable", "$patch": "delete"});
            let change = json!({"status": {"conditions": [gone]}});
            self.api.patch(&format!("{path}/status"), Patch::Strategic, &change).await?;
        }
        Ok(())
    }

    /// The taints of a node are one value: they are replaced as a whole, if they are as they were read.
    async fn untaint(&self, path: &str, keys: &[String]) -> Result<(), ApiError> {
        let mut tries = 0;
        loop {
            let node = self.api.get(path, Form::Json).await?;
            let node: Value = serde_json::from_slice(&node)
                .map_err(|error| ApiError::Unreadable { reason: error.to_string() })?;
            let taints = node.pointer("/spec/taints").and_then(Value::as_array);
            let mut taints = taints.cloned().unwrap_or_default();
            let before = taints.len();
            taints.retain(|taint| !keys.iter().any(|key| taint["key"] == key.as_str()));
            if taints.len() == before {
                return Ok(());
            }
            let taints = if taints.is_empty() { Value::Null } else { Value::Array(taints) };
            let change = json!({
                "metadata": {"resourceVersion": node["metadata"]["resourceVersion"]},
                "spec": {"taints": taints},
            });
            tries += 1;
            match self.api.patch(path, Patch::Merge, &change).await {
                Err(ApiError::Status { code: 409, .. }) if tries < TRIES => {}
                outcome => return outcome.map(drop),
            }
        }
    }
}
