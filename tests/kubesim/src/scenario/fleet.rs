//! `fleet(NODES,PODS)`: scenarios that are made by a generator, because no file would be read.

use anyhow::{Context as _, Result};

use super::Scenario;
use crate::fleet::Fleet;

/// Reads `fleet(NODES,PODS)`; none if the name is none of a fleet.
pub(super) fn parse(name: &str) -> Result<Option<Fleet>> {
    let Some(rest) = name.strip_prefix("fleet") else { return Ok(None) };
    let size = || {
        let (nodes, pods) = rest.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
        Some(Fleet::new(nodes.trim().parse().ok()?, pods.trim().parse().ok()?))
    };
    size().map(Some).with_context(|| format!("`{name}`: expected fleet(NODES,PODS)"))
}

/// A fleet as a scenario.
pub(super) fn scenario(fleet: Fleet) -> Scenario {
    Scenario {
        name: format!("fleet({},{})", fleet.nodes, fleet.pods),
        story: format!("A healthy fleet of {} nodes and {} pods.", fleet.nodes, fleet.pods),
        fleet: Some(fleet),
        ..Scenario::empty()
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_read() {
        let size = |name| parse(name).unwrap().map(|fleet| (fleet.nodes, fleet.pods));
        assert_eq!(size("fleet(5000,150000)"), Some((5000, 150_000)));
        assert_eq!(size("fleet(3, 30)"), Some((3, 30)));
        assert_eq!(size("homelab-clash"), None);
        for wrong in ["fleet", "fleet()", "fleet(3)", "fleet(3,x)", "fleet(3,4"] {
            let error = parse(wrong).unwrap_err().to_string();
            assert_eq!(error, format!("`{wrong}`: expected fleet(NODES,PODS)"));
        }
    }
}
