//! What iptables holds, in both backends and families.

use kcilium_core::facts::{Fact, Family};
use kcilium_core::leftovers::{Backend, Ruleset};

use crate::host::HostRoot;
use crate::iptables::saved;

/// Every table that there is.
pub(super) fn rulesets(root: &HostRoot) -> Vec<Ruleset> {
    let mut rulesets = Vec::new();
    for backend in Backend::ALL {
        for family in [Family::V4, Family::V6] {
            let text = Fact::from(saved(root, backend, family));
            rulesets.push(Ruleset { backend, family, text });
        }
    }
    rulesets
}
