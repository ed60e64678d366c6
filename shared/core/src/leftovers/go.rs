//! What a cleaner that stands on a node waits for.

use serde::{Deserialize, Serialize};

use super::CleaningOrder;

/// What stands for a plan that was made on the node, and not seen before it was agreed on: all that is
/// certainly Cilium's.
const CERTAIN: &str = "all-that-is-certain";

/// The run that a cleaner stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The run.
    pub run: String,
    /// Uids of the agents' DaemonSets: what has to be gone before anything is cleaned.
    pub daemon_sets: Vec<String>,
    /// What the keepsake on the node is called.
    pub keepsake: String,
}

/// The word that lets a cleaner begin. It is given after the plan was agreed on, and after the agents'
/// DaemonSets were seen to be gone; nothing else lets it begin, no time and no lack of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Go {
    /// The run.
    run: String,
    /// Uids of the DaemonSets that are gone.
    daemon_sets: Vec<String>,
    /// The [token](super::Plan::token) of the plan that was agreed on.
    plan: String,
}

impl Go {
    /// The word that lets the one begin that has this order; none where it stands for no run.
    pub fn of(order: &CleaningOrder) -> Option<Self> {
        let Standing { run, daemon_sets, .. } = order.standing.clone()?;
        let plan = order.plan.as_ref().map_or_else(|| CERTAIN.to_owned(), super::Plan::token);
        Some(Self { run, daemon_sets, plan })
    }

    /// Whether this text is this word, and no other run's.
    pub fn is(&self, text: &str) -> bool {
        serde_json::from_str::<Self>(text).is_ok_and(|given| given == *self)
    }

    /// The word as text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Go, Standing};
    use crate::leftovers::{CleaningOrder, Plan};

    fn order(run: &str, uid: &str, plan: Option<Plan>) -> CleaningOrder {
        let standing =
            Standing { run: run.into(), daemon_sets: vec![uid.into()], keepsake: String::new() };
        CleaningOrder { standing: Some(standing), plan, ..CleaningOrder::default() }
    }

    #[test]
    fn only_the_word_for_this_run_these_agents_and_this_plan_counts() {
        let go = Go::of(&order("a", "1", None)).unwrap();
        assert!(go.is(&go.to_json()));
        let others =
            [order("b", "1", None), order("a", "2", None), order("a", "1", Some(Plan::default()))];
        for other in others {
            assert!(!go.is(&Go::of(&other).unwrap().to_json()), "{other:?}");
        }
        for text in ["", "go", "{}", "{\"run\":\"a\"}"] {
            assert!(!go.is(text), "{text}");
        }
        assert_eq!(Go::of(&CleaningOrder::default()), None);
    }
}
