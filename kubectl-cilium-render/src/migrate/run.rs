//! `--migrate`: the given values, printed or written anew.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use kcilium_cli::{Exit, Failure, Printer, Style, format, remark::remark};

use super::{Change, Outcome, WriteError, migrate, rewrite};
use kcilium_core::chart::ChartVersion;

use crate::{
    args::{Format, Render},
    emit,
    given::Given,
    layers::{Map, yaml},
};

/// Prints the given values, or writes them to their files, with old spellings rewritten. What has
/// no replacement stays, and is a finding.
///
/// # Errors
/// What cannot be written.
pub fn run(
    args: &Render,
    version: &ChartVersion,
    given: Given,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let mut remarks = anstream::stderr();
    let (changes, exit) = if args.write {
        write(args, version, &given, &mut remarks)?
    } else {
        print(args, version, given, printer, &mut remarks)?
    };
    if changes == 0 {
        let text = format!("nothing is spelled in a way that is old for chart {version}");
        remark(&mut remarks, Style::Info, "note:", &text)?;
    }
    Ok(exit)
}

fn print(
    args: &Render,
    version: &ChartVersion,
    Given { mut values, files, .. }: Given,
    printer: &mut Printer,
    remarks: &mut impl Write,
) -> Result<(usize, Exit), Failure> {
    let changes = migrate(&mut values, version);
    match (args.output, &files[..]) {
        (Format::Json, _) => format::write_json(printer, &values)?,
        (Format::Yaml, [file]) => {
            let kept = emit::keep_comments(file, &values);
            if let Err(error) = &kept {
                let text = format!("comments and order are lost: {error}");
                remark(remarks, Style::Warn, "warning:", &text)?;
            }
            let text = kept.unwrap_or_else(|_| emit::to_yaml(&values));
            printer.write_all(text.as_bytes())?;
        }
        (Format::Yaml, _) => printer.write_all(emit::to_yaml(&values).as_bytes())?,
    }
    if args.compat {
        writeln!(printer)?;
    }
    Ok((changes.len(), say(&changes, remarks)?))
}

/// Each file on its own: together they mean what they meant.
fn write(
    args: &Render,
    version: &ChartVersion,
    given: &Given,
    remarks: &mut impl Write,
) -> Result<(usize, Exit), Failure> {
    let paths = &args.values.files;
    if paths.is_empty() {
        return Err(Failure::usage("--write needs a values file").hint("give it with -f FILE"));
    }
    if paths.iter().any(|path| path == "-") {
        let hint = "leave --write out to have the migrated values printed";
        return Err(Failure::usage("standard input cannot be changed").hint(hint));
    }
    // What cannot be written anew is found before the first file is changed.
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut plans = Vec::new();
    for (path, old) in paths.iter().zip(&given.files) {
        if seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            plans.push((path, old, plan(path, old, version)?));
        }
    }
    let (mut count, mut exit) = (0, Exit::Fine);
    for (path, old, (changes, new)) in plans {
        let outcome = say(&changes, remarks)?;
        exit = if outcome == Exit::Fine { exit } else { outcome };
        count += changes.len();
        if changes.iter().all(|change| change.outcome == Outcome::Left) {
            continue;
        }
        let done = rewrite(path, old, new.as_bytes()).map_err(failure)?;
        let (file, backup) = (done.file.display(), done.backup.display());
        let text = format!("{file} is changed; what it was is in {backup}");
        remark(remarks, Style::Info, "note:", &text)?;
    }
    Ok((count, exit))
}

fn plan(path: &Path, old: &[u8], version: &ChartVersion) -> Result<(Vec<Change>, String), Failure> {
    let name = path.display().to_string();
    let mut values: Map = yaml::read(&name, old).map_err(Failure::could_not_run)?.values;
    let changes = migrate(&mut values, version);
    let new = emit::keep_comments(old, &values).map_err(|error| {
        Failure::could_not_run(WriteError::Text { path: path.to_owned(), source: error })
            .hint("leave --write out to have the migrated values printed without comments")
    })?;
    Ok((changes, new))
}

fn say(changes: &[Change], remarks: &mut impl Write) -> io::Result<Exit> {
    let mut exit = Exit::Fine;
    for change in changes {
        let (style, label) = match change.outcome {
            Outcome::Rewritten { .. } => (Style::Info, "changed:"),
            Outcome::Left => (Style::Warn, "left:"),
        };
        if change.outcome == Outcome::Left {
            exit = Exit::Findings;
        }
        remark(remarks, style, label, &change.to_string())?;
    }
    Ok(exit)
}

fn failure(error: WriteError) -> Failure {
    let failure = Failure::could_not_run(error);
    failure.hint("leave --write out to have the migrated values printed")
}
