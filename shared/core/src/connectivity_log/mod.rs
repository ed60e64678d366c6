//! The output of `cilium connectivity test`, saved and explained.
//!
//! Lines go into a [`Tally`], which counts what was expected to pass and did not; [`explain`] says
//! what is behind it. All versions of cilium-cli that number their tests `[=] Test […]` are read; no
//! list of tests is assumed, as each version has its own.

mod action;
mod decoration;
mod expectation;
mod failure;
mod line;
mod tally;
#[cfg(test)]
mod tests;
mod verdict;

pub use action::{Destination, Family, Protocol};
pub use failure::ExitCode;
pub use line::Totals;
pub use tally::{Leg, LegCounts, OtherFailures, Tally, TestCounts};
pub use verdict::{LogVerdict, explain};
