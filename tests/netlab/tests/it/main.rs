//! Labs come up as they should, and go away whatever happens to the test.

#![expect(clippy::unwrap_used, reason = "in a test, also in the functions that tests share")]

mod cleanup;
mod topology;
