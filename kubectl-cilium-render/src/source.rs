//! The cluster that values are detected from: a live one, or what was kept of one.

use kcilium_cli::{
    Failure, KubernetesFlags, facts_path, interrupt, live,
    progress::{Spinner, Visibility},
};
use kcilium_cluster::{
    collect::{self, Releases},
    kubeconfig::{Connection, Origin},
};
use kcilium_core::{
    chart::ChartVersion,
    facts::{Component, Facts, Unavailable, UnavailableKind},
};

use crate::{
    args::Render,
    detect::{self, Detected, Kubeconfig, Subject},
    layers::Map,
};

/// A cluster, as far as it is known.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) facts: Facts,
    pub(crate) kubeconfig: Kubeconfig,
    /// How to reach it; none where it was not reached.
    pub(crate) connection: Option<Connection>,
}

/// Reads what the command line asks for; nothing with `--no-detect`, and nothing to rewrite the
/// user's own values.
///
/// # Errors
/// When there is no such cluster, file or folder, or it says nothing.
pub fn read(args: &Render, kubernetes: &KubernetesFlags) -> Result<Option<Cluster>, Failure> {
    if args.detection.no_detect || args.migrate {
        return Ok(None);
    }
    let Some(path) = &args.detection.from else {
        return from_cluster(args, kubernetes)
            .map(Some)
            .map_err(|failure| failure.hint("without a cluster: add --no-detect, or --from FILE"));
    };
    let facts = facts_path::read(path, Visibility::OnTerminal)?;
    let origin = facts.origin.cluster.clone().unwrap_or_default();
    let kubeconfig = Kubeconfig {
        context: origin.context,
        cluster: origin.cluster,
        server: Some(origin.server).filter(|server| !server.is_empty()),
    };
    Ok(Some(Cluster { facts, kubeconfig, connection: None }))
}

fn from_cluster(args: &Render, kubernetes: &KubernetesFlags) -> Result<Cluster, Failure> {
    let connection = kubernetes.connection()?;
    // Helm keeps releases in Secrets, which not everybody may read: only if there is a question.
    let is_asked = args.chart_version.is_none() && args.chart_directory.is_none();
    let releases = if is_asked || args.diff { Releases::Read } else { Releases::Leave };
    let _spinner = Spinner::start("asking the API server", Visibility::OnTerminal);
    let facts = interrupt::block_on(async {
        let api = live::connect(&connection, &args.live, kubernetes).await?;
        let namespace = args.live.namespace.as_deref();
        collect::surroundings(&api, namespace, releases)
            .await
            .map_err(|error| live::unreachable(error, &connection))
    })??;
    if let Some(why) = silence(&facts) {
        let error = anyhow::anyhow!("{why}");
        let context = format!("the API server {} answers no request", connection.server);
        return Err(Failure::could_not_run(error.context(context)));
    }
    let kubeconfig = match connection.origin {
        // In a pod the server is a Service's address, and the cluster's name is our own word.
        Origin::ServiceAccount => Kubeconfig::default(),
        Origin::Files(_) | Origin::Flags => Kubeconfig {
            context: connection.context.clone(),
            cluster: connection.cluster.clone(),
            server: Some(connection.server.to_string()),
        },
    };
    Ok(Cluster { facts, kubeconfig, connection: Some(connection) })
}

/// Why nothing was read at all, where each request failed for itself.
fn silence(facts: &Facts) -> Option<&Unavailable> {
    let cluster = &facts.cluster;
    let answers = [
        cluster.version.get().err(),
        cluster.nodes.get().err(),
        cluster.daemon_sets.get().err(),
        cluster.api_servers.get().err(),
    ];
    let failures = answers.into_iter().flatten().filter(|it| it.kind == UnavailableKind::Failed);
    (failures.count() == answers.len()).then_some(answers[0]).flatten()
}

impl Cluster {
    /// Detects values for a version of the chart.
    pub(crate) fn detect(&self, version: &ChartVersion, given: &Map) -> Detected {
        let Self { facts, kubeconfig, .. } = self;
        detect::detect(&Subject { facts, kubeconfig, version, given })
    }

    /// The version of the chart that the running Cilium comes from, and what says so.
    pub(crate) fn chart_version(&self) -> Option<(ChartVersion, String)> {
        let cluster = &self.facts.cluster;
        let releases = cluster.releases.items();
        let deployed = releases.iter().find(|release| release.status == "deployed");
        let of_release = deployed.or(releases.first()).and_then(|release| {
            // RKE2 counts its own charts: theirs say Cilium's version as that of the application.
            let version = match release.chart.as_str() {
                "cilium" => &release.chart_version,
                _ => &release.app_version,
            };
            let source = format!("the release {} in {}", release.name, release.namespace);
            Some((version.parse().ok()?, source))
        });
        let of_agent = || {
            let agent = cluster.workloads(Component::Agent).next()?;
            let version = agent.container("cilium-agent")?.version()?;
            let source = format!("the agents of DaemonSet {}/{}", agent.namespace, agent.name);
            Some((version.to_string().parse().ok()?, source))
        };
        let of_config = || {
            let config = cluster.config.known()?;
            let version = config.version.as_ref()?.to_string();
            Some((version.parse().ok()?, format!("the agents that read {}", config.origin)))
        };
        of_release.or_else(of_agent).or_else(of_config)
    }
}
