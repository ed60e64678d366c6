//! Volumes with what a pod says of itself, which follow it when it changes.

use std::{convert::Infallible, fs, sync::Arc};

use k8s_openapi::api::core::v1::{DownwardAPIVolumeSource, Pod};

use super::{
    Latest, Worker,
    environment::{Place, field},
    volumes::pod_dir,
};
use crate::{api::Kind, kubelet::Kubelet};

/// Writes the files of one volume; returns where they lie.
pub(super) fn write(
    kubelet: &Kubelet,
    pod: &Pod,
    volume: &str,
    source: &DownwardAPIVolumeSource,
) -> Result<String, String> {
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let dir = format!("{}/volumes/kubernetes.io~downward-api/{volume}", pod_dir(uid));
    let io = |error: std::io::Error| error.to_string();
    kubelet.machine.make_dir(&dir, 0o777).map_err(io)?;
    for item in source.items.iter().flatten() {
        let Some(of) = &item.field_ref else {
            return Err("nodesim: resourceFieldRef is not supported in volumes".to_owned());
        };
        let value = field(pod, &Place::default(), of)?;
        // Nobody sees half of it.
        let (path, new) = (format!("{dir}/{}", item.path), format!("{dir}/..{}", item.path));
        kubelet.machine.write(&new, value.as_bytes(), 0o644).map_err(io)?;
        fs::rename(kubelet.machine.outside(&new), kubelet.machine.outside(&path)).map_err(io)?;
    }
    Ok(dir)
}

impl Worker {
    /// Writes these volumes anew whenever the pod changes. A kubelet does that as soon as it hears of
    /// it, because the pod is synchronised then.
    pub(super) async fn follow_itself(&self) -> Infallible {
        let mut latest = self.latest.subscribe();
        loop {
            // The sender lives as long as we do.
            let _ = latest.changed().await;
            let Latest { pod, .. } = &*latest.borrow_and_update();
            let pod = Arc::clone(pod);
            for volume in self.spec.volumes.iter().flatten() {
                if let Some(source) = &volume.downward_api
                    && let Err(error) = write(&self.kubelet, &pod, &volume.name, source)
                {
                    let text =
                        format!("MountVolume.SetUp failed for volume {:?} : {error}", volume.name);
                    self.tell(None, Kind::Warning, "FailedMount", &text);
                }
            }
        }
    }
}
