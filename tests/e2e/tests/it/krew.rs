//! krew's rules for manifests, as its validator and the reviewers of its index have them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A plugin, as krew's index describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Manifest {
    api_version: String,
    kind: String,
    metadata: Metadata,
    pub(crate) spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Spec {
    pub(crate) version: String,
    homepage: String,
    short_description: String,
    description: String,
    #[serde(default)]
    caveats: String,
    pub(crate) platforms: Vec<Platform>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Platform {
    selector: Selector,
    pub(crate) uri: String,
    pub(crate) sha256: String,
    pub(crate) bin: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Selector {
    match_labels: BTreeMap<String, String>,
}

/// Systems that krew installs on.
const PLATFORMS: [(&str, &[&str]); 3] = [
    ("windows", &["386", "amd64", "arm64"]),
    ("linux", &["386", "amd64", "arm", "arm64", "ppc64le"]),
    ("darwin", &["386", "amd64", "arm64"]),
];

impl Manifest {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    /// What krew or a reviewer would refuse, for a manifest in the file `NAME.yaml`.
    pub(crate) fn faults(&self, name: &str) -> Vec<String> {
        let spec = &self.spec;
        let mut faults = Vec::new();
        let mut require = |holds: bool, fault: &str| {
            if !holds {
                faults.push(fault.to_owned());
            }
        };
        require(self.api_version == "krew.googlecontainertools.github.com/v1alpha2", "apiVersion");
        require(self.kind == "Plugin", "kind");
        let is_safe = |name: &str| {
            !name.is_empty()
                && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '-' || it == '_')
        };
        require(is_safe(&self.metadata.name), "the name has characters that are not safe");
        require(self.metadata.name == name, "the name is not the file's");
        require(!name.starts_with("kube"), "the name says kube");
        let version = spec.version.strip_prefix('v');
        require(
            version.is_some_and(|version| semver::Version::parse(version).is_ok()),
            "the version is no semantic version with a v",
        );
        require(spec.homepage.starts_with("https://"), "homepage");
        let short = &spec.short_description;
        require(!short.is_empty() && !short.contains('\n'), "shortDescription is not one line");
        require(short.chars().count() <= 50, "shortDescription is longer than 50 characters");
        let redundant = ["kubectl", "plugin", "kubernetes"];
        let said = short.to_lowercase();
        require(
            !redundant.iter().any(|word| said.contains(word)),
            "shortDescription says what all plugins are",
        );
        let prose = |text: &str| text.lines().all(|line| line.chars().count() <= 80);
        require(!spec.description.is_empty(), "description");
        require(prose(&spec.description), "the description is wider than 80 columns");
        require(prose(&spec.caveats), "the caveats are wider than 80 columns");
        let shows_usage = |line: &str| line.contains(" --") || line.trim().starts_with("kubectl ");
        require(!spec.description.lines().any(shows_usage), "the description has usage examples");
        require(
            spec.description.contains("not affiliated with the Cilium project"),
            "the description does not say that it is unofficial",
        );
        require(!spec.platforms.is_empty(), "platforms");
        faults.extend(spec.platforms.iter().flat_map(Platform::faults));
        let mut selected: Vec<_> =
            spec.platforms.iter().map(|it| &it.selector.match_labels).collect();
        selected.sort();
        if selected.windows(2).any(|pair| pair[0] == pair[1]) {
            faults.push("two platforms match the same system".into());
        }
        faults
    }
}

impl Platform {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let labels = &self.selector.match_labels;
        let label = |name: &str| labels.get(name).map_or("", String::as_str);
        let is_known = PLATFORMS.iter().any(|(os, architectures)| {
            label("os") == *os && architectures.contains(&label("arch"))
        });
        if !is_known || labels.len() != 2 {
            faults.push(format!("no system matches {labels:?}"));
        }
        let is_archive = [".tar.gz", ".zip"].iter().any(|end| self.uri.ends_with(end));
        if !self.uri.starts_with("https://") || !is_archive {
            faults.push(format!("krew cannot unpack {}", self.uri));
        }
        let is_digit = |it: char| it.is_ascii_digit() || ('a'..='f').contains(&it);
        if self.sha256.len() != 64 || !self.sha256.chars().all(is_digit) {
            faults.push(format!("{} is no SHA-256", self.sha256));
        }
        if self.bin.is_empty() || self.bin.contains("..") || self.bin.starts_with('/') {
            faults.push(format!("bin {} leads out of the archive", self.bin));
        }
        if (label("os") == "windows") != (self.bin.rsplit('.').next() == Some("exe")) {
            faults.push(format!("bin {} is not what the system calls programs", self.bin));
        }
        faults
    }
}

const GOOD: &str = "\
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata: {name: cilium-x}
spec:
  version: v1.2.3
  homepage: https://example.invalid/x
  shortDescription: Look at Cilium
  description: Looks; not affiliated with the Cilium project.
  platforms:
    - selector: {matchLabels: {os: linux, arch: amd64}}
      uri: https://example.invalid/x.tar.gz
      sha256: 00000000000000000000000000000000000000000000000000000000000000ff
      bin: kubectl-cilium_x
";

#[test]
fn krews_rules_find_what_breaks_them() {
    let faults = |text: &str| Manifest::read(text).unwrap().faults("cilium-x");
    assert_eq!(faults(GOOD), [""; 0]);
    let cases = [
        ("v1.2.3", "1.2.3", "the version is no semantic version with a v"),
        ("Look at Cilium", "Look at Cilium with this kubectl", "says what all plugins are"),
        (
            "Look at Cilium",
            "Look at Cilium for as long as it takes to read this line",
            "longer than 50",
        ),
        ("Looks; not", "cilium-x --local; not", "usage examples"),
        ("not affiliated", "affiliated", "unofficial"),
        ("arch: amd64", "arch: sparc", "no system matches"),
        ("arch: amd64", "arch: amd64, libc: musl", "no system matches"),
        ("x.tar.gz", "x.tar.xz", "cannot unpack"),
        ("00ff", "00FF", "no SHA-256"),
        ("kubectl-cilium_x", "../kubectl-cilium_x", "leads out"),
        ("kubectl-cilium_x", "kubectl-cilium_x.exe", "not what the system calls"),
        ("{name: cilium-x}", "{name: cilium-y}", "not the file's"),
    ];
    for (good, bad, fault) in cases {
        let found = faults(&GOOD.replace(good, bad));
        assert!(
            found.len() == 1 && found[0].contains(fault),
            "{bad}: expected {fault}, found {found:?}"
        );
    }
    let entry = &GOOD[GOOD.find("    - selector").unwrap()..];
    assert_eq!(faults(&format!("{GOOD}{entry}")), ["two platforms match the same system"]);
    assert!(Manifest::read(&GOOD.replace("bin:", "binary:")).is_err());
}
