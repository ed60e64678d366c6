//! Commands to paste. Names come from snapshots and clusters of other people: each one is quoted
//! where a shell would read more into it than a name.

use std::borrow::Cow;

use crate::facts::{LinkName, NodeName, Route, RouteKind, TableId};

/// A word as a shell reads it back.
pub(crate) fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

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

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_that_a_shell_would_take_apart_are_quoted() {
        assert_eq!(quoted("node-1.example.org"), "node-1.example.org");
        assert_eq!(quoted("a b; rm -rf ~ #"), "'a b; rm -rf ~ #'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(id)"), "'$(id)'");
        assert_eq!(quoted(""), "''");
    }
}
