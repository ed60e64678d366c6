//! DaemonSets and Deployments.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable},
};
use crate::{
    decode::DecodeError,
    facts::{
        Component, Container, EnvVar, LabelSelector, PodCounts, Toleration, Workload, WorkloadKind,
    },
    redaction,
};

/// Labels that are kept.
const LABELS: [&str; 8] = [
    "k8s-app",
    "name",
    "io.cilium/app",
    "helm.sh/chart",
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
];

/// Annotations that are kept: whose release it is, and what its pods were rolled out for.
const ANNOTATIONS: [&str; 5] = [
    "cilium.io/cilium-configmap-checksum",
    "cilium.io/helm-template-non-idempotent",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "kubectl.kubernetes.io/restartedAt",
];

#[derive(Deserialize)]
struct Raw {
    metadata: Metadata,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    replicas: Option<u32>,
    #[serde(default)]
    selector: LabelSelector,
    template: Template,
}

#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    metadata: TemplateMetadata,
    spec: PodSpec,
}

/// A template has no name.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TemplateMetadata {
    #[serde(deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "nullable")]
    annotations: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec {
    containers: Vec<RawContainer>,
    init_containers: Vec<RawContainer>,
    host_network: bool,
    node_selector: BTreeMap<String, String>,
    tolerations: Vec<Toleration>,
    priority_class_name: String,
    dns_policy: String,
    volumes: Vec<Volume>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    name: String,
    host_path: Option<HostPath>,
}

#[derive(Deserialize)]
struct HostPath {
    path: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawContainer {
    name: String,
    image: String,
    command: Vec<String>,
    args: Vec<String>,
    env: Vec<RawVariable>,
    ports: Vec<Port>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    #[serde(default)]
    host_port: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawVariable {
    name: String,
    #[serde(default)]
    value: String,
    value_from: Option<Origin>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Origin {
    #[serde(rename = "fieldRef")]
    field: Option<FieldReference>,
    #[serde(rename = "resourceFieldRef")]
    resource: Option<ResourceReference>,
    #[serde(rename = "configMapKeyRef")]
    config_map: Option<KeyReference>,
    #[serde(rename = "secretKeyRef")]
    secret: Option<KeyReference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldReference {
    field_path: String,
}

#[derive(Deserialize)]
struct ResourceReference {
    resource: String,
}

#[derive(Deserialize)]
struct KeyReference {
    #[serde(default)]
    name: String,
    key: String,
}

/// Of DaemonSets and of Deployments, which share no field.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    desired_number_scheduled: Option<u32>,
    updated_number_scheduled: u32,
    number_ready: u32,
    number_available: u32,
    number_unavailable: u32,
    number_misscheduled: u32,
    updated_replicas: u32,
    ready_replicas: u32,
    available_replicas: u32,
    unavailable_replicas: u32,
}

impl FromApi for Workload {
    const KIND: &'static str = "workload";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        let Raw { metadata, spec, status } = object.read()?;
        let Template { metadata: template, spec: pod } = spec.template;
        let mut labels = template.labels;
        labels.extend(metadata.labels.clone());
        let names = pod.containers.iter().map(|container| container.name.as_str());
        let component = Component::of(&labels, names);
        if component == Component::Other {
            return Ok(None);
        }
        labels.retain(|name, _| LABELS.contains(&name.as_str()));
        let mut annotations = template.annotations;
        annotations.extend(metadata.annotations);
        annotations.retain(|name, _| ANNOTATIONS.contains(&name.as_str()));
        let paths = pod.volumes.into_iter();
        let paths = paths.filter_map(|volume| Some((volume.name, volume.host_path?.path)));
        // Items of a list do not say their kind; only DaemonSets have a number of nodes.
        let kind = match status.desired_number_scheduled {
            Some(_) => WorkloadKind::DaemonSet,
            None => WorkloadKind::Deployment,
        };
        Ok(Some(Self {
            kind,
            component,
            namespace: metadata.namespace,
            name: metadata.name,
            labels,
            annotations,
            selector: spec.selector.match_labels,
            containers: pod.containers.into_iter().map(container).collect(),
            init_containers: pod.init_containers.into_iter().map(container).collect(),
            host_network: pod.host_network,
            node_selector: pod.node_selector,
            tolerations: pod.tolerations,
            priority_class: pod.priority_class_name,
            dns_policy: pod.dns_policy,
            host_paths: paths.collect(),
            pods: status.counts(spec.replicas),
            created: metadata.creation_timestamp,
        }))
    }
}

impl Status {
    /// `spec.replicas` is 1 where it is not said.
    fn counts(&self, replicas: Option<u32>) -> PodCounts {
        match self.desired_number_scheduled {
            Some(desired) => PodCounts {
                desired,
                updated: self.updated_number_scheduled,
                ready: self.number_ready,
                available: self.number_available,
                unavailable: self.number_unavailable,
                misscheduled: self.number_misscheduled,
            },
            None => PodCounts {
                desired: replicas.unwrap_or(1),
                updated: self.updated_replicas,
                ready: self.ready_replicas,
                available: self.available_replicas,
                unavailable: self.unavailable_replicas,
                misscheduled: 0,
            },
        }
    }
}

fn container(raw: RawContainer) -> Container {
    Container {
        name: raw.name,
        image: raw.image,
        command: redaction::command(&raw.command),
        args: redaction::command(&raw.args),
        env: raw.env.into_iter().map(variable).collect(),
        host_ports: raw.ports.iter().map(|port| port.host_port).filter(|port| *port > 0).collect(),
    }
}

fn variable(raw: RawVariable) -> EnvVar {
    let (value, from) = match raw.value_from {
        Some(origin) => (None, origin.in_words()),
        None => (redaction::environment(&raw.name, &raw.value), None),
    };
    EnvVar { name: raw.name, value, from }
}

impl Origin {
    fn in_words(self) -> Option<String> {
        let key = |kind: &str, it: KeyReference| format!("{kind} {} key {}", it.name, it.key);
        (self.field.map(|it| format!("field {}", it.field_path)))
            .or_else(|| self.resource.map(|it| format!("resource {}", it.resource)))
            .or_else(|| self.config_map.map(|it| key("ConfigMap", it)))
            .or_else(|| self.secret.map(|it| key("Secret", it)))
    }
}
