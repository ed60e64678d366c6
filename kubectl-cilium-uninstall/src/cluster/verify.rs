//! Whether Cilium is gone from a cluster.

use std::io::Write as _;

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, Printer, format, interrupt,
    progress::{Spinner, Visibility},
};
use kcilium_core::{
    leftovers::PodsInUse,
    removal::{Options, Plan, Scope},
};
use serde::Serialize;

use super::{
    connection, describe,
    nodes::{self, Found, NodeState, Nodes},
};
use crate::args::{Format, Verify};

/// The document for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    clean: bool,
    left: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<Vec<NodeState<'a>>>,
}

/// Looks, and says what is left. Changes nothing.
pub(crate) fn run(
    wish: &Verify,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let place = kubernetes.connection()?;
    let visibility = match wish.output {
        Format::Json | Format::Yaml => Visibility::Never,
        Format::Text | Format::Wide => Visibility::OnTerminal,
    };
    let scope = if wish.inspect_nodes { Scope::All } else { Scope::Cluster };
    let (survey, found) = interrupt::block_on_steps(async {
        let api = connection::connect(&place, &wish.target, kubernetes);
        let api = interrupt::or_interrupted(api).await??;
        let survey = connection::look(&api, &place, &wish.target, scope, visibility).await?;
        if !wish.inspect_nodes {
            return Ok((survey, None));
        }
        let spinner = Spinner::start("planning what is put on nodes", visibility);
        let nodes = Nodes {
            api: &api,
            inventory: &survey.inventory,
            flags: &wish.agent,
            pods: PodsInUse::Leave,
            owner: place.user.as_deref().unwrap_or("unknown"),
            known: nodes::known(&api, &survey.inventory).await,
        };
        let found = nodes.look(&spinner).await?;
        Ok::<_, Failure>((survey, Some(found)))
    })??;
    let left = Plan::of(&survey.inventory, Options::default());
    let nodes = found.as_ref().map(states);
    let all = nodes.iter().flatten();
    let is_empty = left.is_empty() && all.clone().all(NodeState::is_empty);
    let is_known = left.unknown.is_empty() && all.clone().all(NodeState::is_known);
    let document = Document { clean: is_empty && is_known, left: &left, nodes };
    match wish.output {
        Format::Json => format::write_json(printer, &document)?,
        Format::Yaml => format::write_yaml(printer, &document)?,
        Format::Text | Format::Wide => {
            write!(printer, "{}", describe::residue(&left))?;
            if let Some(nodes) = &document.nodes {
                write!(printer, "{}", describe::nodes(nodes, wish.output.named()))?;
            }
        }
    }
    Ok(connection::exit(is_empty, is_known))
}

fn states(found: &Found) -> Vec<NodeState<'_>> {
    found.iter().map(|(node, found)| NodeState::of(node, found)).collect()
}
