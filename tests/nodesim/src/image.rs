//! Images: what is in them, and which of them a node has.

use std::{collections::BTreeMap, fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use k8s_openapi::api::core::v1::ContainerImage;

/// What an image lays over the userland of the machine that runs the tests.
///
/// Every image has that userland, so there is a shell in every container.
#[derive(Clone, Debug, Default)]
pub struct Image {
    pub(crate) files: BTreeMap<String, (Vec<u8>, u32)>,
    pub(crate) command: Vec<String>,
    pub(crate) runs: Runs,
}

/// What runs in a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Runs {
    /// What the pod or the image says.
    #[default]
    AsAsked,
    /// Something that does nothing in its stead: for ever, or in an init container not at all.
    StandIn,
}

impl Image {
    /// An image with nothing of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file at that absolute path.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), (content.into(), 0o644));
        self
    }

    /// Adds a program at that absolute path.
    #[must_use]
    pub fn program(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), (content.into(), 0o755));
        self
    }

    /// Adds all files below a directory, which stands for the image's root.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn directory(mut self, root: &Path) -> io::Result<Self> {
        self.add(root, "")?;
        Ok(self)
    }

    fn add(&mut self, directory: &Path, below: &str) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let path = format!("{below}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.add(&entry.path(), &path)?;
            } else {
                let mode = entry.metadata()?.permissions().mode() & 0o777;
                self.files.insert(path, (fs::read(entry.path())?, mode));
            }
        }
        Ok(())
    }

    /// Runs nothing of what pods ask for: their containers stay idle, and their init containers end
    /// at once. For programs that cannot be had here, and into whose containers one can exec still. The
    /// shell is there: `sh -c` of pods that run once (`restartPolicy: Never`) is run.
    #[must_use]
    pub fn stand_in(mut self) -> Self {
        self.runs = Runs::StandIn;
        self
    }

    /// Sets what runs in containers that have no command: an `ENTRYPOINT`.
    #[must_use]
    pub fn command(mut self, command: &[&str]) -> Self {
        self.command = command.iter().map(|word| (*word).to_owned()).collect();
        self
    }
}

/// Images by name.
///
/// Whether a *node* has an image is for its `status.images` to say; this is what is in it then.
/// An image that is in the node's list and not here has nothing but the userland.
#[derive(Clone, Debug, Default)]
pub struct Images(pub(crate) BTreeMap<String, Image>);

impl Images {
    /// No images.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an image under a name such as `quay.io/cilium/cilium:v1.14.2`.
    #[must_use]
    pub fn with(mut self, name: &str, image: Image) -> Self {
        self.0.insert(Reference::parse(name).to_string(), image);
        self
    }
}

/// The name of an image in full: what containerd makes of the short ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// `docker.io`, `quay.io`, `localhost:5000` …
    pub(crate) registry: String,
    /// `library/busybox`
    pub(crate) repository: String,
    /// `:latest` or `@sha256:…`; the digest wins where a name has both.
    suffix: String,
}

impl Reference {
    pub(crate) fn parse(name: &str) -> Self {
        let (path, digest) = match name.split_once('@') {
            Some((path, digest)) => (path, Some(digest)),
            None => (name, None),
        };
        // A colon before a slash is a port's.
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (path, "latest"),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, rest.to_owned())
            }
            Some(_) => ("docker.io", path.to_owned()),
            None => ("docker.io", format!("library/{path}")),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let suffix = digest.map_or_else(|| format!(":{tag}"), |digest| format!("@{digest}"));
        Self { registry: registry.to_owned(), repository, suffix }
    }

    /// Where the registry's server is.
    pub(crate) fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// The tag or digest, as the registry's API has it in its paths.
    pub(crate) fn version(&self) -> &str {
        &self.suffix[1..]
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}{}", self.registry, self.repository, self.suffix)
    }
}

/// An image that is present on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Present {
    /// All its names, in full.
    pub(crate) names: Vec<String>,
    /// The name with the digest, which a container's status shows.
    pub(crate) id: String,
}

/// Looks an image up in a node's `status.images`.
pub(crate) fn find(images: &[ContainerImage], name: &str) -> Option<Present> {
    let wanted = Reference::parse(name).to_string();
    images.iter().find_map(|image| {
        let listed = image.names.as_deref().unwrap_or_default();
        let names: Vec<_> = listed.iter().map(|n| Reference::parse(n).to_string()).collect();
        let id = names.iter().find(|name| name.contains('@')).unwrap_or(&wanted).clone();
        names.contains(&wanted).then_some(Present { names, id })
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ContainerImage;

    use super::{Reference, find};

    #[test]
    fn short_names_get_long() {
        for (short, long) in [
            ("busybox", "docker.io/library/busybox:latest"),
            ("cilium/cilium:v1", "docker.io/cilium/cilium:v1"),
            ("quay.io/cilium/cilium", "quay.io/cilium/cilium:latest"),
            ("localhost:5000/a", "localhost:5000/a:latest"),
            ("quay.io/a/b:v1@sha256:12", "quay.io/a/b@sha256:12"),
        ] {
            assert_eq!(Reference::parse(short).to_string(), long);
        }
    }

    #[test]
    fn every_name_of_an_image_finds_it() {
        let names = ["docker.io/library/a@sha256:1", "docker.io/library/a:v1"].map(str::to_owned);
        let image = ContainerImage { names: Some(names.into()), size_bytes: None };
        for name in ["a:v1", "docker.io/library/a:v1", "a@sha256:1", "a:v2@sha256:1"] {
            let present = find(std::slice::from_ref(&image), name).unwrap();
            assert_eq!(present.id, "docker.io/library/a@sha256:1");
        }
        assert_eq!(find(&[image], "a:v2"), None);
    }
}
