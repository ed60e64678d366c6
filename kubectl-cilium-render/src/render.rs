//! From the command line to the printed values.

use std::io::{self, Write};

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, Printer, Style, control, finding, format,
    ignore_file::IgnoreFile,
    remark::{self, ignore_closed, remark},
    terminal,
};
use kcilium_core::{
    chart::{Chart, ChartVersion, Nearness, known_versions},
    diagnosis::Selection,
    facts::Facts,
    rules::{Finding, Severity, registry},
};

use crate::{
    args::{Format, Render},
    diff,
    emit::{self, Comment, KeepError},
    explain, given,
    given::{Given, GivenError},
    helm_template::{Question, Verdict},
    layers::{Map, merge},
    lint::{Detail, Lint},
    local_chart::{Held, LocalChart},
    migrate, next,
    release::{Current, Target},
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
    if args.list_versions {
        return list_versions(printer);
    }
    let mut exit = Exit::Fine;
    let mut remarks = anstream::stderr();
    for text in args.upstream.remarks()? {
        remark(&mut remarks, Style::Info, "note:", &text)?;
    }
    let Given { mut values, notices, files } = given::read(&args.values).map_err(failure)?;
    if args.keep_comments && files.len() != 1 {
        return Err(several_files());
    }
    for notice in notices {
        remark(&mut remarks, Style::Warn, "warning:", &notice.to_string())?;
    }
    let local = local_chart(args)?;
    let cluster = source::read(args, kubernetes)?;
    let version = version(args, local.as_ref(), cluster.as_ref(), &mut remarks)?;
    let chart = chart(&version, &mut remarks)?;
    let target = Target::of(args, cluster.as_ref());
    let current = Current::of(cluster.as_ref(), &target);
    if args.migrate {
        let given = Given { values, files, ..Given::default() };
        let exit = migrate::run(args, &version, given, printer)?;
        if exit == Exit::Fine {
            say_next(args, &version, &current, &target, &mut remarks)?;
        }
        return Ok(exit);
    }
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
    if args.diff {
        say_difference(&version, &current, &target, &values, &mut remarks)?;
    }
    if args.explain {
        let text = explain::explain(&values, chart, terminal::width());
        ignore_closed(remarks.write_all(text.as_bytes()))?;
    }
    let known = args.judging.ignore_file(&mut remarks)?;
    let selection = args.judging.selection(&known);
    let lint = lint(&selection, cluster.as_ref(), &version, &values, &target)?;
    let detail = if args.explain { Detail::All } else { Detail::Troubles };
    ignore_closed(lint.report(&values, detail, terminal::width(), &mut remarks))?;
    let asks_schema = selection.contains(registry::SCHEMA.code);
    let local = local.filter(|_| asks_schema);
    let held = local
        .map(|chart| Held::against(chart, &values, &selection, args.live.timeout))
        .transpose()?;
    let mut worst = lint.worst();
    let mut has_unknowns = lint.has_unknowns();
    if let Some(held) = &held {
        ignore_closed(held.report(terminal::width(), &mut remarks))?;
        worst = worst.max(held.worst());
        has_unknowns |= held.is_unknown();
    }
    say_known(&known, &lint, held.as_ref(), &mut remarks)?;
    if args.judging.fail_on.is_reached(worst, has_unknowns) {
        exit = Exit::Findings;
    }
    let mut text = Vec::new();
    print(args, &files, &values, &mut text)?;
    if args.helm_template {
        let verdict = ask_helm(args, cluster.as_ref(), &target, &text)?;
        remark(&mut remarks, verdict.style(), "helm:", &verdict.to_string())?;
        if matches!(verdict, Verdict::Refuses(_)) {
            worst = Some(Severity::Block);
        }
    }
    if worst == Some(Severity::Block) && !args.force {
        let text = "this cannot be installed, so nothing is printed; --force prints it";
        remark(&mut remarks, Style::Error, "error:", text)?;
        return Ok(Exit::Findings);
    }
    printer.write_all(&text)?;
    if worst == Some(Severity::Block) {
        exit = Exit::Findings;
    }
    if exit == Exit::Fine {
        say_next(args, &version, &current, &target, &mut remarks)?;
    }
    Ok(exit)
}

/// The versions of charts, the oldest first.
fn list_versions(printer: &mut Printer) -> Result<Exit, Failure> {
    let versions = known_versions();
    for version in versions {
        let mark = if Some(version) == versions.last() { " (default)" } else { "" };
        writeln!(printer, "{version}{mark}")?;
    }
    Ok(Exit::Fine)
}

/// Writes the values as they are printed.
fn print(
    args: &Render,
    files: &[Vec<u8>],
    values: &Map,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let comment: Comment<'_> = if args.comments { &explain::comment } else { &|_| None };
    match args.output {
        Format::Yaml if args.keep_comments => {
            let [file] = files else { return Err(several_files()) };
            let text = emit::keep_comments_and_add(file, values, comment).map_err(kept)?;
            out.write_all(text.as_bytes())?;
        }
        Format::Yaml => {
            out.write_all(emit::to_yaml_with_comments(values, comment).as_bytes())?;
        }
        Format::Json => format::write_json(out, values)?,
    }
    if args.compat {
        writeln!(out)?;
    }
    Ok(())
}

fn several_files() -> Failure {
    Failure::usage("--keep-comments needs one values file, whose comments are kept")
}

/// Asks Helm about what is printed.
fn ask_helm(
    args: &Render,
    cluster: Option<&Cluster>,
    target: &Target,
    values: &[u8],
) -> Result<Verdict, Failure> {
    let Some(chart) = &args.chart_directory else { unreachable!("the flag requires it") };
    let question = Question {
        chart,
        name: &target.name,
        namespace: &target.namespace,
        values,
        facts: cluster.map(|cluster| &cluster.facts),
        apis: &args.api_versions,
    };
    question.ask(args.live.timeout)
}

/// Counts what is not told because it is known, and names entries that are of no use any more.
fn say_known(
    file: &IgnoreFile,
    lint: &Lint,
    held: Option<&Held>,
    remarks: &mut impl Write,
) -> io::Result<()> {
    let schema = held.map_or(&[][..], |held| &held.known);
    let found: Vec<&Finding> = lint.known().chain(schema).collect();
    if let Some(text) = finding::known(found.iter().copied()) {
        remark(remarks, Style::Info, "note:", &text)?;
    }
    let asked = |code| lint.asks(code) || (held.is_some() && code == registry::SCHEMA.code);
    for text in file.unmatched(&found, asked) {
        remark(remarks, Style::Info, "note:", &text)?;
    }
    Ok(())
}

/// Asks the rules.
fn lint(
    selection: &Selection,
    cluster: Option<&Cluster>,
    version: &ChartVersion,
    values: &Map,
    target: &Target,
) -> Result<Lint, Failure> {
    let nothing = Facts::default();
    let facts = cluster.map_or(&nothing, |cluster| &cluster.facts);
    Ok(Lint::new(facts, version, values, &target.namespace, selection)?)
}

/// The chart on disk, if one is named. Another version cannot be had of it.
fn local_chart(args: &Render) -> Result<Option<LocalChart>, Failure> {
    let Some(path) = &args.chart_directory else { return Ok(None) };
    let chart = LocalChart::read(path).map_err(|error| {
        let hint = error.hint();
        Failure::could_not_run(error).hint(hint)
    })?;
    match &args.chart_version {
        Some(asked) if *asked != chart.version => {
            let (path, found) = (path.display(), &chart.version);
            let text = format!("--version is {asked}, but the chart in {path} is {found}");
            Err(Failure::usage(text).hint("leave --version out, or give another chart"))
        }
        _ => Ok(Some(chart)),
    }
}

/// The version that is asked for, else that of the chart on disk, else that of the running Cilium,
/// else the newest known.
fn version(
    args: &Render,
    local: Option<&LocalChart>,
    cluster: Option<&Cluster>,
    remarks: &mut impl Write,
) -> io::Result<ChartVersion> {
    if let Some(version) = &args.chart_version {
        return Ok(version.clone());
    }
    if let Some(chart) = local {
        return Ok(chart.version.clone());
    }
    if let Some((version, source)) = cluster.and_then(Cluster::chart_version) {
        let text = format!("for chart {version}, as {source}; --version asks for another");
        remark(remarks, Style::Info, "note:", &text)?;
        return Ok(version);
    }
    let Some(newest) = known_versions().last() else { unreachable!("the table has versions") };
    if args.migrate {
        let text = format!("for chart {newest}, the newest known; --version asks for another");
        remark(remarks, Style::Info, "note:", &text)?;
    }
    Ok(newest.clone())
}

/// The very last that is said: what to type now.
fn say_next(
    args: &Render,
    version: &ChartVersion,
    current: &Current,
    target: &Target,
    remarks: &mut impl Write,
) -> io::Result<()> {
    let files = if args.write {
        args.values.files.iter().map(|path| path.display().to_string()).collect()
    } else {
        Vec::from_iter(next::standard_output())
    };
    if let Some(text) = next::preparation(target) {
        remark(remarks, Style::Info, "note:", &text)?;
    }
    let command = next::command(current, target, version, &files);
    remark::command(remarks, Style::Ok, "next:", &command)
}

fn say_difference(
    version: &ChartVersion,
    current: &Current,
    target: &Target,
    values: &Map,
    remarks: &mut impl Write,
) -> Result<(), Failure> {
    let Target { namespace, name, .. } = target;
    let release = match current {
        Current::Installed(release) => release,
        Current::Absent => {
            let text = format!("there is no release {name} in {namespace} to compare with");
            return Ok(remark(remarks, Style::Info, "note:", &text)?);
        }
        Current::Unknown(why) => {
            let text = format!("--diff cannot compare with release {name} in {namespace}: {why}");
            return Err(Failure::could_not_run(anyhow::anyhow!(text)).hint("leave --diff out"));
        }
    };
    let (revision, chart) = (release.revision, &release.chart_version);
    let head = format!(
        "--- {name} in {namespace}, revision {revision}, chart {chart}\n\
         +++ these values, chart {version}\n"
    );
    let text = diff::diff(&release.values, values);
    let text = if text.is_empty() { "  no value differs\n".to_owned() } else { text };
    Ok(ignore_closed(write!(remarks, "{}{text}", control::escape(&head)))?)
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
        GivenError::Output(_) => Failure::new(Exit::Usage, error).hint(
            "the shell has emptied it by now if that was `>`: take the values from a copy, and let the \
             output go to another file",
        ),
        GivenError::Url(_) => {
            Failure::new(Exit::Usage, error).hint("fetch it, and give it as `-f -`")
        }
        GivenError::Read { .. } => Failure::could_not_run(error),
    }
}
