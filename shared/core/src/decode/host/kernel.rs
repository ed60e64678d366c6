//! How the kernel was built, and which of its modules are there.

use std::collections::BTreeSet;

use super::HostFiles;
use crate::facts::{KernelPart, PartState, Unavailable};

/// Options that some Cilium needs, with the module that each may be. Named in the documentation,
/// "System Requirements", "Linux Kernel".
pub(super) const OPTIONS: [(&str, Option<&str>); 19] = [
    ("CONFIG_BPF", None),
    ("CONFIG_BPF_SYSCALL", None),
    ("CONFIG_BPF_JIT", None),
    ("CONFIG_CGROUPS", None),
    ("CONFIG_CGROUP_BPF", None),
    ("CONFIG_FIB_RULES", None),
    ("CONFIG_NET_CLS_ACT", None),
    ("CONFIG_NET_CLS_BPF", Some("cls_bpf")),
    ("CONFIG_NET_SCH_INGRESS", Some("sch_ingress")),
    ("CONFIG_VXLAN", Some("vxlan")),
    ("CONFIG_GENEVE", Some("geneve")),
    ("CONFIG_IP_SET", Some("ip_set")),
    ("CONFIG_IP_SET_HASH_IP", Some("ip_set_hash_ip")),
    ("CONFIG_NETFILTER_XT_SET", Some("xt_set")),
    ("CONFIG_NETFILTER_XT_TARGET_TPROXY", Some("xt_TPROXY")),
    ("CONFIG_NETFILTER_XT_TARGET_CT", Some("xt_CT")),
    ("CONFIG_NETFILTER_XT_MATCH_SOCKET", Some("xt_socket")),
    ("CONFIG_WIREGUARD", Some("wireguard")),
    ("CONFIG_NET_SCH_FQ", Some("sch_fq")),
];

/// The options, as the configuration of the kernel with this release has them.
pub(super) fn parts(files: &impl HostFiles, release: &str) -> Result<Vec<KernelPart>, Unavailable> {
    // A release is a part of paths here.
    if release.is_empty() || release.contains('/') {
        return Err(Unavailable::failed("uname -r", "is no name of a kernel"));
    }
    let (file, text) = configuration(files, release)?;
    let modules = Modules::read(files, release)?;
    let part = |(option, module): (&str, Option<&str>)| {
        let state = match (value(&text, option), module) {
            (Some("y"), _) => PartState::Present,
            (Some("m"), Some(module)) => modules.state(module),
            (Some("m"), None) => PartState::Module,
            _ => PartState::LeftOut,
        };
        KernelPart { option: option.to_owned(), state, file: file.clone() }
    };
    Ok(OPTIONS.into_iter().map(part).collect())
}

/// The kernel's own copy, else the file that its package brought.
fn configuration(files: &impl HostFiles, release: &str) -> Result<(String, String), Unavailable> {
    let places = [
        "/proc/config.gz".to_owned(),
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/config"),
        format!("/usr/lib/modules/{release}/config"),
        format!("/lib/modules/{release}/build/.config"),
    ];
    for path in places {
        if let Some(text) = files.text(&path)? {
            // What is no configuration would be one without any option.
            if value(&text, "CONFIG_NET") != Some("y") {
                return Err(Unavailable::failed(path, "is no configuration of a kernel"));
            }
            return Ok((path, text));
        }
    }
    Err(Unavailable::absent(
        "configuration of the kernel",
        format!("neither /proc/config.gz nor /boot/config-{release}, nor one beside the modules"),
    ))
}

/// `CONFIG_VXLAN=m`; what is left out has a comment instead.
fn value<'a>(text: &'a str, option: &str) -> Option<&'a str> {
    let assigned = |line: &'a str| line.strip_prefix(option)?.strip_prefix('=');
    text.lines().find_map(assigned).map(str::trim)
}

/// Modules that are on the host.
#[derive(Default)]
struct Modules {
    names: BTreeSet<String>,
    /// Whether the list of files was there.
    listed: bool,
}

impl Modules {
    fn read(files: &impl HostFiles, release: &str) -> Result<Self, Unavailable> {
        let mut found = Self::default();
        let loaded = files.text("/proc/modules")?.unwrap_or_default();
        found.names.extend(loaded.lines().filter_map(|line| line.split(' ').next()).map(plain));
        for folder in ["/lib/modules", "/usr/lib/modules"] {
            let folder = format!("{folder}/{release}");
            let Some(listed) = files.text(&format!("{folder}/modules.dep"))? else { continue };
            found.listed = true;
            found.names.extend(listed.lines().filter_map(|line| line.split(':').next()).map(stem));
            let built_in = files.text(&format!("{folder}/modules.builtin"))?.unwrap_or_default();
            found.names.extend(built_in.lines().map(stem));
            break;
        }
        Ok(found)
    }

    fn state(&self, module: &str) -> PartState {
        match (self.names.contains(&plain(module)), self.listed) {
            (true, _) => PartState::Present,
            (false, true) => PartState::ModuleMissing,
            (false, false) => PartState::Module,
        }
    }
}

/// `kernel/drivers/net/vxlan/vxlan.ko.zst`.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    plain(name.split(".ko").next().unwrap_or(name))
}

/// Files may have dashes where the kernel has underscores.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}
