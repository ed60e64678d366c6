//! What a node agent is asked to clean, and what it tells of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Comparison, Inventory, Outcome, Plan, PodsInUse, Remembered, Standing, Step};
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
    /// The run for which a cleaner stands on the node until it is told to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
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
    /// This would go, if it were told to begin now.
    Planned(Plan),
    /// It stands by, and this is what it waits for.
    Waiting(String),
    /// What can be put back lies there, on the node.
    Kept(String),
    /// A step was done.
    Step(Step),
    /// All steps were done, and this is what is there now.
    Left(Inventory),
    /// What else changed meanwhile.
    Foreign(Comparison),
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
    /// How much was left because it may be others'; it stands in the way of nothing.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub doubtful: usize,
    /// How many sources could not be read after the run.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub unknown: usize,
    /// How much changed that is not Cilium's.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub foreign: usize,
    /// Where on the node lies what can be put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepsake: Option<String>,
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
        // What no step was for: it was not to go.
        let done: Vec<_> = steps.iter().map(|step| step.item.what.identity()).collect();
        let others = left.iter().flat_map(|left| left.residue());
        let others = others.filter(|item| !done.contains(&item.what.identity()));
        stuck.extend(others.map(|item| (item.what.to_string(), item.fate.to_string())));
        let mut summary = Self {
            ending,
            outcomes,
            left: left.map(|left| left.residue().count()),
            doubtful: left.map_or(0, |left| left.doubtful().count()),
            unknown: left.map_or(0, |left| left.unknown.len()),
            foreign: 0,
            keepsake: None,
            stuck: Vec::new(),
            omitted: stuck.len(),
            error: None,
        };
        summary.name(stuck);
        summary
    }

    /// Names as many as there is room for.
    fn name(&mut self, stuck: Vec<(String, String)>) {
        // Room for the word `stuck` itself.
        let mut room = Self::LIMIT.saturating_sub(self.to_json().len() + 16);
        for one in stuck {
            // A comma follows each but the last.
            let length = serde_json::to_string(&one).unwrap_or_default().len() + 1;
            if length > room {
                continue;
            }
            room -= length;
            self.stuck.push(one);
            self.omitted -= 1;
        }
    }

    /// The same run, with its keepsake in that place.
    #[must_use]
    pub fn kept_in(mut self, place: &str) -> Self {
        self.keepsake = Some(place.to_owned());
        self.shortened()
    }

    /// The same run, with what else changed meanwhile.
    #[must_use]
    pub fn beside(mut self, foreign: &Comparison) -> Self {
        let words = "it is not Cilium's, and changed meanwhile";
        let named = foreign.changes.iter().map(|it| (it.to_string(), words.to_owned()));
        let unknown = foreign.unknown.iter().map(|it| (it.to_string(), "not compared".to_owned()));
        let named: Vec<_> = named.chain(unknown).collect();
        self.foreign = foreign.changes.len();
        self.unknown += foreign.unknown.len();
        self.omitted += named.len();
        self = self.shortened();
        self.name(named);
        self
    }

    /// The same run, which ended for a reason.
    #[must_use]
    pub fn because(mut self, error: &str) -> Self {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        self.error = Some(error.chars().take(Self::ERROR).map(plain).collect());
        self.shortened()
    }

    fn shortened(mut self) -> Self {
        while self.to_json().len() > Self::LIMIT && self.stuck.pop().is_some() {
            self.omitted += 1;
        }
        self
    }

    /// Whether nothing of Cilium's is left, and nothing else changed, as far as everything could be
    /// looked at.
    pub fn is_clean(&self) -> bool {
        let is_done = !self.outcomes.contains_key("failed") && self.error.is_none();
        is_done
            && self.ending == Ending::Finished
            && self.left == Some(0)
            && self.unknown == 0
            && self.foreign == 0
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
