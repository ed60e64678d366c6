//! The cluster of a kubeconfig.

use kcilium_cli::{Failure, KubernetesFlags, live, progress::Spinner};
use kcilium_cluster::{
    ApiError,
    collect::{self, NodeChoice, Wish},
    kubeconfig::Connection,
};
use kcilium_core::facts::{ClusterOrigin, Facts, NodeName};

use crate::args::Source;

/// Reads the cluster.
pub(crate) fn read(
    source: &Source,
    kubernetes: &KubernetesFlags,
    spinner: &Spinner,
) -> Result<Facts, Failure> {
    let connection = kubernetes.connection().map_err(|failure| {
        failure.hint("without a cluster: --local looks at this host, --from FILE at a snapshot")
    })?;
    let wish = Wish {
        namespace: source.live.namespace.clone(),
        nodes: node_choice(&source.nodes)?,
        node_selector: source.node_selector.clone(),
    };
    kcilium_cli::interrupt::block_on(async {
        let api = live::connect(&connection, &source.live, kubernetes).await?;
        let progress = |text: String| spinner.set_message(text);
        let collected = collect::collect(&api, &wish, &progress)
            .await
            .map_err(|error| unreachable(error, &connection))?;
        let mut facts = collected.facts;
        facts.origin.cluster = Some(ClusterOrigin {
            context: connection.context.clone(),
            cluster: connection.cluster.clone(),
            server: connection.server.to_string(),
            nodes: collected.sample.all,
            nodes_chosen: collected.sample.chosen,
        });
        Ok(facts)
    })?
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

/// The API server cannot be asked at all.
pub(crate) fn unreachable(error: ApiError, connection: &Connection) -> Failure {
    kcilium_cli::live::unreachable(error, connection)
        .hint("without an API server: copy this program to a node, and run it there with --local")
}
