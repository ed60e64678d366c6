//! From the command line to the printed values.

use std::io::{self, Write};

use kcilium_cli::{Exit, Failure, Printer, Style, format, terminal};

use crate::{
    args::{Format, Render},
    emit::{self, KeepError},
    explain, given,
    given::{Given, GivenError},
    keys::{Chart, ChartVersion, Nearness, known_versions},
    migrate,
    remark::{ignore_closed, remark},
};

/// Reads the values, merges and prints them.
///
/// # Errors
/// What cannot be read or written; wrong usage.
pub fn run(args: &Render, printer: &mut Printer) -> Result<Exit, Failure> {
    if !args.no_detect && !args.migrate {
        let hint = "add --no-detect to merge the given values only";
        return Err(Failure::usage("values cannot be detected yet").hint(hint));
    }
    let mut remarks = anstream::stderr();
    if args.dry_run_helm_values {
        remark(&mut remarks, Style::Info, "note:", "--dry-run-helm-values has no effect here")?;
    }
    let version = version(args);
    let chart = chart(version, &mut remarks)?;
    let Given { values, notices, files } = given::read(&args.values).map_err(failure)?;
    for notice in notices {
        remark(&mut remarks, Style::Warn, "warning:", &notice.to_string())?;
    }
    if args.migrate {
        let given = Given { values, files, ..Given::default() };
        return migrate::run(args, version, given, printer);
    }
    if args.explain {
        let text = explain::explain(&values, chart, terminal::width());
        ignore_closed(remarks.write_all(text.as_bytes()))?;
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
    Ok(Exit::Fine)
}

/// The version asked for, else the newest known.
fn version(args: &Render) -> &ChartVersion {
    let newest = known_versions().last();
    let Some(version) = args.chart_version.as_ref().or(newest) else {
        unreachable!("the table has versions")
    };
    version
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
        GivenError::Url(_) => {
            Failure::new(Exit::Usage, error).hint("fetch it, and give it as `-f -`")
        }
        GivenError::Read { .. } => Failure::could_not_run(error),
    }
}
