use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    pods::{self, Group, Trouble},
    rule,
};
use crate::{facts::Component, view::View};

rule! {
    /// ## What it checks
    /// Pods of the cluster's DNS that crash or are not ready, by what they said before they ended:
    /// a forwarding loop, an API server that does not answer, upstream servers that do not.
    ///
    /// ## Why it hurts
    /// Where no pod of the DNS is ready, no pod resolves a name.
    ///
    /// ## Fix
    /// Loop: CoreDNS forwards to the node's `/etc/resolv.conf`, which names a server on the node
    /// itself; give the kubelet a `resolvConf` with the real servers. No API server: see who serves
    /// 10.96.0.1 and its like. No upstream: see how packets for it leave the node (RT-01).
    ///
    /// ## References
    /// - CoreDNS documentation, plugin "loop"
    "POD-08", Error, State, "the cluster's DNS is not ready", judge
}

/// What CoreDNS suffers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Loop,
    ApiServer,
    Upstream,
    Crash,
    NotReady,
}

/// Words that tell a reason.
const TELLING: [(Reason, &[&str]); 3] = [
    (Reason::Loop, &["plugin/loop", "Loop ("]),
    (Reason::ApiServer, &[":443: i/o timeout", ":443: connect:", "plugin/kubernetes"]),
    (Reason::Upstream, &[":53: i/o timeout"]),
];

impl Reason {
    /// The reason, and what tells it.
    fn of<'a>(trouble: &Trouble<'_>, last_words: &[&'a str]) -> Option<(Self, &'a str)> {
        let is_crashing = match &*trouble.row.status {
            "CrashLoopBackOff" | "Error" => true,
            "Running" => false,
            _ => return None,
        };
        let said = |words: &[&str]| last_words.iter().find_map(|text| pods::telling(text, words));
        let told = TELLING.iter().find_map(|(reason, words)| Some((*reason, said(words)?)));
        Some(told.unwrap_or_else(|| {
            let reason = if is_crashing { Self::Crash } else { Self::NotReady };
            (reason, last_words.first().copied().unwrap_or_default())
        }))
    }

    fn summary(self) -> &'static str {
        match self {
            Self::Loop => "forwards to itself and gives up",
            Self::ApiServer => "does not reach the API server",
            Self::Upstream => "gets no answer from its upstream servers",
            Self::Crash => "crashes again and again",
            Self::NotReady => "runs, and is not ready",
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::ApiServer => "API server",
            Self::Upstream => "upstream servers",
            Self::Crash => "crash loop",
            Self::NotReady => "not ready",
        }
    }
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let groups = pods::groups(troubles, |trouble| {
        if trouble.component() != Component::CoreDns {
            return None;
        }
        let words = pods::last_words(view, trouble);
        Reason::of(trouble, &words)
    });
    for (reason, group) in groups {
        out.found(finding(view, reason, &group));
    }
}

fn finding(view: &View<'_>, reason: Reason, group: &Group<'_>) -> Finding {
    let mut evidence = group.evidence();
    let mut severity = Severity::Warn;
    if let Some(endpoints) = view.facts.cluster.dns_endpoints.known() {
        let ready = endpoints.iter().filter(|endpoint| endpoint.ready).count();
        evidence.push(Evidence::new("endpoints of kube-dns", format!("{ready} ready")));
        if ready == 0 {
            severity = Severity::Error;
        }
    }
    let remedy = match reason {
        Reason::Loop => Remedy::text(
            "give the kubelets the real servers: `resolvConf: /run/systemd/resolve/resolv.conf` in their \
             configuration; then restart the pods",
        ),
        Reason::ApiServer => Remedy::text(
            "find out who serves the API server's Service on that node: kube-proxy, or Cilium in its place",
        ),
        Reason::Upstream => Remedy::text(
            "see how packets for the upstream servers leave the node: `dev cilium_…` is RT-01",
        ),
        Reason::Crash | Reason::NotReady => Remedy::text("read what it says"),
    };
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: reason.subject().into(),
        nodes: group.nodes(),
        summary: format!(
            "the cluster's DNS {} ({})",
            reason.summary(),
            group.sentence("of it", "of it")
        ),
        evidence,
        impact: match severity {
            Severity::Error => "no pod resolves a name".into(),
            _ => "fewer pods answer for the cluster's DNS".into(),
        },
        remedy: remedy.with_commands(group.commands("logs --tail=20").into_iter().take(1)),
    }
}
