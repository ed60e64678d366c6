//! The values, held against a chart on disk.

use std::io::{self, Write};

use kcilium_cli::finding;
use kcilium_core::{problems::Alike, rules::Severity};

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
}

impl Held {
    /// Lays values over those of a chart, and holds them against its schema.
    ///
    /// # Errors
    /// When the values cannot be handed to the schema.
    pub fn against(chart: &LocalChart, given: &Map) -> Result<Self, serde_json::Error> {
        let values = coalesce(given, &chart.defaults);
        let check = match &chart.schema {
            Some(schema) => check(schema, &serde_json::to_value(&values)?),
            None => Check::Judged(Vec::new()),
        };
        Ok(Self { values, check })
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
