use super::{Finding, Judgement, Remedy, Severity, host_routing, premise, rule};
use crate::{
    facts::LinkName,
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// On nodes where an agent runs, whether the kernel checks the way back strictly
    /// (`rp_filter=1`) on pods' devices or on Cilium's own. The larger value of `all` and the device
    /// counts. With a route for each pod (`endpointRoutes.enabled`) pods' devices are the way back,
    /// and where BPF routes beside the host's stack nothing is checked. The hosts' own devices are
    /// RT-08's.
    ///
    /// ## Why it hurts
    /// The way back to a pod leads to `cilium_host`, not to the pod's device: what the pod sends
    /// through the host's stack is dropped without a word. systemd sets the value from 245 on; agents
    /// set it back at their start, and what runs later (`sysctl --system`, an update) sets it again.
    ///
    /// ## Fix
    /// Set it to 0 on these devices, in a file of `/etc/sysctl.d` that comes last. Cilium writes
    /// `99-zzz-override_cilium.conf`; see that it is there.
    ///
    /// ## References
    /// - Linux documentation, ip-sysctl: rp_filter
    /// - cilium/cilium issues 10645, 20072
    "HOST-05", Error, State, "the kernel drops packets of pods by their way back", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        if !premise::runs_agent(view, node, out) {
            continue;
        }
        let kernel = node.facts.kernel.known().and_then(host_routing::numbers);
        let config = view.config();
        let bypasses = config.and_then(|config| host_routing::bypasses_netfilter(config, kernel));
        if bypasses == Some(true) {
            continue;
        }
        let links = match (node.facts.links.get(), node.facts.sysctls.get()) {
            (Ok(links), Ok(_)) => links,
            (Err(why), _) | (_, Err(why)) => {
                out.missing_on(node.name(), "rp_filter", why);
                continue;
            }
        };
        let has_routes = config.is_some_and(|config| config.endpoint_routes);
        let strict: Vec<&LinkName> = links
            .iter()
            .map(|link| &link.name)
            .filter(|link| link.leads_into_cilium())
            .filter(|link| !(has_routes && link.is_endpoint_device()))
            .filter(|link| host_routing::rp_filter(node, link) == 1)
            .collect();
        if !strict.is_empty() {
            out.found(finding(node, &strict));
        }
    }
}

fn finding(node: &NodeView<'_>, strict: &[&LinkName]) -> Finding {
    const FILE: &str = "/etc/sysctl.d/99-zzzz-rp_filter.conf";
    let names: Vec<String> = strict.iter().map(ToString::to_string).collect();
    let value = |name: &str| {
        let sysctls = node.facts.sysctls.known();
        sysctls.and_then(|all| all.get(name)).map_or("not read", |text| text.trim())
    };
    let all = value("net.ipv4.conf.all.rp_filter");
    Finding::about(RULE.code, Severity::Error, "rp_filter")
        .on(node.name())
        .saying(
            format!("{} checks the way back strictly on devices of Cilium", node.name()),
            "what pods send through the host's stack is dropped without a word",
        )
        .seen(
            format!("sysctls of {}", node.name()),
            format!(
                "rp_filter is 1 for {} (net.ipv4.conf.all.rp_filter = {all})",
                crate::view::listing(&names)
            ),
        )
        .mended_by(
            Remedy::text("set it to 0 for all and for these devices, also for those to come")
                .with_commands([
                    format!("# on {}", node.name()),
                    format!(
                        "printf '%s\\n' 'net.ipv4.conf.all.rp_filter = 0' \
                         '-net.ipv4.conf.lxc*.rp_filter = 0' \
                         '-net.ipv4.conf.cilium_*.rp_filter = 0' >{FILE}"
                    ),
                    "/usr/lib/systemd/systemd-sysctl   # or, without systemd: sysctl -p".to_owned(),
                ]),
        )
}
