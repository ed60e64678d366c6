use super::{
    Basis, Finding, Judgement, Remedy, Severity,
    command::LIST_AGENTS,
    pods::{self, Group, Trouble, says},
    rule,
};
use crate::{facts::Condition, view::View};

rule! {
    /// ## What it checks
    /// Pods that get no network: what the kubelet says about sandboxes that it could not make, and
    /// pods that hang in ContainerCreating without any word. Full ranges are POD-05's, plugins that
    /// are not there CNI-06's, sandbox images POD-01's.
    ///
    /// ## Why it hurts
    /// Such a pod never starts. Where nothing at all is said, the CNI plugin waits for an agent that
    /// does not answer: after Cilium was uninstalled, its CNI file still names it.
    ///
    /// ## Fix
    /// Bring the agent of that node back (AG-02, AG-03), or remove the CNI file of a Cilium that is
    /// gone. Messages of other plugins mean that their files still come first (CNI-04).
    ///
    /// ## References
    /// - cilium/cilium issue 27715
    "POD-03", Error, State, "pods get no network", judge
}

/// Seconds in which a kubelet makes any sandbox, or says why not.
const PATIENCE: i64 = 40;

/// Why there is no sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Agent,
    OtherPlugin,
    NoConfiguration,
    RateLimit,
    ApiServer,
    Unknown,
    Silent,
}

/// Words of cilium-cni, of other plugins and of runtimes.
const TABLE: [(Reason, &[&str]); 5] = [
    (
        Reason::OtherPlugin,
        &[
            "/var/lib/calico/nodename",
            "/run/flannel/subnet.env",
            "plugin type=\"calico\"",
            "plugin type=\"flannel\"",
            "plugin type=\"weave-net\"",
            "error getting ClusterInformation",
        ],
    ),
    (
        Reason::RateLimit,
        &["putEndpointIdTooManyRequests", "429 Too Many", "[429]", "putEndpointId"],
    ),
    (
        Reason::Agent,
        &[
            "unable to connect to Cilium",
            "unable to create cilium agent client",
            "failed to create cilium agent client",
            "cilium.sock",
            "Cilium API client timeout exceeded",
            "Is the agent running?",
        ],
    ),
    (
        Reason::NoConfiguration,
        &[
            "cni plugin not initialized",
            "cni config uninitialized",
            "no networks found in",
            "no valid networks found",
        ],
    ),
    (
        Reason::ApiServer,
        &[":443: i/o timeout", ":443: connect:", ":6443: i/o timeout", ":6443: connect:"],
    ),
];

impl Reason {
    fn of(message: &str) -> Self {
        let row = TABLE.iter().find(|(_, words)| says(message, words));
        row.map_or(Self::Unknown, |(reason, _)| *reason)
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Agent => "agent does not answer",
            Self::OtherPlugin => "another CNI plugin",
            Self::NoConfiguration => "no CNI configuration",
            Self::RateLimit => "rate limit of the agent",
            Self::ApiServer => "API server does not answer",
            Self::Unknown => "unknown messages",
            Self::Silent => "no message",
        }
    }

    fn summary(self) -> &'static str {
        match self {
            Self::Agent => "Cilium's agent does not answer on the node",
            Self::OtherPlugin => "the runtime asks another CNI plugin than Cilium",
            Self::NoConfiguration => "the runtime finds no CNI configuration",
            Self::RateLimit => "the agent takes no more requests for now",
            Self::ApiServer => "the CNI plugin cannot reach the API server",
            Self::Unknown => "for a reason that is not known here",
            Self::Silent => "ContainerCreating for long, and no event says why",
        }
    }

    fn remedy(self) -> Remedy {
        match self {
            Self::Agent | Self::Silent => Remedy::text(
                "see whether the agent of that node runs; where Cilium is gone for good, move its CNI file away",
            )
            .with_commands([LIST_AGENTS]),
            Self::OtherPlugin => Remedy::text(
                "move the other plugin's file out of /etc/cni/net.d on these nodes; Cilium does so by itself with \
                 cni.exclusive",
            )
            .with_values("cni:\n  exclusive: true"),
            Self::NoConfiguration => Remedy::text(
                "agents write the file once they are ready (CNI-02); see also which folder the runtime reads",
            )
            .with_commands([LIST_AGENTS]),
            Self::RateLimit => Remedy::text(
                "wait: kubelets try again. If it lasts, the agent is too slow for the pods that start at once",
            ),
            Self::ApiServer => Remedy::text(
                "find out why Services are not served on that node: kube-proxy, or Cilium in its place",
            ),
            Self::Unknown => Remedy::text("read what the kubelet says"),
        }
    }
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let events_are_known = view.facts.cluster.events.known().is_some();
    let groups = pods::groups(troubles, |trouble| match trouble.sandbox_failure() {
        Some(message) if is_of_other_rules(message) => None,
        Some(message) => Some((Reason::of(message), message)),
        None => {
            (events_are_known && hangs_in_silence(view, trouble)).then_some((Reason::Silent, ""))
        }
    });
    for (reason, group) in groups {
        out.found(finding(reason, &group));
    }
}

fn is_of_other_rules(message: &str) -> bool {
    says(message, &["sandbox image", "failed to find plugin"])
        || super::pod_05_range_full::is_full(message)
}

/// Without a sandbox a pod has no address; one that has a sandbox waits for its image, for long
/// perhaps. Pods on the host's network need no CNI plugin.
fn hangs_in_silence(view: &View<'_>, trouble: &Trouble<'_>) -> bool {
    let Some(detail) = trouble.detail else { return false };
    let is_warned = trouble.events.iter().any(|event| event.kind != "Normal");
    let has_sandbox = |it: &Condition| it.kind == "PodReadyToStartContainers" && it.holds();
    trouble.waits_for_sandbox()
        && !is_warned
        && !detail.host_network
        && detail.addresses.is_empty()
        && !detail.conditions.iter().any(has_sandbox)
        && view.seconds_since(detail.started.as_deref()).is_some_and(|age| age >= PATIENCE)
}

fn finding(reason: Reason, group: &Group<'_>) -> Finding {
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: reason.subject().into(),
        nodes: group.nodes(),
        summary: format!(
            "{}: {}",
            group.sentence("gets no network", "get no network"),
            reason.summary()
        ),
        evidence: group.evidence(),
        impact: "these pods never start".into(),
        remedy: reason.remedy(),
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn messages_of_plugins_are_told_apart() {
        let cases = [
            (
                "plugin type=\"cilium-cni\" failed (add): unable to connect to Cilium daemon: failed to create cilium agent client after 30.000000 seconds timeout: Get \"http:///var/run/cilium/cilium.sock/v1/config\": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory",
                Reason::Agent,
            ),
            (
                "stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running",
                Reason::OtherPlugin,
            ),
            ("open /run/flannel/subnet.env: no such file or directory", Reason::OtherPlugin),
            (
                "unable to create endpoint: [PUT /endpoint/{id}][429] putEndpointIdTooManyRequests",
                Reason::RateLimit,
            ),
            ("network is not ready: cni plugin not initialized", Reason::NoConfiguration),
            (
                "Get \"https://10.96.0.1:443/api/v1/nodes\": dial tcp 10.96.0.1:443: i/o timeout",
                Reason::ApiServer,
            ),
            ("cannot allocate memory", Reason::Unknown),
        ];
        for (message, reason) in cases {
            assert_eq!(Reason::of(message), reason, "{message}");
        }
    }
}
