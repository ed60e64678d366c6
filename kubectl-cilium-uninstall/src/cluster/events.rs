//! What is told while something is removed.

use std::{
    io::Write,
    sync::{Mutex, PoisonError},
};

use kcilium_cli::{Printer, Style, control, format, progress::Spinner};
use kcilium_cluster::removal::{Event, Outcome};
use serde::Serialize;

use super::args::PlanFormat;

/// Tells a person on standard error, and a program on standard output. That nobody listens any more
/// is no reason to stop halfway.
pub(super) struct Events<'a> {
    format: PlanFormat,
    printer: Mutex<&'a mut Printer>,
    spinner: &'a Spinner,
}

impl<'a> Events<'a> {
    pub(super) fn new(format: PlanFormat, printer: &'a mut Printer, spinner: &'a Spinner) -> Self {
        Self { format, printer: Mutex::new(printer), spinner }
    }

    /// Tells of a step.
    pub(super) fn tell(&self, event: &Event<'_>) {
        self.document(event);
        if self.format != PlanFormat::Table {
            return;
        }
        match event {
            Event::Phase { phase, steps } => {
                let code = phase.code();
                let s = if *steps == 1 { "" } else { "s" };
                self.say(&format!("{code}: {steps} step{s}: {}", phase.reason()));
            }
            Event::Waiting { what } => {
                self.spinner.set_message(format!("waiting for {}", control::escape(what)));
            }
            Event::Host { node, summary } => {
                let removed = summary.outcomes.get("removed").copied().unwrap_or_default();
                let state = if summary.is_clean() { "clean" } else { "not clean yet" };
                let doubtful = match summary.doubtful {
                    0 => String::new(),
                    some => format!("; {some} that may be others' left alone"),
                };
                let words = format!("  {node}: {removed} things taken away; {state}{doubtful}");
                self.say(&control::escape(&words));
            }
            Event::Step { what, outcome: Outcome::Failed { why }, .. } => {
                let word = Style::Error.paint("failed:").to_string();
                self.say(&format!("  {word} {}: {}", control::escape(what), control::escape(why)));
            }
            Event::Step { what, .. } => {
                self.spinner.set_message(control::escape(what).into_owned());
            }
        }
    }

    /// A line for a person.
    pub(super) fn say(&self, words: &str) {
        if self.format == PlanFormat::Table {
            self.spinner.suspend(|| {
                // Without standard error there is nobody to tell.
                let _ = writeln!(anstream::stderr(), "{words}");
            });
        }
    }

    /// An event for a program.
    pub(super) fn document(&self, event: &impl Serialize) {
        let mut printer = self.printer.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = document(self.format, event, &mut **printer).and_then(|()| printer.flush());
    }
}

fn document(
    output: PlanFormat,
    event: &impl Serialize,
    out: &mut impl Write,
) -> std::io::Result<()> {
    match output {
        PlanFormat::Table => Ok(()),
        PlanFormat::Json => {
            let text = serde_json::to_string(event)?;
            writeln!(out, "{text}")
        }
        PlanFormat::Yaml => {
            writeln!(out, "---")?;
            format::write_yaml(out, event)
        }
    }
}
