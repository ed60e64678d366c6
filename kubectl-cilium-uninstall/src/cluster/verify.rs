//! Whether Cilium is gone from the API of a cluster.

use std::io::Write as _;

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, Printer, format, interrupt, progress::Visibility,
};
use kcilium_core::removal::{Options, Plan};
use serde::Serialize;

use super::{args::Target, connection, describe};
use crate::args::Format;

/// The document for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    clean: bool,
    left: &'a Plan,
}

/// Looks, and says what is left. Changes nothing.
pub(crate) fn run(
    target: &Target,
    output: Format,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let place = kubernetes.connection()?;
    let visibility = match output {
        Format::Json | Format::Yaml => Visibility::Never,
        Format::Text | Format::Wide => Visibility::OnTerminal,
    };
    let survey = interrupt::block_on_steps(async {
        let api = connection::connect(&place, target, kubernetes);
        let api = interrupt::or_interrupted(api).await??;
        connection::look(&api, &place, target, visibility).await
    })??;
    let left = Plan::of(&survey.inventory, Options::default());
    let clean = left.is_empty() && left.unknown.is_empty();
    let document = Document { clean, left: &left };
    match output {
        Format::Json => format::write_json(printer, &document)?,
        Format::Yaml => format::write_yaml(printer, &document)?,
        Format::Text | Format::Wide => write!(printer, "{}", describe::residue(&left))?,
    }
    Ok(connection::exit(left.is_empty(), left.unknown.is_empty()))
}
