//! The cluster of a kubeconfig.

use kcilium_cli::{Exit, Failure, KubernetesFlags, progress::Spinner};
use kcilium_cluster::{
    Api, ApiError, ConnectError, Limits,
    collect::{self, CollectError, NodeChoice, Wish},
    kubeconfig::{Connection, Credential},
};
use kcilium_core::facts::{ClusterOrigin, Facts, NodeName};
use tokio::time::Instant;

use crate::args::{Live, Source};

/// Reads the cluster.
pub(crate) fn read(
    source: &Source,
    kubernetes: &KubernetesFlags,
    spinner: &Spinner,
) -> Result<Facts, Failure> {
    let connection = kubernetes.connection().map_err(|failure| {
        failure.hint("without a cluster: --local looks at this host, --from FILE at a snapshot")
    })?;
    let nodes = node_choice(&source.nodes)?;
    if matches!(nodes, NodeChoice::Named(_)) && source.node_selector.is_some() {
        return Err(Failure::usage("--nodes with names leaves --node-selector nothing to select"));
    }
    let wish = Wish {
        namespace: source.live.namespace.clone(),
        nodes,
        node_selector: source.node_selector.clone(),
    };
    kcilium_cli::interrupt::block_on(async {
        let api = connect(&connection, &source.live, kubernetes).await?;
        let progress = |text: String| spinner.set_message(text);
        let collected = collect::collect(&api, &wish, &progress)
            .await
            .map_err(|error| failure(error, &connection))?;
        let mut facts = collected.facts;
        facts.origin.cluster = Some(ClusterOrigin {
            context: connection.context.clone(),
            server: connection.server.to_string(),
            nodes: collected.sample.all,
            nodes_chosen: collected.sample.chosen,
        });
        Ok(facts)
    })?
}

/// Connects as the flags say.
pub(crate) async fn connect(
    connection: &Connection,
    live: &Live,
    kubernetes: &KubernetesFlags,
) -> Result<Api, Failure> {
    let limits = Limits {
        deadline: Instant::now() + live.timeout,
        request: kubernetes.request_timeout().unwrap_or(live.timeout),
        concurrency: usize::from(live.concurrency),
    };
    let api = Api::connect(connection, limits).await.map_err(|error| {
        let hint = match &error {
            ConnectError::Plugin(plugin) => plugin.install_hint().map(str::to_owned),
            _ => None,
        };
        let failure = Failure::could_not_run(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    if let Some(observer) = kubernetes.observer() {
        api.observe(observer);
    }
    Ok(api)
}

fn node_choice(words: &[String]) -> Result<NodeChoice, Failure> {
    match words {
        [] => Ok(NodeChoice::Sample),
        [word] if word == "all" => Ok(NodeChoice::All),
        [word] if word == "none" => Ok(NodeChoice::None),
        words if words.iter().any(|word| matches!(word.as_str(), "all" | "none" | "")) => {
            Err(Failure::usage("--nodes takes names, or `all`, or `none`"))
        }
        words => {
            Ok(NodeChoice::Named(words.iter().map(|word| NodeName::from(word.as_str())).collect()))
        }
    }
}

/// Nothing was read.
fn failure(error: CollectError, connection: &Connection) -> Failure {
    match error {
        CollectError::Api(error) => unreachable(error, connection),
        error @ CollectError::Selector { .. } => Failure::new(Exit::Usage, error)
            .hint("--node-selector takes labels such as `zone=a,!spot`"),
        error @ CollectError::NoNode { .. } => Failure::could_not_run(error)
            .hint("`kubectl get nodes --show-labels` shows which labels there are"),
    }
}

/// The API server cannot be asked at all.
pub(crate) fn unreachable(error: ApiError, connection: &Connection) -> Failure {
    let server = &connection.server;
    let hint = match &error {
        ApiError::Unauthorized { .. } => {
            Some(match (&connection.credential, &connection.certificate) {
                (Credential::None, None) => format!(
                    "the kubeconfig gives user {} no credentials",
                    connection
                        .user
                        .as_deref()
                        .map_or_else(|| "(none)".into(), |user| format!("\"{user}\""))
                ),
                _ => "a token or certificate that has run out looks like this; log in again".into(),
            })
        }
        ApiError::Certificate { .. } => Some(
            "the kubeconfig may be of another cluster, or something answers in the server's place"
                .into(),
        ),
        _ => None,
    };
    let failure = Failure::new(
        Exit::CouldNotRun,
        anyhow::Error::new(error)
            .context(format!("cannot ask the API server {server}{}", named(connection))),
    );
    let failure = match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    };
    failure
        .hint("without an API server: copy this program to a node, and run it there with --local")
}

fn named(connection: &Connection) -> String {
    connection.context.as_ref().map_or_else(String::new, |context| format!(" (context {context})"))
}
