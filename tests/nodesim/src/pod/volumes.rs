//! The volumes of a pod, and what a container mounts of them.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::{
    Container, HostPathVolumeSource, KeyToPath, Pod, Volume, VolumeMount,
};

use super::{
    downward,
    environment::{Data, Variable, config_map, optional, secret_data},
    expansion::expand,
};
use crate::{
    kubelet::Kubelet,
    machine::{Mount, Propagation},
};

/// Where each volume lies on the node.
pub(super) type Volumes = BTreeMap<String, String>;

/// Where a kubelet keeps what is a pod's.
pub(super) fn pod_dir(uid: &str) -> String {
    format!("/var/lib/kubelet/pods/{uid}")
}

/// Sets one volume up; the error is what follows `MountVolume.SetUp failed for volume "x" : `.
pub(super) async fn set_up(
    kubelet: &Kubelet,
    pod: &Pod,
    volume: &Volume,
) -> Result<String, String> {
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let dir =
        |plugin: &str| format!("{}/volumes/kubernetes.io~{plugin}/{}", pod_dir(uid), volume.name);
    if volume.empty_dir.is_some() {
        let dir = dir("empty-dir");
        kubelet.machine.make_dir(&dir, 0o777).map_err(|error| error.to_string())?;
        Ok(dir)
    } else if let Some(host) = &volume.host_path {
        host_path(kubelet, host).await
    } else if let Some(map) = &volume.config_map {
        let data = config_map(kubelet, namespace, &map.name).await;
        let data = optional(data, map.optional)?.unwrap_or_default();
        let files = Files {
            data,
            items: map.items.as_deref(),
            mode: map.default_mode,
            optional: map.optional == Some(true),
            kind: "configmap references non-existent config key",
        };
        files.write(kubelet, dir("configmap"))
    } else if let Some(secret) = &volume.secret {
        let name = secret.secret_name.as_deref().unwrap_or_default();
        let data = secret_data(kubelet, namespace, name).await;
        let data = optional(data, secret.optional)?.unwrap_or_default();
        let files = Files {
            data,
            items: secret.items.as_deref(),
            mode: secret.default_mode,
            optional: secret.optional == Some(true),
            kind: "references non-existent secret key",
        };
        files.write(kubelet, dir("secret"))
    } else if let Some(source) = &volume.downward_api {
        downward::write(kubelet, pod, &volume.name, source)
    } else {
        Err("nodesim has no such kind of volume".to_owned())
    }
}

/// Files made of an object's keys.
struct Files<'a> {
    data: Data,
    items: Option<&'a [KeyToPath]>,
    mode: Option<i32>,
    optional: bool,
    kind: &'static str,
}

impl Files<'_> {
    fn write(self, kubelet: &Kubelet, dir: String) -> Result<String, String> {
        let io = |error: std::io::Error| error.to_string();
        kubelet.machine.make_dir(&dir, 0o777).map_err(io)?;
        let mode = |mode: Option<i32>| mode.and_then(|mode| u32::try_from(mode).ok());
        let default = mode(self.mode).unwrap_or(0o644);
        let Some(items) = self.items else {
            for (key, value) in &self.data {
                kubelet.machine.write(&format!("{dir}/{key}"), value, default).map_err(io)?;
            }
            return Ok(dir);
        };
        for item in items {
            match self.data.get(&item.key) {
                Some(value) => {
                    let mode = mode(item.mode).unwrap_or(default);
                    let path = format!("{dir}/{}", item.path);
                    kubelet.machine.write(&path, value, mode).map_err(io)?;
                }
                None if self.optional => {}
                None => return Err(format!("{}: {}", self.kind, item.key)),
            }
        }
        Ok(dir)
    }
}

/// Looks at a path from inside the node, where links lead to where they should.
const CHECK: &str = r#"
path=$1
wrong() {
    echo "hostPath type check failed: $path is not a $1"
    exit
}
case $2 in
DirectoryOrCreate) [ -e "$path" ] || mkdir -p "$path" ;;
FileOrCreate) [ -e "$path" ] || : >"$path" ;;
esac
case $2 in
Directory*) [ -d "$path" ] || wrong directory ;;
File*) [ -f "$path" ] || wrong file ;;
Socket) [ -S "$path" ] || wrong 'socket file' ;;
CharDevice) [ -c "$path" ] || wrong 'character device' ;;
BlockDevice) [ -b "$path" ] || wrong 'block device' ;;
esac
"#;

async fn host_path(kubelet: &Kubelet, host: &HostPathVolumeSource) -> Result<String, String> {
    let kind = host.type_.as_deref().unwrap_or_default();
    let checked = kubelet.machine.shell(CHECK, &[&host.path, kind]).await;
    let said = checked.map_err(|error| format!("{error:#}"))?;
    if said.is_empty() { Ok(host.path.clone()) } else { Err(said) }
}

/// What a container mounts, parents before what lies in them.
pub(super) fn mounts(
    container: &Container,
    volumes: &Volumes,
    environment: &[Variable],
    own: Vec<Mount>,
) -> Vec<Mount> {
    let wanted = container.volume_mounts.iter().flatten();
    let mut mounts: Vec<Mount> =
        wanted.filter_map(|wanted| mount(wanted, volumes, environment)).collect();
    let own = own.into_iter().filter(|own| mounts.iter().all(|m| m.target != own.target));
    let own: Vec<_> = own.collect();
    mounts.extend(own);
    mounts.sort_by_key(|mount| mount.target.split('/').filter(|part| !part.is_empty()).count());
    mounts
}

fn mount(wanted: &VolumeMount, volumes: &Volumes, environment: &[Variable]) -> Option<Mount> {
    let mut source = volumes.get(&wanted.name)?.clone();
    let expression = wanted.sub_path_expr.as_ref().map(|text| expand(text, environment));
    if let Some(path) = expression.as_ref().or(wanted.sub_path.as_ref()) {
        source = format!("{source}/{path}");
    }
    Some(Mount {
        source,
        target: format!("/{}", wanted.mount_path.trim_matches('/')),
        propagation: match wanted.mount_propagation.as_deref() {
            Some("Bidirectional") => Propagation::Bidirectional,
            Some("HostToContainer") => Propagation::HostToContainer,
            _ => Propagation::None,
        },
        read_only: wanted.read_only == Some(true),
    })
}
