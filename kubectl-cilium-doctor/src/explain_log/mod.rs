//! `explain-log FILE`: what a saved `cilium connectivity test` says.

mod junit;
mod lines;
mod text;

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::Path,
};

use anyhow::Context as _;
use kcilium_cli::{Exit, Failure, OutputFormat, Printer, control, format, terminal};
use kcilium_core::connectivity_log::{LogVerdict, Tally, explain};
use serde::Serialize;

/// Version of the document's form, `MAJOR.MINOR`; a minor version only adds fields.
const SCHEMA_VERSION: &str = "1.0";

/// The answer, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: &'static str,
    kind: &'static str,
    /// Actions that had to succeed and did not.
    failed: u64,
    /// Actions that had to succeed and did.
    passed: u64,
    log: &'a Tally,
    verdicts: &'a [LogVerdict],
}

/// Explains a log.
pub(crate) fn run(
    file: &Path,
    output: OutputFormat,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let name =
        if file == Path::new("-") { "standard input".into() } else { file.display().to_string() };
    let tally = read(file, &name)?;
    if !tally.has_read_anything() {
        return Err(Failure::could_not_run(anyhow::anyhow!(
            "{name}: no line of it is from `cilium connectivity test`"
        ))
        .hint("save one with `cilium connectivity test 2>&1 | tee connectivity.log`"));
    }
    let verdicts = explain(&tally);
    match output {
        OutputFormat::Json => format::write_json(printer, &document(&tally, &verdicts))?,
        OutputFormat::Yaml => format::write_yaml(printer, &document(&tally, &verdicts))?,
        OutputFormat::Short => {
            for LogVerdict { cause, confidence, title, .. } in &verdicts {
                writeln!(printer, "{cause} {confidence} {}", control::escape_line(title))?;
            }
        }
        OutputFormat::Text | OutputFormat::Wide => {
            text::write(&tally, &verdicts, terminal::width(), printer)?;
        }
    }
    Ok(exit(&tally, &verdicts))
}

fn document<'a>(tally: &'a Tally, verdicts: &'a [LogVerdict]) -> Document<'a> {
    Document {
        schema_version: SCHEMA_VERSION,
        kind: "ConnectivityLog",
        failed: tally.failed(),
        passed: tally.passed(),
        log: tally,
        verdicts,
    }
}

/// A log that ends early, with nothing against it so far, proves nothing.
fn exit(tally: &Tally, verdicts: &[LogVerdict]) -> Exit {
    if !verdicts.is_empty() {
        Exit::Findings
    } else if tally.report.is_none() {
        Exit::CouldNotRun
    } else {
        Exit::Fine
    }
}

fn read(file: &Path, name: &str) -> Result<Tally, Failure> {
    let cannot_read = || format!("cannot read {name}");
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file).with_context(cannot_read)?)
    };
    let mut lines = lines::Lines::new(source);
    if let Some(unreadable) = lines.unreadable().with_context(cannot_read)? {
        return Err(Failure::could_not_run(anyhow::anyhow!("{name}: {}", unreadable.what()))
            .hint(unreadable.hint()));
    }
    let mut tally = Tally::default();
    if lines.is_xml() {
        junit::read(lines.into_source(), &mut tally)
            .with_context(|| format!("{name} cannot be read as JUnit XML"))?;
        return Ok(tally.finish());
    }
    while let Some(line) = lines.next().with_context(cannot_read)? {
        tally.push(&line);
    }
    Ok(tally.finish())
}
