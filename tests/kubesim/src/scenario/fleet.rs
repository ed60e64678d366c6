//! `fleet(NODES,PODS)`: scenarios that are made by a generator, because no file would be read.

use anyhow::{Context as _, Result, bail};

use super::Scenario;

/// How large a fleet is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// How many nodes.
    pub nodes: u32,
    /// How many pods on all of them.
    pub pods: u32,
}

impl Size {
    /// Reads `fleet(NODES,PODS)`; none if the name is none of a fleet.
    pub(crate) fn parse(name: &str) -> Result<Option<Self>> {
        let Some(rest) = name.strip_prefix("fleet") else { return Ok(None) };
        let size = || {
            let (nodes, pods) = rest.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
            Some(Self { nodes: nodes.trim().parse().ok()?, pods: pods.trim().parse().ok()? })
        };
        size().map(Some).with_context(|| format!("`{name}`: expected fleet(NODES,PODS)"))
    }

    /// The fleet as a scenario.
    pub(crate) fn scenario(self) -> Result<Scenario> {
        let Self { nodes, pods } = self;
        bail!("fleet({nodes},{pods}): fleets are not generated yet");
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn sizes_are_read() {
        let size = |name| Size::parse(name).unwrap().map(|size| (size.nodes, size.pods));
        assert_eq!(size("fleet(5000,150000)"), Some((5000, 150_000)));
        assert_eq!(size("fleet(3, 30)"), Some((3, 30)));
        assert_eq!(size("homelab-clash"), None);
        for wrong in ["fleet", "fleet()", "fleet(3)", "fleet(3,x)", "fleet(3,4"] {
            let error = Size::parse(wrong).unwrap_err().to_string();
            assert_eq!(error, format!("`{wrong}`: expected fleet(NODES,PODS)"));
        }
    }
}
