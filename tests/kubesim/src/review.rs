//! The kinds that are questions: who am I, may I, what may I.

use serde_json::{Value, json};

use crate::{
    identity::{MASTERS, User},
    object::{list, text},
    rbac::{self, Action},
    server::Shared,
    status::{ApiError, ApiResult},
    store::Store,
};

/// Answers a review; the answer is the question with a status.
pub(crate) fn answer(
    store: &Store,
    shared: &Shared,
    user: &User,
    plural: &str,
    mut review: Value,
) -> ApiResult<Value> {
    let spec = review["spec"].clone();
    review["status"] = match plural {
        "selfsubjectreviews" => json!({"userInfo": user.info()}),
        "tokenreviews" => match shared.bearer(store, text(&spec, &["token"])) {
            Some(known) => json!({"authenticated": true, "user": known.info()}),
            None => json!({"user": {}, "error": "invalid bearer token"}),
        },
        "selfsubjectaccessreviews" => access(store, user, &spec)?,
        "subjectaccessreviews" | "localsubjectaccessreviews" => {
            let groups: Vec<&str> =
                list(&spec, &["groups"]).iter().filter_map(Value::as_str).collect();
            let mut other = User::new(text(&spec, &["user"]), &groups);
            // Reviews of others take the groups as they are given.
            other.groups = groups.into_iter().map(str::to_owned).collect();
            access(store, &other, &spec)?
        }
        "selfsubjectrulesreviews" => rules(store, user, text(&spec, &["namespace"])),
        _ => return Err(ApiError::no_such_path()),
    };
    review["metadata"] = json!({"creationTimestamp": null});
    Ok(review)
}

fn access(store: &Store, user: &User, spec: &Value) -> ApiResult<Value> {
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let word = |field: &str| text(resource, &[field]).to_owned();
    let action = if resource.is_object() {
        Action {
            verb: word("verb"),
            group: word("group"),
            resource: word("resource"),
            subresource: word("subresource"),
            namespace: word("namespace"),
            name: word("name"),
            path: String::new(),
        }
    } else if path.is_object() {
        Action {
            verb: text(path, &["verb"]).to_owned(),
            path: text(path, &["path"]).to_owned(),
            ..Action::default()
        }
    } else {
        return Err(ApiError::bad_request(
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ));
    };
    Ok(json!({"allowed": rbac::allowed(store, user, &action)}))
}

fn rules(store: &Store, user: &User, namespace: &str) -> Value {
    let everything = [
        json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
        json!({"verbs": ["*"], "nonResourceURLs": ["*"]}),
    ];
    let mut found: Vec<Value> = Vec::new();
    if user.groups.iter().any(|group| group == MASTERS) {
        found.extend(everything);
    }
    found.extend(rbac::rules(store, user, namespace));
    let (paths, resources): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|rule| rule.get("nonResourceURLs").is_some());
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}
