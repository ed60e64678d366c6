//! `kubectl cilium-render`.

fn main() {}
