//! The values, held against a chart on disk.

use std::{
    io::{self, Write},
    time::Duration,
};

use kcilium_cli::finding;
use kcilium_core::{
    diagnosis::Selection,
    problems::Alike,
    rules::{Finding, Severity},
};

use super::{
    LocalChart, coalesce,
    schema::{Check, check},
};
use crate::{layers::Map, lint::place};

/// What the schema of a chart says about values.
pub struct Held {
    /// The values over the chart's own.
    values: Map,
    check: Check,
    /// Violations that were known already.
    pub known: Vec<Finding>,
}

impl Held {
    /// Lays values over those of a chart, and holds them against its schema, for so long.
    ///
    /// # Errors
    /// When the values cannot be handed to the schema.
    pub fn against(
        chart: LocalChart,
        given: &Map,
        selection: &Selection,
        time: Duration,
    ) -> Result<Self, serde_json::Error> {
        let values = coalesce(given, &chart.defaults);
        let mut check = match chart.schema {
            Some(schema) => check(schema, serde_json::to_value(&values)?, time),
            None => Check::Judged(Vec::new()),
        };
        let mut known = Vec::new();
        if let Check::Judged(violations) = &mut check {
            violations.retain(|violation| {
                let finding = violation.finding();
                let is_known = selection.is_known(&finding);
                known.extend(is_known.then_some(finding));
                !is_known
            });
        }
        Ok(Self { values, check, known })
    }

    /// How bad it is.
    pub fn worst(&self) -> Option<Severity> {
        match &self.check {
            Check::Judged(violations) => violations.first().map(|_| Severity::Error),
            Check::Unusable(_) => None,
        }
    }

    /// Whether the schema could not judge.
    pub fn is_unknown(&self) -> bool {
        matches!(self.check, Check::Unusable(_))
    }

    /// Writes each violation, with the place of its value.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn report(&self, width: usize, out: &mut impl Write) -> io::Result<()> {
        let violations = match &self.check {
            Check::Judged(violations) => violations,
            Check::Unusable(why) => {
                let text = format!("not judged by the chart's schema: it cannot be used: {why}");
                return finding::prose(out, width, "  ", "    ", &text);
            }
        };
        for violation in violations {
            let place = place::suffix(violation.origin(&self.values));
            finding::headline(out, width, &Alike::from(&violation.finding()), &place)?;
        }
        Ok(())
    }
}
