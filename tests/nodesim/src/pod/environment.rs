//! The environment of a container.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{
        ConfigMap, Container, EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector, Pod,
        Secret, Service,
    },
};
use kube::Api;

use super::expansion::expand;
use crate::{
    api::{RequestError, within},
    kubelet::Kubelet,
    machine::PATH,
};

/// A variable and its value.
pub(super) type Variable = (String, String);

/// What the API server does not know of a pod.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) pod_ip: String,
    pub(super) host_ip: String,
    pub(super) hostname: String,
}

/// The whole environment, or why there is none: in the words of `CreateContainerConfigError`.
pub(super) async fn environment(
    kubelet: &Kubelet,
    pod: &Pod,
    container: &Container,
    place: &Place,
) -> Result<Vec<Variable>, String> {
    let mut own: Vec<Variable> = Vec::new();
    let source = Source { kubelet, pod, place };
    for from in container.env_from.iter().flatten() {
        for (name, value) in source.all_of(from).await? {
            set(&mut own, name, value);
        }
    }
    let services = services(kubelet).await;
    for variable in container.env.iter().flatten() {
        let value = if let Some(from) = &variable.value_from {
            source.one_of(variable, from).await?
        } else {
            let known: Vec<_> = services.iter().chain(&own).cloned().collect();
            Some(expand(variable.value.as_deref().unwrap_or_default(), &known))
        };
        if let Some(value) = value {
            set(&mut own, variable.name.clone(), value);
        }
    }
    let runtime = [("PATH", PATH), ("HOSTNAME", &place.hostname)];
    let mut environment: Vec<Variable> =
        runtime.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for (name, value) in services.into_iter().chain(own) {
        set(&mut environment, name, value);
    }
    if !environment.iter().any(|(name, _)| name == "HOME") {
        environment.push(("HOME".to_owned(), "/root".to_owned()));
    }
    Ok(environment)
}

fn set(environment: &mut Vec<Variable>, name: String, value: String) {
    environment.retain(|(known, _)| *known != name);
    environment.push((name, value));
}

/// What is true of the API server's own service goes into every container.
async fn services(kubelet: &Kubelet) -> Vec<Variable> {
    let api: Api<Service> = Api::namespaced(kubelet.client.clone(), "default");
    let Ok(service) = within(api.get("kubernetes")).await else { return Vec::new() };
    let spec = service.spec.unwrap_or_default();
    let address = spec.cluster_ip.filter(|address| address != "None");
    let ports = spec.ports.unwrap_or_default();
    let (Some(address), Some(first)) = (address, ports.first()) else { return Vec::new() };
    let first = first.port;
    let mut list = vec![
        ("KUBERNETES_SERVICE_HOST".to_owned(), address.clone()),
        ("KUBERNETES_SERVICE_PORT".to_owned(), first.to_string()),
    ];
    for port in &ports {
        let Some(name) = &port.name else { continue };
        let name = name.to_uppercase().replace('-', "_");
        list.push((format!("KUBERNETES_SERVICE_PORT_{name}"), port.port.to_string()));
    }
    list.push(("KUBERNETES_PORT".to_owned(), format!("tcp://{address}:{first}")));
    for port in &ports {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let (low, number) = (protocol.to_lowercase(), port.port);
        let prefix = format!("KUBERNETES_PORT_{number}_{protocol}");
        list.push((prefix.clone(), format!("{low}://{address}:{number}")));
        list.push((format!("{prefix}_PROTO"), low));
        list.push((format!("{prefix}_PORT"), number.to_string()));
        list.push((format!("{prefix}_ADDR"), address.clone()));
    }
    list
}

/// Where values come from.
struct Source<'a> {
    kubelet: &'a Kubelet,
    pod: &'a Pod,
    place: &'a Place,
}

impl Source<'_> {
    fn namespace(&self) -> &str {
        self.pod.metadata.namespace.as_deref().unwrap_or_default()
    }

    async fn all_of(&self, from: &EnvFromSource) -> Result<Vec<Variable>, String> {
        let data = if let Some(map) = &from.config_map_ref {
            let data = config_map(self.kubelet, self.namespace(), &map.name).await;
            optional(data, map.optional)?
        } else if let Some(secret) = &from.secret_ref {
            let data = secret_data(self.kubelet, self.namespace(), &secret.name).await;
            optional(data, secret.optional)?
        } else {
            None
        };
        let prefix = from.prefix.as_deref().unwrap_or_default();
        let variables = data.unwrap_or_default().into_iter();
        Ok(variables.map(|(key, value)| (format!("{prefix}{key}"), text(&value))).collect())
    }

    async fn one_of(
        &self,
        variable: &EnvVar,
        from: &EnvVarSource,
    ) -> Result<Option<String>, String> {
        let namespace = self.namespace();
        let (kind, name, key, may_lack, data) = if let Some(field) = &from.field_ref {
            return self::field(self.pod, self.place, field).map(Some);
        } else if let Some(map) = &from.config_map_key_ref {
            let data = config_map(self.kubelet, namespace, &map.name).await;
            ("ConfigMap", &map.name, &map.key, map.optional, data)
        } else if let Some(secret) = &from.secret_key_ref {
            let data = secret_data(self.kubelet, namespace, &secret.name).await;
            ("Secret", &secret.name, &secret.key, secret.optional, data)
        } else {
            return Err(format!("nodesim: env {}: this source is not supported", variable.name));
        };
        let Some(data) = optional(data, may_lack)? else { return Ok(None) };
        match data.get(key) {
            Some(value) => Ok(Some(text(value))),
            None if may_lack == Some(true) => Ok(None),
            None => Err(format!("couldn't find key {key} in {kind} {namespace}/{name}")),
        }
    }
}

/// What the downward API says of a pod.
pub(super) fn field(
    pod: &Pod,
    place: &Place,
    field: &ObjectFieldSelector,
) -> Result<String, String> {
    let path = field.field_path.as_str();
    let meta = &pod.metadata;
    let spec = pod.spec.as_ref();
    let entry = |list: &Option<BTreeMap<String, String>>, key: &str| {
        let key = key.trim_end_matches("']");
        list.as_ref().and_then(|list| list.get(key)).cloned().unwrap_or_default()
    };
    if let Some(key) = path.strip_prefix("metadata.labels['") {
        return Ok(entry(&meta.labels, key));
    }
    if let Some(key) = path.strip_prefix("metadata.annotations['") {
        return Ok(entry(&meta.annotations, key));
    }
    let value = match path {
        "metadata.name" => meta.name.clone(),
        "metadata.namespace" => meta.namespace.clone(),
        "metadata.uid" => meta.uid.clone(),
        "spec.nodeName" => spec.and_then(|spec| spec.node_name.clone()),
        "spec.serviceAccountName" => spec.and_then(|spec| spec.service_account_name.clone()),
        "status.podIP" | "status.podIPs" => Some(place.pod_ip.clone()),
        "status.hostIP" | "status.hostIPs" => Some(place.host_ip.clone()),
        _ => return Err(format!("unsupported fieldPath: {path}")),
    };
    Ok(value.unwrap_or_default())
}

/// What is in a ConfigMap or Secret.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

/// Reads a ConfigMap.
pub(super) async fn config_map(
    kubelet: &Kubelet,
    namespace: &str,
    name: &str,
) -> Result<Data, RequestError> {
    let api: Api<ConfigMap> = Api::namespaced(kubelet.client.clone(), namespace);
    let map = within(api.get(name)).await?;
    let text = map.data.unwrap_or_default().into_iter();
    let binary = map.binary_data.unwrap_or_default().into_iter();
    let binary = binary.map(|(key, ByteString(value))| (key, value));
    Ok(text.map(|(key, value)| (key, value.into_bytes())).chain(binary).collect())
}

/// Reads a Secret.
pub(super) async fn secret_data(
    kubelet: &Kubelet,
    namespace: &str,
    name: &str,
) -> Result<Data, RequestError> {
    let api: Api<Secret> = Api::namespaced(kubelet.client.clone(), namespace);
    let secret = within(api.get(name)).await?;
    let data = secret.data.unwrap_or_default().into_iter();
    Ok(data.map(|(key, ByteString(value))| (key, value)).collect())
}

/// What does not exist is nothing where it may lack.
pub(super) fn optional(
    data: Result<Data, RequestError>,
    may_lack: Option<bool>,
) -> Result<Option<Data>, String> {
    match data {
        Ok(data) => Ok(Some(data)),
        Err(error) if error.is_not_found() && may_lack == Some(true) => Ok(None),
        Err(error) => Err(singular(&error.message())),
    }
}

/// The server says `configmaps "x" not found`, a kubelet `configmap "x" not found`.
fn singular(message: &str) -> String {
    let message = message.replacen("configmaps \"", "configmap \"", 1);
    message.replacen("secrets \"", "secret \"", 1)
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
