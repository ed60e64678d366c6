//! Whose an object is, and how long it may stay: labels by which everything of a run is found again,
//! by the run itself and by those who sweep up after it.

use std::{collections::BTreeMap, fmt, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::Api;

/// What all that is staged has in common.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kcilium");

/// What it is for.
const COMPONENT: &str = "app.kubernetes.io/component";

const RUN: &str = "kcilium/run";
const OWNER: &str = "kcilium/owner";
const DEADLINE: &str = "kcilium/deadline";

/// How long a label's value may be, bytes.
const LABEL: usize = 63;

/// How much longer than its pods a run's objects may be there: its clean-up has that time.
const CLEAN_UP: Duration = Duration::from_mins(1);

/// What programs are put on nodes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To look or to send packets, once.
    Probe,
    /// To clean the node, when the word is given. Runs of this kind are made under a lock.
    Clean,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Clean => "clean",
        }
    }

    /// How the names of namespaces begin.
    fn prefix(self) -> String {
        format!("kcilium-{}-", self.word())
    }
}

/// One run: its name, whose it is, and when nothing of it is needed any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    purpose: Purpose,
    id: String,
    owner: String,
    deadline: Timestamp,
}

impl Run {
    /// A new run of that owner.
    pub(super) fn new(purpose: Purpose, owner: &str) -> Self {
        Self { purpose, id: run_id(), owner: owner.to_owned(), deadline: Timestamp::MAX }
    }

    /// The run, now that it begins, and its pods may take that long. `now` is the API server's time,
    /// because other machines will compare it.
    pub(super) fn begun(&self, now: Timestamp, time: Duration) -> Self {
        let deadline = now.checked_add(time + CLEAN_UP).unwrap_or(Timestamp::MAX);
        Self { deadline, ..self.clone() }
    }

    /// Reads what a namespace says of itself; `None` if it is not one of ours in every respect.
    pub(super) fn of_namespace(name: &str, labels: &BTreeMap<String, String>) -> Option<Self> {
        let label = |key: &str| labels.get(key).map(String::as_str);
        let mut purposes = [Purpose::Probe, Purpose::Clean].into_iter();
        let (purpose, id) = purposes.find_map(|it| Some((it, name.strip_prefix(&it.prefix())?)))?;
        let is_ours = [MANAGED_BY, (COMPONENT, purpose.word()), (RUN, id)]
            .into_iter()
            .all(|(key, value)| label(key) == Some(value));
        let seconds = label(DEADLINE)?.parse().ok()?;
        let deadline = Timestamp::from_second(seconds).ok()?;
        let owner = label(OWNER).unwrap_or_default().to_owned();
        is_ours.then(|| Self { purpose, id: id.to_owned(), owner, deadline })
    }

    /// Its namespace.
    pub(super) fn namespace(&self) -> String {
        format!("{}{}", self.purpose.prefix(), self.id)
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// Until when its objects may be needed, by the API server's clock.
    pub(super) fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The labels of all its objects.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let labels = [
            MANAGED_BY,
            (COMPONENT, self.purpose.word()),
            (RUN, &self.id),
            (OWNER, &label_value(&self.owner)),
            (DEADLINE, &self.deadline.as_second().to_string()),
        ];
        labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    /// Selects its objects.
    pub(super) fn selector(&self) -> String {
        format!("{}={},{RUN}={}", MANAGED_BY.0, MANAGED_BY.1, self.id)
    }

    /// Selects the namespaces of all runs of that kind.
    pub(super) fn all(purpose: Purpose) -> String {
        format!("{}={},{COMPONENT}={}", MANAGED_BY.0, MANAGED_BY.1, purpose.word())
    }

    /// What it is for.
    pub(super) fn purpose(&self) -> Purpose {
        self.purpose
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// A name for a run: 48 random bits, enough for names that meet only runs of the same minutes.
pub fn run_id() -> String {
    Uuid::new_v4().simple().to_string().split_off(20)
}

/// Who the API server says is asking.
pub(super) async fn asking(api: &Api) -> Option<String> {
    #[derive(Deserialize)]
    struct Review {
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        user_info: UserInfo,
    }
    #[derive(Deserialize)]
    struct UserInfo {
        username: String,
    }
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let answer = api.review(path, &body).await.ok()?;
    let Review { status } = serde_json::from_slice(&answer).ok()?;
    Some(status.user_info.username)
}

/// What a label can hold of a name such as `system:serviceaccount:a:b` or `jane@example.com`.
fn label_value(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut value: String = text.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    value.truncate(LABEL);
    value.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Purpose, Run, label_value};

    fn run() -> Run {
        Run::new(Purpose::Probe, "jane@example.com")
            .begun(Timestamp::UNIX_EPOCH, Duration::from_secs(40))
    }

    #[test]
    fn a_namespace_tells_its_run() {
        let run = run();
        let read = Run::of_namespace(&run.namespace(), &run.labels()).unwrap();
        assert_eq!((&read.id, read.deadline.as_second()), (&run.id, 100));
        assert_eq!(read.owner, "jane_example.com");
    }

    #[test]
    fn what_lacks_a_label_is_not_ours() {
        let run = run();
        for key in run.labels().keys().filter(|key| *key != super::OWNER) {
            let mut labels = run.labels();
            labels.remove(key);
            assert_eq!(Run::of_namespace(&run.namespace(), &labels), None, "{key}");
            labels.insert(key.clone(), "another".into());
            assert_eq!(Run::of_namespace(&run.namespace(), &labels), None, "{key}");
        }
        assert_eq!(Run::of_namespace("kube-system", &run.labels()), None);
    }

    #[test]
    fn label_values_keep_to_the_rules() {
        assert_eq!(label_value("system:node:a"), "system_node_a");
        assert_eq!(label_value("größe@"), "gr__e");
        assert_eq!(label_value("::"), "");
        assert_eq!(label_value(&"x".repeat(100)).len(), 63);
    }
}
