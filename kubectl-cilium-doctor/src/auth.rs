//! `auth`: what the user may read, and which rules stay unknown without the rest.

use std::{collections::BTreeSet, io::Write as _};

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, OutputFormat, Printer, Table, format,
    live::{self, Live},
    terminal,
};
use kcilium_cluster::permissions::{self, Permission};
use kcilium_core::{
    diagnosis::{Selection, diagnose},
    facts::{Facts, Unavailable},
    rules::Code,
};
use serde::Serialize;

use crate::live::unreachable;

/// A cluster of which everything is known, to take facts from.
const KNOWN: &str = include_str!("../../examples/homelab-healthy.json");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    permission: String,
    role: &'static str,
    /// None where the server did not say.
    allowed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Rules that cannot judge without it.
    rules: BTreeSet<Code>,
    /// The flag that needs it; none for what is read.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
}

impl Entry {
    fn is_missing(&self) -> bool {
        self.allowed != Some(true)
    }
}

/// What is asked after, and which flag needs it.
fn asked() -> Vec<(Permission, Option<&'static str>)> {
    let of = |permissions: &[Permission], flag| {
        permissions.iter().map(|it| (*it, flag)).collect::<Vec<_>>()
    };
    let reading = of(permissions::ALL, None);
    let probing = of(permissions::PROBER, Some("--probe"));
    [reading, probing, of(permissions::ALLOWER, Some("--allow-policy"))].concat()
}

/// Asks the API server, and prints what it says.
pub(crate) fn run(
    live: &Live,
    kubernetes: &KubernetesFlags,
    output: OutputFormat,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let connection = kubernetes.connection()?;
    let home = live.namespace.as_deref().unwrap_or("kube-system");
    let asked = asked();
    let wanted: Vec<Permission> = asked.iter().map(|(permission, _)| *permission).collect();
    let answers = kcilium_cli::interrupt::block_on(async {
        let api = live::connect(&connection, live, kubernetes).await?;
        let answers = permissions::review(&api, &wanted, home).await;
        Ok::<_, Failure>(answers)
    })??;
    if let Some(Err(error)) = answers
        .iter()
        .find(|answer| answer.as_ref().is_err_and(kcilium_cluster::ApiError::concerns_all_requests))
    {
        return Err(unreachable(error.clone(), &connection));
    }
    let known: Facts = serde_json::from_str(KNOWN).map_err(anyhow::Error::from)?;
    let judged = unknown_rules(&known);
    let entries: Vec<Entry> = asked
        .iter()
        .zip(answers)
        .map(|((permission, flag), answer)| Entry {
            permission: permission.in_words(home),
            role: permission.role.name(),
            allowed: answer.as_ref().ok().map(|answer| answer.allowed),
            reason: match answer {
                Ok(answer) => Some(answer.reason).filter(|reason| !reason.is_empty()),
                Err(error) => Some(error.to_string()),
            },
            rules: match flag {
                None => &unknown_without(&known, permission) - &judged,
                Some(_) => BTreeSet::new(),
            },
            flag: *flag,
        })
        .collect();
    print(&entries, output, printer)?;
    // Nobody has to probe.
    let lacks = entries.iter().any(|entry| entry.is_missing() && entry.flag.is_none());
    Ok(if lacks { Exit::Findings } else { Exit::Fine })
}

fn unknown_without(known: &Facts, permission: &Permission) -> BTreeSet<Code> {
    let mut facts = known.clone();
    (permission.remove)(&mut facts, &Unavailable::forbidden("", "forbidden"));
    unknown_rules(&facts)
}

fn unknown_rules(facts: &Facts) -> BTreeSet<Code> {
    let diagnosis = diagnose(facts, &Selection::default());
    let unknown = diagnosis.results.iter().filter(|result| !result.judgement.unknowns().is_empty());
    unknown.map(|result| result.rule.code).collect()
}

fn print(entries: &[Entry], output: OutputFormat, printer: &mut Printer) -> Result<(), Failure> {
    match output {
        OutputFormat::Json => format::write_json(printer, &entries)?,
        OutputFormat::Yaml => format::write_yaml(printer, &entries)?,
        OutputFormat::Short => {
            for entry in entries.iter().filter(|entry| entry.is_missing()) {
                writeln!(printer, "{}", entry.permission)?;
            }
        }
        OutputFormat::Text | OutputFormat::Wide => print_table(entries, printer)?,
    }
    Ok(())
}

fn print_table(entries: &[Entry], printer: &mut Printer) -> Result<(), Failure> {
    let mut table = Table::new(["allowed", "permission", "unknown without"]);
    for entry in entries {
        let allowed = match entry.allowed {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        let rules: Vec<String> = entry.rules.iter().map(ToString::to_string).collect();
        let without =
            entry.flag.map_or_else(|| rules.join(" "), |flag| format!("what {flag} finds"));
        table.row([allowed.to_owned(), entry.permission.clone(), without]);
    }
    write!(printer, "{}", table.render(terminal::width()))?;
    let missing: BTreeSet<&str> = entries
        .iter()
        .filter(|entry| entry.is_missing() && entry.flag.is_none())
        .map(|entry| entry.role)
        .collect();
    let probing: BTreeSet<&str> =
        entries.iter().filter(|entry| entry.is_missing()).filter_map(|entry| entry.flag).collect();
    if missing.is_empty() {
        writeln!(printer, "\nYou may read all that the doctor asks for.")?;
    } else {
        let roles: Vec<&str> = missing.into_iter().collect();
        writeln!(
            printer,
            "\ndocs/rbac.yaml grants what is missing, in the roles: {}",
            roles.join(", ")
        )?;
    }
    if !probing.is_empty() {
        let flags: Vec<&str> = probing.into_iter().collect();
        writeln!(printer, "The role kcilium-prober is for {}.", flags.join(" and "))?;
    }
    Ok(())
}
