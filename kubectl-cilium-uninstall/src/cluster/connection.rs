//! From flags to a client and to what was found.

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, interrupt, live,
    progress::{Spinner, Visibility},
};
use kcilium_cluster::{
    Api,
    kubeconfig::Connection,
    removal::{Survey, survey},
};

use kcilium_core::removal::Scope;

use super::args::Target;

/// Connects.
pub(super) async fn connect(
    connection: &Connection,
    target: &Target,
    kubernetes: &KubernetesFlags,
) -> Result<Api, Failure> {
    live::connect(connection, &target.live(), kubernetes).await
}

/// Looks at the cluster, until interrupted.
pub(super) async fn look(
    api: &Api,
    connection: &Connection,
    target: &Target,
    scope: Scope,
    visibility: Visibility,
) -> Result<Survey, Failure> {
    let spinner = Spinner::start("asking the API server", visibility);
    let wish = target.wish(scope);
    let progress = |what: &str| spinner.set_message(what.to_owned());
    let found = interrupt::or_interrupted(survey(api, &wish, &progress)).await?;
    found.map_err(|error| live::unreachable(error, connection))
}

/// What tells the cluster from others: what the user has to type.
pub(super) fn name(connection: &Connection) -> String {
    connection.context.clone().unwrap_or_else(|| connection.server.to_string())
}

/// How a run ends that found something or did not see everything. What was found counts more.
pub(super) fn exit(is_empty: bool, is_known: bool) -> Exit {
    match (is_empty, is_known) {
        (false, _) => Exit::Findings,
        (true, true) => Exit::Fine,
        (true, false) => Exit::CouldNotRun,
    }
}
