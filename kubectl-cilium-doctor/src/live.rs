//! The cluster of a kubeconfig.

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, interrupt, live, probe::Probe, progress::Spinner,
};
use kcilium_cluster::{
    ApiError,
    collect::{self, CollectError, NodeChoice, Wish},
    kubeconfig::Connection,
};
use kcilium_core::facts::{ClusterOrigin, Facts, NodeName};

use crate::{args::Source, probe};

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
    if source.probing.allow_policy && source.probing.flags.probe == Probe::Pods {
        return Err(Failure::usage(
            "--allow-policy is for pods of ours, and --probe=pods has none",
        )
        .hint("--probe creates some, for a while"));
    }
    let wish = Wish {
        namespace: source.live.namespace.clone(),
        nodes,
        node_selector: source.node_selector.clone(),
    };
    interrupt::block_on_steps(async {
        let read = async {
            let api = live::connect(&connection, &source.live, kubernetes).await?;
            let progress = |text: String| spinner.set_message(text);
            let collected = collect::collect(&api, &wish, &progress)
                .await
                .map_err(|error| failure(error, &connection))?;
            Ok::<_, Failure>((api, collected))
        };
        let (api, collected) = interrupt::or_interrupted(read).await??;
        let mut facts = collected.facts;
        facts.origin.cluster = Some(ClusterOrigin {
            context: connection.context.clone(),
            cluster: connection.cluster.clone(),
            server: connection.server.to_string(),
            nodes: collected.sample.all,
            nodes_chosen: collected.sample.chosen,
        });
        let owner = connection.user.as_deref().unwrap_or("unknown");
        probe::probe(&api, &mut facts, &wish.nodes, &source.probing, owner, spinner).await?;
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
    kcilium_cli::live::unreachable(error, connection)
        .hint("without an API server: copy this program to a node, and run it there with --local")
}
