//! causes.
