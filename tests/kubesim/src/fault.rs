//! Faults on demand: which requests go wrong, and how.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// An error of this code instead of an answer, in the words of a real server.
    Status {
        /// The HTTP status code.
        code: u16,
        /// Seconds for the `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The answer comes this many milliseconds late.
    Delay(u64),
    /// No answer comes.
    Hang,
    /// The connection is reset before the answer.
    Reset,
    /// The connection breaks after this many bytes of the body, or of what an exec's kubelet sends.
    Cut(usize),
    /// After as many bytes nothing comes any more, and the connection stays.
    Stall(usize),
    /// The caller may not do this, whatever RBAC says.
    Forbidden,
    /// Admission turns the object down, in these words.
    Denied(String),
    /// The caller's token has run out.
    ExpiredToken,
}

/// A fault, and the requests that meet it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The HTTP method, empty for any.
    #[serde(default)]
    pub method: String,
    /// The path with its query; `*` stands for anything.
    pub route: String,
    /// The first of the matching requests that it befalls, counted from 1.
    #[serde(default = "one")]
    pub from: u64,
    /// How many it befalls; none for all that follow.
    #[serde(default)]
    pub times: Option<u64>,
    /// What goes wrong.
    pub kind: Kind,
}

const fn one() -> u64 {
    1
}

impl Fault {
    /// A fault for every request to that route.
    pub fn new(route: &str, kind: Kind) -> Self {
        Self { method: String::new(), route: route.to_owned(), from: 1, times: None, kind }
    }

    /// Only requests with that method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// Only the `times` matching requests from the `from`th on.
    #[must_use]
    pub fn requests(mut self, from: u64, times: u64) -> Self {
        self.from = from;
        self.times = Some(times);
        self
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<(Fault, u64)>>);

impl Faults {
    /// Adds a fault; requests are counted from now on.
    pub fn add(&self, fault: Fault) {
        self.lock().push((fault, 0));
    }

    /// Removes all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Counts the request, and tells what befalls it.
    pub fn meet(&self, method: &str, route: &str) -> Option<Kind> {
        let mut met = None;
        for (fault, count) in self.lock().iter_mut() {
            let method_fits = fault.method.is_empty() || fault.method == method;
            if !method_fits || !matches(&fault.route, route) {
                continue;
            }
            *count += 1;
            let end = fault.times.map_or(u64::MAX, |times| fault.from.saturating_add(times));
            if met.is_none() && (fault.from..end).contains(count) {
                met = Some(fault.kind.clone());
            }
        }
        met
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Fault, u64)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether the text fits the pattern, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    if rest.is_empty() {
        return true;
    }
    text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| matches(rest, &text[i..]))
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults, Kind, matches};

    #[test]
    fn patterns_match() {
        assert!(matches("/api/v1/pods*", "/api/v1/pods?limit=500"));
        assert!(matches("*/pods", "/api/v1/namespaces/a/pods"));
        assert!(!matches("/api/v1/pods", "/api/v1/pods?limit=500"));
    }

    #[test]
    fn requests_are_counted() {
        let faults = Faults::default();
        faults.add(Fault::new("/x", Kind::Hang).method("GET").requests(2, 1));
        let met: Vec<bool> = (0..3).map(|_| faults.meet("GET", "/x").is_some()).collect();
        assert_eq!(met, [false, true, false]);
        assert_eq!(faults.meet("POST", "/x"), None);
    }
}
