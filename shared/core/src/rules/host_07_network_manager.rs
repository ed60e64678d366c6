use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{HostService, Link, NetworkManager},
    view::{NodeView, View, listing},
};

rule! {
    /// ## What it checks
    /// Whether NetworkManager runs on a host and manages devices of Cilium (`cilium_*`, `lxc*`), as it
    /// writes down below `/run/NetworkManager/devices`. By itself it leaves veth devices alone, so that
    /// `unmanaged-devices` need not be set where nothing is amiss; a tunnel's device that it counts as
    /// its own is no more than a hint. The host's own files tell it, so it
    /// is judged with `--local`.
    ///
    /// ## Why it hurts
    /// What NetworkManager manages it configures: it may take away addresses and routes of a device, or
    /// set it down, when a connection profile fits it, when it is started again, or when somebody clicks.
    ///
    /// ## Fix
    /// Name these devices in `unmanaged-devices`, and reload it.
    ///
    /// ## References
    /// - NetworkManager.conf(5): unmanaged-devices
    /// - RKE2 documentation, "Known Issues and Limitations", "NetworkManager"
    "HOST-07", Warn, State, "NetworkManager manages devices of Cilium", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        if !premise::runs_service(node, HostService::NetworkManager, out) {
            continue;
        }
        let what = "NetworkManager's files";
        let Some(told) = premise::of_host(node, |host| &host.network_manager, what, out) else {
            continue;
        };
        let links = match node.facts.links.get() {
            Ok(links) => links,
            Err(why) => {
                out.missing_on(node.name(), "devices", why);
                continue;
            }
        };
        let own: Vec<&Link> = links.iter().filter(|link| is_cilium_s(link)).collect();
        if told.devices.is_empty() && !own.is_empty() {
            let why = "NetworkManager wrote nothing down about any";
            out.unknown_on(node.name(), "managed devices", why);
            continue;
        }
        let is_managed =
            |link: &&&Link| told.devices.iter().any(|it| it.managed && it.index == link.index);
        let managed: Vec<&Link> = own.iter().filter(is_managed).copied().collect();
        if !managed.is_empty() {
            out.found(finding(node, told, &managed));
        }
    }
}

/// `lxcbr0` of LXC is a bridge; a device of Cilium is never one.
fn is_cilium_s(link: &Link) -> bool {
    link.kind.as_deref() != Some("bridge") && link.name.leads_into_cilium()
}

fn finding(node: &NodeView<'_>, told: &NetworkManager, managed: &[&Link]) -> Finding {
    const FILE: &str = "/etc/NetworkManager/conf.d/99-cilium.conf";
    let unmanaged = match &told.unmanaged[..] {
        [] => "unmanaged-devices is not set".to_owned(),
        specs => format!("unmanaged-devices is {}", listing(specs)),
    };
    // It leaves veth devices alone unless somebody tells it otherwise; of others it merely notes that
    // somebody set them up.
    let is_told = managed.iter().any(|link| link.kind.as_deref() == Some("veth"));
    let (severity, impact) = if is_told {
        (Severity::Warn, "it may take their addresses and routes, or set them down")
    } else {
        (Severity::Info, "it leaves devices alone that others set up, until a profile fits them")
    };
    let names: Vec<String> = managed.iter().map(|link| link.name.to_string()).collect();
    Finding::about(RULE.code, severity, "NetworkManager")
        .on(node.name())
        .saying(format!("NetworkManager manages {}", listing(&names)), impact)
        .seen(format!("/run/NetworkManager/devices of {}", node.name()), "managed=true")
        .seen(format!("NetworkManager.conf of {}", node.name()), unmanaged)
        .mended_by(Remedy::text("have it leave the devices of Cilium alone").with_commands([
            format!("# on {}", node.name()),
            format!(
                "printf '%s\\n' '[keyfile]' \
                 'unmanaged-devices+=interface-name:cilium*;interface-name:lxc*' >{FILE}"
            ),
            "nmcli general reload".to_owned(),
        ]))
}
