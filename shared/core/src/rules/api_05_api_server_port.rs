use super::{Finding, Judgement, Remedy, Severity, api_server, premise, rule};
use crate::{
    facts::{ApiServer, CiliumConfig},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the port of the API server is one, and the host is no URL and has no port of its own.
    /// With `k8sServiceHost: auto`, whether the URL in kube-public/cluster-info has a port, which
    /// the chart takes apart at its colons.
    ///
    /// ## Why it hurts
    /// No agent starts: without a port they think that they do not run in a cluster, and a host with
    /// a scheme or a port in it is no host.
    ///
    /// ## Fix
    /// Host and port, each in its own value.
    ///
    /// ## References
    /// - Cilium Helm chart: `k8sServiceHost` and `k8sServicePort` in `templates/_helpers.tpl`
    /// - Kubernetes source: `rest.InClusterConfig`
    "API-05", Block, Configuration, "a port of the API server that is none", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let Some(server) = &config.api_server else {
        out.not_applicable("agents are given no address (API-01)");
        return;
    };
    if server.host == "auto" {
        judge_auto(view, config, server, out);
        return;
    }
    if server.port.parse::<u16>().ok().is_none_or(|port| port == 0) {
        let what = match server.port.as_str() {
            "" => "has no port".to_owned(),
            port => format!("has the port `{port}`"),
        };
        out.found(finding(view, config, server, "k8sServicePort").saying(
            format!("the API server that agents are given {what}"),
            "no agent starts: they need a number from 1 to 65535",
        ));
    }
    let host = server.host.as_str();
    // An IPv6 address has colons, and no brackets here.
    let has_port = host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err();
    if has_port || host.contains(['/', '[', ' ']) {
        out.found(finding(view, config, server, "k8sServiceHost").saying(
            format!("`{host}` is no host: it has a scheme, a port or brackets"),
            "no agent starts: they find no host of this name",
        ));
    }
}

/// Charts from 1.16 on split the URL at each colon, and take the second and the third part.
fn judge_auto(view: &View<'_>, config: &CiliumConfig, server: &ApiServer, out: &mut Judgement) {
    let values = view.chart_values().filter(|it| it.version().is_at_least((1, 16, 0)));
    if values.is_none() || view.proposal().is_none() {
        out.not_applicable("what the chart makes of `auto` is VAL-04's");
        return;
    }
    let info = match view.facts.cluster.cluster_info.get() {
        Ok(info) => info,
        Err(why) => {
            out.missing("URL in kube-public/cluster-info", why);
            return;
        }
    };
    if info.server.matches(':').count() != 2 {
        out.found(
            finding(view, config, server, "k8sServiceHost")
                .saying(
                    format!("the chart cannot take `{}` apart", info.server),
                    "no agent starts: what they are given is no host and port",
                )
                .seen("ConfigMap kube-public/cluster-info", info.server.clone()),
        );
    }
}

fn finding(view: &View<'_>, config: &CiliumConfig, server: &ApiServer, subject: &str) -> Finding {
    Finding::about(RULE.code, Severity::Block, subject)
        .seen(config.origin.clone(), format!("host `{}`, port `{}`", server.host, server.port))
        .mended_by(
            Remedy::text("give host and port, each in its own value")
                .with_values(api_server::values(view)),
        )
}
