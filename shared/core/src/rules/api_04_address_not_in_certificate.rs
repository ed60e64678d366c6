use std::net::IpAddr;

use super::{Finding, Judgement, Remedy, Severity, api_server, premise, rule};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Whether the certificate of the API server that answered is for the address that agents are
    /// given. Only a certificate of the cluster's own authority counts, and only one that is also
    /// for `kubernetes.default.svc`: others are of gateways that stand before the server.
    ///
    /// ## Why it hurts
    /// Agents look for the address in the certificate, and refuse the server where it is not:
    /// `x509: certificate is valid for …, not …`. None of them starts.
    ///
    /// ## Fix
    /// Give an address that is in the certificate, or have the certificate made again with the
    /// address: with kubeadm, `certSANs` and `kubeadm init phase certs apiserver`.
    ///
    /// `kubectl cilium-render --verify-endpoint` looks at what is shown at the address itself.
    ///
    /// ## References
    /// - Kubernetes documentation, "PKI certificates and requirements"
    "API-04", Warn, Configuration, "an API server address that its certificate does not name", judge
}

/// In the certificate of every API server that kubeadm, k3s, RKE2 and Talos set up.
const SERVICE: &str = "kubernetes.default.svc";

/// Names that are quoted.
const SHOWN: usize = 12;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let Some(server) = api_server::written(config, out) else { return };
    if api_server::is_loopback(&server.host) || api_server::is_reached(view, config) {
        return;
    }
    let certificate = match view.facts.cluster.server_certificate.get() {
        Ok(certificate) if certificate.is_for(SERVICE) => certificate,
        Ok(_) => {
            out.not_applicable("what answered is no API server's own certificate");
            return;
        }
        Err(why) => {
            out.missing("certificate of the API server", why);
            return;
        }
    };
    if certificate.is_for(&server.host) {
        return;
    }
    if is_another_server(view, &server.host) {
        out.unknown(
            format!("certificate at {}", server.host),
            "each server of the control plane has its own, and another one answered",
        );
        return;
    }
    let names = certificate.names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>();
    out.found(
        Finding::about(RULE.code, Severity::Warn, "k8sServiceHost")
            .saying(
                format!("the API server's certificate is not for {}", server.host),
                "agents refuse the server at that address, and none of them starts",
            )
            .seen("certificate of the API server", format!("for {}", names.join(", ")))
            .mended_by(
                Remedy::text(
                    "give an address that is in the certificate; or have it made again with this \
                     one (`certSANs` of kubeadm's ClusterConfiguration)",
                )
                .with_values(api_server::values(view)),
            ),
    );
}

/// Whether the address is that of a server which need not be the one that answered.
fn is_another_server(view: &View<'_>, host: &str) -> bool {
    let Ok(address) = host.parse::<IpAddr>() else { return false };
    view.is_node_address(address) || view.facts.cluster.api_servers.items().contains(&address)
}
