//! Commands to paste. Every name in them is [quoted].

pub(crate) use crate::shell::quoted;

use crate::facts::{LinkName, NodeName, Route, RouteKind, TableId};

/// `ip route del …`, for the table the route is in.
pub(crate) fn delete_route(route: &Route) -> String {
    let kind = match route.kind {
        RouteKind::Unicast => String::new(),
        other => format!("{other} "),
    };
    let link = route.links().next().map(|link| format!(" dev {}", quoted(link.as_str())));
    let table = match route.table {
        TableId::MAIN => String::new(),
        other => format!(" table {other}"),
    };
    format!("ip route del {kind}{}{}{table}", route.destination, link.unwrap_or_default())
}

/// `ip link del …` for each of Cilium's own devices. Pods' devices go with their pods; and of the
/// pair `cilium_host` and `cilium_net`, each takes the other along.
pub(crate) fn delete_cilium_links<'a>(links: impl Iterator<Item = &'a LinkName>) -> Vec<String> {
    let mut names: Vec<&str> =
        links.filter(|link| link.is_cilium_device()).map(LinkName::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let has_host = names.contains(&"cilium_host");
    names.retain(|name| !(has_host && *name == "cilium_net"));
    names.into_iter().map(|name| format!("ip link del {}", quoted(name))).collect()
}

/// Restarts the agent of one node.
pub(crate) fn restart_agent(namespace: &str, node: &NodeName) -> String {
    format!(
        "kubectl -n {} delete pod -l k8s-app=cilium --field-selector {}",
        quoted(namespace),
        quoted(&format!("spec.nodeName={node}"))
    )
}

/// Asks the cluster which agents there are.
pub(crate) const LIST_AGENTS: &str = "kubectl get pods -A -l k8s-app=cilium -o wide";
