//! What was asked of the server.

use std::sync::Mutex;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub route: String,
    /// The user, empty if unknown.
    pub user: String,
    /// The `Accept` header.
    pub accept: String,
    /// The `Content-Type` header.
    pub content_type: String,
    /// The `User-Agent` header.
    pub agent: String,
    /// The status code of the answer; 0 for none.
    pub code: u16,
}

/// All requests so far, in the order in which they were answered.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Vec<Entry>>);

impl Journal {
    /// Adds a request.
    pub fn add(&self, entry: Entry) {
        self.lock().push(entry);
    }

    /// All requests since the start or the last [`Journal::clear`].
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
