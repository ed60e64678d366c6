//! What a node agent is asked to clean, and what it tells of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Inventory, Outcome, Plan, PodsInUse, Remembered, Step};
use crate::probe::Ending;

/// What is asked of a node: a plan, or to carry one out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CleaningOrder {
    /// What was agreed on; none where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What is known of the cluster.
    pub remembered: Remembered,
    /// What becomes of pods that live, in a plan that is asked for.
    pub pods: PodsInUse,
}

impl CleaningOrder {
    /// Reads an order; nothing at all is an order for a plan without any knowledge of the cluster.
    ///
    /// # Errors
    /// What in the text is no order, and where.
    pub fn parse(json: &str) -> Result<Self, serde_path_to_error::Error<serde_json::Error>> {
        if json.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut input = serde_json::Deserializer::from_str(json);
        let order: Self = serde_path_to_error::deserialize(&mut input)?;
        input.end().map_err(|error| {
            serde_path_to_error::Error::new(serde_path_to_error::Track::new().path(), error)
        })?;
        Ok(order)
    }
}

/// A line of a run that cleans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Told {
    /// A step was done.
    Step(Step),
    /// All steps were done, and this is what is there now.
    Left(Inventory),
}

/// What became of a run. In JSON at most [`LIMIT`](Self::LIMIT) bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CleaningSummary {
    /// How the run ended.
    pub ending: Ending,
    /// How many steps had each outcome: `removed`, `alreadyGone`, `kept`, `failed`.
    pub outcomes: BTreeMap<String, usize>,
    /// How much of Cilium's is there after the run; none where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<usize>,
    /// How many sources could not be read after the run.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub unknown: usize,
    /// What was not removed, and why, as far as there is room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<(String, String)>,
    /// What was not removed and found no room.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub omitted: usize,
    /// Why nothing was done, or nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl CleaningSummary {
    /// What Kubernetes keeps of a termination message, bytes.
    pub const LIMIT: usize = crate::probe::Summary::LIMIT;
    /// What is kept of an error, characters. None takes more than six bytes.
    const ERROR: usize = 256;

    /// The summary of a run.
    pub fn of(ending: Ending, steps: &[Step], left: Option<&Inventory>) -> Self {
        let mut outcomes = BTreeMap::new();
        let mut stuck = Vec::new();
        for Step { item, outcome } in steps {
            let name = match outcome {
                Outcome::Removed => "removed",
                Outcome::AlreadyGone => "alreadyGone",
                Outcome::Kept { why } => {
                    stuck.push((item.what.to_string(), why.clone()));
                    "kept"
                }
                Outcome::Failed { why } => {
                    stuck.push((item.what.to_string(), why.clone()));
                    "failed"
                }
            };
            *outcomes.entry(name.to_owned()).or_default() += 1;
        }
        let mut summary = Self {
            ending,
            outcomes,
            left: left.map(|left| left.residue().count()),
            unknown: left.map_or(0, |left| left.unknown.len()),
            stuck: Vec::new(),
            omitted: stuck.len(),
            error: None,
        };
        // Room for the word `stuck` itself.
        let mut room = Self::LIMIT.saturating_sub(summary.to_json().len() + 16);
        for one in stuck {
            // A comma follows each but the last.
            let length = serde_json::to_string(&one).unwrap_or_default().len() + 1;
            if length > room {
                continue;
            }
            room -= length;
            summary.stuck.push(one);
            summary.omitted -= 1;
        }
        summary
    }

    /// The same run, which ended for a reason.
    #[must_use]
    pub fn because(mut self, error: &str) -> Self {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        self.error = Some(error.chars().take(Self::ERROR).map(plain).collect());
        while self.to_json().len() > Self::LIMIT && self.stuck.pop().is_some() {
            self.omitted += 1;
        }
        self
    }

    /// The text of the termination message.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a termination message; `None` where it is another program's, or the runtime's.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text.trim()).ok()
    }
}
