use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{ForeignSetting, HostService, LinkName, Networkd, Route, RouteProtocol, TableId},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// On a host with an agent, whether systemd-networkd runs and is left to take away routes and
    /// policy rules that it did not make: `ManageForeignRoutes` and `ManageForeignRoutingPolicyRules`
    /// are yes unless `networkd.conf` or one of its drop-ins says no. The host's own files tell it, so
    /// it is judged with `--local`.
    ///
    /// ## Why it hurts
    /// When networkd starts again, or a link comes back, it removes what others put there. Agents until
    /// 1.13 lose their routes and rules to it, and the node its pods, until the agent is restarted.
    /// Newer ones mark theirs as the kernel's, which networkd passes over; where all routes of Cilium's
    /// devices are marked so, this is no more than a hint.
    ///
    /// ## Fix
    /// A drop-in that says no to both, and a restart of networkd. Then restart the agent, once.
    ///
    /// ## References
    /// - networkd.conf(5): ManageForeignRoutes, ManageForeignRoutingPolicyRules
    /// - cilium/cilium issue 18706; systemd/systemd issue 41350
    "HOST-06", Error, State, "systemd-networkd takes away routes of others", judge
}

/// The first version that marks its routes as the kernel's.
const MARKS_ROUTES: (u64, u64) = (1, 14);

const LOST: &str =
    "pods of this node lose their network when networkd starts again or a link comes back";

const FOLDER: &str = "/etc/systemd/networkd.conf.d";

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        if !premise::runs_service(node, HostService::Networkd, out) {
            continue;
        }
        let networkd = premise::of_host(node, |host| &host.networkd, "networkd.conf", out);
        let Some(networkd) = networkd else { continue };
        if !premise::runs_agent(view, node, out) {
            continue;
        }
        if networkd.routes.takes_away() || networkd.rules.takes_away() {
            out.found(finding(view, node, networkd));
        }
    }
}

fn finding(view: &View<'_>, node: &NodeView<'_>, networkd: &Networkd) -> Finding {
    let version = view.config().and_then(|config| config.version.as_ref());
    let is_old = version.is_some_and(|version| (version.major, version.minor) < MARKS_ROUTES);
    let (severity, impact) = match are_marked(node) {
        _ if is_old => (Severity::Error, LOST),
        Some(false) => (Severity::Error, LOST),
        Some(true) => (
            Severity::Info,
            "Cilium's routes are marked as the kernel's, which networkd passes over; what else keeps \
             routes or rules here may lose them",
        ),
        None => (Severity::Warn, "agents until 1.13 lose their routes when networkd starts again"),
    };
    Finding::about(RULE.code, severity, "systemd-networkd")
        .on(node.name())
        .saying("systemd-networkd is left to take away routes and rules that it did not make", impact)
        .seen(format!("processes of {}", node.name()), "systemd-networkd runs")
        .seen(
            format!("networkd.conf of {}", node.name()),
            format!(
                "ManageForeignRoutes {}, ManageForeignRoutingPolicyRules {}",
                told(&networkd.routes),
                told(&networkd.rules)
            ),
        )
        .mended_by(Remedy::text("tell networkd to leave them alone").with_commands([
            format!("# on {}", node.name()),
            format!("mkdir -p {FOLDER}"),
            format!(
                "printf '%s\\n' '[Network]' ManageForeignRoutes=no ManageForeignRoutingPolicyRules=no >{FOLDER}/99-foreign.conf"
            ),
            "systemctl restart systemd-networkd".to_owned(),
            "# then".to_owned(),
            super::restart_agent(view.namespace(), node.name()),
        ]))
}

/// Whether all routes through Cilium's devices are marked as the kernel's; none where there are none.
fn are_marked(node: &NodeView<'_>) -> Option<bool> {
    let is_ciliums = |route: &&Route| {
        // What comes with an address is the kernel's own.
        route.table == TableId::MAIN
            && route.next_hops.iter().flat_map(|hop| &hop.link).any(LinkName::is_cilium_device)
    };
    let routes = node.facts.routes.items().iter().filter(is_ciliums);
    routes.map(|route| route.protocol == RouteProtocol::KERNEL).reduce(|all, one| all && one)
}

fn told(setting: &ForeignSetting) -> String {
    match (setting.manages, &setting.file) {
        (Some(true), Some(file)) => format!("is yes ({file})"),
        (Some(false), Some(file)) => format!("is no ({file})"),
        _ => "is not set, which means yes".to_owned(),
    }
}
