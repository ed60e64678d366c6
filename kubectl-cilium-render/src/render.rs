//! From the command line to the printed values.

use std::io::{self, Write};

use kcilium_cli::{Exit, Failure, KubernetesFlags, Printer, Style, control, format, terminal};
use kcilium_core::{
    chart::{Chart, ChartVersion, Nearness, known_versions},
    facts::Facts,
    rules::Severity,
};

use crate::{
    args::{Format, Render},
    emit::{self, KeepError},
    explain, given,
    given::{Given, GivenError},
    layers::{Map, merge},
    lint::{Detail, Lint},
    source::{self, Cluster},
};

/// Reads the values, merges and prints them.
///
/// # Errors
/// What cannot be read or written; wrong usage.
pub fn run(
    args: &Render,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Fine;
    let mut remarks = anstream::stderr();
    if args.dry_run_helm_values {
        remark(&mut remarks, Style::Info, "note:", "--dry-run-helm-values has no effect here")?;
    }
    let Given { mut values, notices, files } = given::read(&args.values).map_err(failure)?;
    for notice in notices {
        remark(&mut remarks, Style::Warn, "warning:", &notice.to_string())?;
    }
    let cluster = source::read(args, kubernetes)?;
    let version = version(args, cluster.as_ref(), &mut remarks)?;
    let chart = chart(&version, &mut remarks)?;
    if let Some(cluster) = &cluster {
        let detected = cluster.detect(&version, &values);
        for conflict in &detected.conflicts {
            remark(&mut remarks, Style::Warn, "warning:", &conflict.to_string())?;
        }
        for text in &detected.remarks {
            remark(&mut remarks, Style::Info, "note:", text)?;
        }
        let given = std::mem::replace(&mut values, detected.values);
        merge(&mut values, given);
        if args.detection.verify_endpoint {
            let verdict = cluster.verify(&values, detected.api_server.as_ref(), args)?;
            let (style, label) = verdict.label();
            remark(&mut remarks, style, label, &verdict.to_string())?;
            exit = verdict.exit();
        }
    }
    if args.explain {
        let text = explain::explain(&values, chart, terminal::width());
        ignore_closed(remarks.write_all(text.as_bytes()))?;
    }
    let lint = lint(args, cluster.as_ref(), &version, &values)?;
    let detail = if args.explain { Detail::All } else { Detail::Troubles };
    ignore_closed(lint.report(&values, detail, terminal::width(), &mut remarks))?;
    if args.judging.fail_on.is_reached(lint.worst(), lint.has_unknowns()) {
        exit = Exit::Findings;
    }
    if lint.worst() == Some(Severity::Block) && !args.force {
        let text = "this cannot be installed, so nothing is printed; --force prints it";
        remark(&mut remarks, Style::Error, "error:", text)?;
        return Ok(Exit::Findings);
    }
    match args.output {
        Format::Yaml if args.keep_comments => {
            let [file] = &files[..] else {
                return Err(Failure::usage("--keep-comments needs one values file"));
            };
            printer.write_all(emit::keep_comments(file, &values).map_err(kept)?.as_bytes())?;
        }
        Format::Yaml => printer.write_all(emit::to_yaml(&values).as_bytes())?,
        Format::Json => format::write_json(printer, &values)?,
    }
    if args.compat {
        writeln!(printer)?;
    }
    Ok(exit)
}

/// Asks the rules.
fn lint(
    args: &Render,
    cluster: Option<&Cluster>,
    version: &ChartVersion,
    values: &Map,
) -> Result<Lint, Failure> {
    let nothing = Facts::default();
    let facts = cluster.map_or(&nothing, |cluster| &cluster.facts);
    let namespace = args.live.namespace.as_deref();
    // Where Cilium is, else where everybody installs it.
    let namespace = namespace
        .or_else(|| facts.cluster.config.known().map(|config| config.namespace.as_str()))
        .unwrap_or("kube-system");
    Ok(Lint::new(facts, version, values, namespace, &args.judging.selection())?)
}

/// The version that is asked for, else that of the running Cilium, else the newest known.
fn version(
    args: &Render,
    cluster: Option<&Cluster>,
    remarks: &mut impl Write,
) -> io::Result<ChartVersion> {
    if let Some(version) = &args.chart_version {
        return Ok(version.clone());
    }
    if let Some((version, source)) = cluster.and_then(Cluster::chart_version) {
        let text = format!("for chart {version}, as {source}; --version asks for another");
        remark(remarks, Style::Info, "note:", &text)?;
        return Ok(version);
    }
    let Some(newest) = known_versions().last() else { unreachable!("the table has versions") };
    Ok(newest.clone())
}

/// The known chart for a version, and a warning where it is not that version's.
fn chart(version: &ChartVersion, remarks: &mut impl Write) -> io::Result<Chart> {
    let chart = Chart::of(version);
    let known = chart.version();
    let how = match chart.nearness() {
        Nearness::SameMinor => return Ok(chart),
        Nearness::Older => "is older than every chart known here",
        Nearness::Newer => "is not known here",
    };
    let text = format!("chart {version} {how}; its keys are taken to be those of {known}");
    remark(remarks, Style::Warn, "warning:", &text)?;
    Ok(chart)
}

fn remark(out: &mut impl Write, style: Style, label: &str, text: &str) -> io::Result<()> {
    let text = control::escape(text);
    ignore_closed(writeln!(out, "{} {text}", style.paint(label)))
}

/// Nobody has to read the remarks.
fn ignore_closed(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn kept(error: KeepError) -> Failure {
    Failure::could_not_run(error).hint("leave --keep-comments out")
}

fn failure(error: GivenError) -> Failure {
    match error {
        GivenError::Yaml(error) => {
            let hint = error.hint();
            let failure = Failure::could_not_run(error);
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
        GivenError::Set(error) => Failure::new(Exit::Usage, error),
        GivenError::Url(_) => {
            Failure::new(Exit::Usage, error).hint("fetch it, and give it as `-f -`")
        }
        GivenError::Read { .. } => Failure::could_not_run(error),
    }
}
