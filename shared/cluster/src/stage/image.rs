//! Which image a pod gets: one that the node has already, with a shell and gzip in it. Nothing is
//! pulled, because pulling is what often fails where this is needed.

use k8s_openapi::api::core::v1::{ContainerImage, Pod};

/// The agents' container.
const AGENT: &str = "cilium-agent";

/// Repositories, without their registry, whose images have `sh`, `cat`, `chmod` and `gzip`: Cilium's
/// own (Ubuntu, or Alpine), and what many clusters have of Alpine, Debian and busybox.
const KNOWN: [&str; 14] = [
    "cilium/cilium",
    "cilium/cilium-ci",
    "cilium/startup-script",
    "library/alpine",
    "library/busybox",
    "library/debian",
    "library/nginx",
    "library/ubuntu",
    "flannel/flannel",
    "ingress-nginx/controller",
    "nicolaka/netshoot",
    "rancher/klipper-helm",
    "rancher/klipper-lb",
    "rancher/mirrored-library-busybox",
];

/// An image, and what a kubelet wants to see before it lets a pod use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name, with the digest where that is known.
    pub name: String,
    /// How it was found.
    pub source: ImageSource,
    /// Secrets of Cilium's namespace that it was pulled with. From Kubernetes 1.35 on kubelets ask
    /// for them even for images that they have.
    pub pull_secrets: Vec<String>,
}

/// How an image was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// The node's agent runs it.
    Agent,
    /// The node has it, and its repository is known.
    Known,
    /// The user named it.
    Named,
}

/// Chooses an image for a node: its agent's, else a known one that it has, else the one that the user
/// named.
pub(super) fn choose(
    agent: Option<&Pod>,
    cached: &[ContainerImage],
    named: Option<&str>,
) -> Option<Image> {
    let plain = |name: &str, source| Image { name: name.to_owned(), source, pull_secrets: vec![] };
    agent
        .and_then(of_agent)
        .or_else(|| known(cached).map(|name| plain(name, ImageSource::Known)))
        .or_else(|| named.map(|name| plain(name, ImageSource::Named)))
}

fn of_agent(pod: &Pod) -> Option<Image> {
    let spec = pod.spec.as_ref()?;
    let container = spec.containers.iter().find(|container| container.name == AGENT)?;
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref());
    let status = statuses.unwrap_or_default().iter().find(|status| status.name == AGENT);
    // A bare `sha256:…` is what an image has that was loaded and not pulled; kubelets do not find it
    // by that. `docker-pullable://` is dockershim's.
    let digest = status
        .map(|status| status.image_id.trim_start_matches("docker-pullable://"))
        .filter(|id| id.contains('@'));
    let secrets = spec.image_pull_secrets.iter().flatten();
    Some(Image {
        name: digest.or(container.image.as_deref())?.to_owned(),
        source: ImageSource::Agent,
        pull_secrets: secrets.map(|secret| secret.name.clone()).collect(),
    })
}

/// The name of a known image, by digest if it has one; Cilium's before others.
fn known(cached: &[ContainerImage]) -> Option<&str> {
    KNOWN.iter().find_map(|known| {
        cached.iter().find_map(|image| {
            let names = image.names.as_deref()?;
            let fits = names.iter().any(|name| repository(name) == *known);
            let digest = names.iter().find(|name| name.contains('@'));
            digest.or(names.first()).filter(|_| fits).map(String::as_str)
        })
    })
}

/// `cilium/cilium` of `quay.io/cilium/cilium:v1@sha256:…`.
fn repository(name: &str) -> &str {
    let path = name.split('@').next().unwrap_or_default();
    // A colon before a slash is a port's.
    let path = match path.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => path,
        _ => path,
    };
    match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ContainerImage, Pod};
    use serde_json::json;

    use super::{ImageSource, choose, repository};

    fn agent(id: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "cilium-x"},
            "spec": {
                "containers": [{"name": "cilium-agent", "image": "mirror:5000/cilium/cilium:v1"}],
                "imagePullSecrets": [{"name": "mirror"}],
            },
            "status": {"containerStatuses": [{
                "name": "cilium-agent", "image": "x", "imageID": id, "ready": true,
                "restartCount": 0,
            }]},
        }))
        .unwrap()
    }

    fn cached(names: &[&[&str]]) -> Vec<ContainerImage> {
        let image = |names: &&[&str]| ContainerImage {
            names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            size_bytes: None,
        };
        names.iter().map(image).collect()
    }

    #[test]
    fn the_agents_image_comes_first_and_by_digest() {
        for id in ["mirror:5000/a@sha256:1", "docker-pullable://mirror:5000/a@sha256:1"] {
            let image = choose(Some(&agent(id)), &cached(&[&["busybox:1"]]), None).unwrap();
            assert_eq!(image.name, "mirror:5000/a@sha256:1");
            assert_eq!(image.pull_secrets, ["mirror"]);
        }
        let loaded = choose(Some(&agent("sha256:1")), &[], None).unwrap();
        assert_eq!(loaded.name, "mirror:5000/cilium/cilium:v1");
    }

    #[test]
    fn else_one_that_is_known_else_the_one_that_is_named() {
        let images = cached(&[
            &["registry.k8s.io/pause:3.9"],
            &["docker.io/library/busybox@sha256:2", "docker.io/library/busybox:1"],
            &["quay.io/cilium/cilium@sha256:3", "quay.io/cilium/cilium:v1"],
        ]);
        let chosen = |images| choose(None, images, Some("mine:1")).unwrap();
        assert_eq!(chosen(&images).name, "quay.io/cilium/cilium@sha256:3");
        assert_eq!(chosen(&images[..2]).name, "docker.io/library/busybox@sha256:2");
        let named = chosen(&images[..1]);
        assert_eq!((&*named.name, named.source), ("mine:1", ImageSource::Named));
        assert_eq!(choose(None, &images[..1], None), None);
    }

    #[test]
    fn repositories_are_compared_without_their_registry() {
        for name in ["quay.io/a/b:v1", "localhost:5000/a/b@sha256:1", "a/b:v1", "localhost/a/b"] {
            assert_eq!(repository(name), "a/b", "{name}");
        }
        assert_eq!(repository("quay.io/cilium/operator-generic:v1"), "cilium/operator-generic");
    }
}
