//! Getting a container's image, which succeeds only where it is there already.

use k8s_openapi::api::core::v1::Container;
use tokio::time::sleep;

use super::{Worker, backoff::Backoff};
use crate::{
    api::Kind,
    image::{Present, Reference},
};

impl Worker {
    /// Waits, if need be for ever, until the node has the image.
    pub(super) async fn pull(&self, index: usize, wanted: &Container, path: &str) -> Present {
        let name = wanted.image.as_deref().unwrap_or_default();
        let base = self.kubelet.config.backoff;
        let mut backoff = Backoff::new(base);
        loop {
            let present = self.kubelet.image(name).await;
            match (wanted.image_pull_policy.as_deref(), present) {
                (Some("Never" | "IfNotPresent"), Some(present)) => {
                    let text = format!(
                        "Container image {name:?} already present on machine and can be accessed by the pod"
                    );
                    self.tell(Some(path), Kind::Normal, "Pulled", &text);
                    return present;
                }
                (Some("Never"), None) => {
                    let text = format!(
                        "Container image {name:?} is not present with pull policy of Never"
                    );
                    self.tell(Some(path), Kind::Warning, "ErrImageNeverPull", &text);
                    self.wait_for_image(index, path, "ErrImageNeverPull", text);
                    sleep(base).await;
                }
                _ => {
                    self.tell(
                        Some(path),
                        Kind::Normal,
                        "Pulling",
                        &format!("Pulling image {name:?}"),
                    );
                    let why = self.kubelet.config.pull_failure.message(&Reference::parse(name));
                    let text = format!("Failed to pull image {name:?}: {why}");
                    self.tell(Some(path), Kind::Warning, "Failed", &text);
                    self.wait_for_image(index, path, "ErrImagePull", why.clone());
                    // The kubelet looks again at about this time, finds that it has to wait, and
                    // says so from then on.
                    sleep(base / 10).await;
                    let text = format!("Back-off pulling image {name:?}");
                    self.tell(Some(path), Kind::Normal, "BackOff", &text);
                    let text = format!("{text}: ErrImagePull: {why}");
                    self.wait_for_image(index, path, "ImagePullBackOff", text);
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    fn wait_for_image(&self, index: usize, path: &str, reason: &str, message: String) {
        self.tell(Some(path), Kind::Warning, "Failed", &format!("Error: {reason}"));
        self.change(|state| state.slots[index].wait(reason, Some(message)));
    }
}
