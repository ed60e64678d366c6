//! The core against what real programs print: recordings in, verdicts and findings out.

mod fixture;
mod registry;
mod rules;
