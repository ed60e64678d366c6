//! `pods/eviction`: a deletion that asks the disruption budgets first.

use serde_json::{Value, json};

use crate::{
    object::{at, labels, list, meta, number, terminating, text},
    resource::GroupResource,
    selector::Selector,
    status::{ApiError, ApiResult, Subject},
    store::{Key, Store},
};

const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// Takes the pod's disruption out of its budget, or says why there is none to take.
pub(crate) fn take(store: &mut Store, pod: &Value, dry_run: bool) -> ApiResult<()> {
    // Who does not run is not disrupted.
    if terminating(pod)
        || matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed" | "Pending")
    {
        return Ok(());
    }
    let budgets = GroupResource::new("policy", "poddisruptionbudgets");
    let found: Vec<(Key, Value)> = store
        .all(&budgets)
        .filter(|(key, _)| key.namespace == meta(pod, "namespace"))
        .map(|(key, budget)| (key.clone(), budget.value()))
        .filter(|(_, budget)| covers(budget, pod))
        .collect();
    let (key, budget) = match found.as_slice() {
        [] => return Ok(()),
        [only] => only,
        _ => {
            return Err(ApiError::new(
                500,
                "",
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    if !ready(pod) && spares_unready(budget) {
        return Ok(());
    }
    check(budget, &key.name)?;
    if !dry_run {
        let mut budget = budget.clone();
        let allowed = number(&budget, &["status", "disruptionsAllowed"]);
        budget["status"]["disruptionsAllowed"] = json!(allowed - 1);
        budget["status"]["disruptedPods"][meta(pod, "name")] = json!(crate::object::now());
        store.put(&budgets, key, &budget);
    }
    Ok(())
}

/// A budget without a selector, or with an empty one, is for no pod.
fn covers(budget: &Value, pod: &Value) -> bool {
    let selector = at(budget, &["spec", "selector"]).map(Selector::from_spec).unwrap_or_default();
    !selector.is_empty() && selector.matches(labels(pod))
}

fn ready(pod: &Value) -> bool {
    list(pod, &["status", "conditions"])
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether pods that are not ready may go without asking.
fn spares_unready(budget: &Value) -> bool {
    let desired = number(budget, &["status", "desiredHealthy"]);
    text(budget, &["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow"
        || (desired > 0 && number(budget, &["status", "currentHealthy"]) >= desired)
}

fn check(budget: &Value, name: &str) -> ApiResult<()> {
    let status = |field: &str| number(budget, &["status", field]);
    if status("observedGeneration") < number(budget, &["metadata", "generation"]) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(ApiError::too_many(REFUSED, 10).because("DisruptionBudget", &why));
    }
    match status("disruptionsAllowed") {
        0 => {
            let (desired, current) = (status("desiredHealthy"), status("currentHealthy"));
            let why = format!(
                "The disruption budget {name} needs {desired} healthy pods and has {current} currently"
            );
            Err(ApiError::too_many(REFUSED, 0).because("DisruptionBudget", &why))
        }
        ..0 => {
            let subject = Subject { group: "policy", resource: "poddisruptionbudget", name };
            Err(ApiError::forbidden(&subject, "pdb disruptions allowed is negative"))
        }
        _ => Ok(()),
    }
}
