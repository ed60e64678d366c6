//! What is going to be done, as it is shown and agreed on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fate, Inventory, Item, Proof};
use crate::facts::Unavailable;

/// Whether what living pods of Cilium's need goes as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodsInUse {
    /// It stays, and the pods with it.
    #[default]
    Leave,
    /// It goes; the pods lose their network, and are to be restarted.
    Take,
}

/// What goes from a node and what stays, in the order of execution.
///
/// It is made once, shown, agreed on, and then carried out as far as it is still true
/// ([`within`](Self::within)).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plan {
    /// What goes, in this order.
    pub items: Vec<Item>,
    /// What stays though it is Cilium's, because pods need it.
    pub in_use: Vec<Item>,
    /// What stays because it may be others'.
    pub doubtful: Vec<Item>,
    /// Sources that failed: there may be more.
    pub unknown: Vec<Unavailable>,
    /// What was decided for pods that live.
    pub pods: PodsInUse,
}

impl Plan {
    /// What an inventory comes to.
    pub fn of(inventory: &Inventory, pods: PodsInUse) -> Self {
        let mut plan = Self { unknown: inventory.unknown.clone(), pods, ..Self::default() };
        for item in &inventory.items {
            let place = match (&item.fate, pods) {
                (Fate::Remove, _) | (Fate::InUse { .. }, PodsInUse::Take) => &mut plan.items,
                (Fate::InUse { .. }, PodsInUse::Leave) => &mut plan.in_use,
                (Fate::Doubtful { .. }, _) => &mut plan.doubtful,
            };
            place.push(item.clone());
        }
        plan
    }

    /// What of the plan is still there, and still to go, in the order of the fresh inventory: what
    /// came since was not agreed on, and what is in use or doubtful by now stays.
    pub fn within(&self, fresh: &Inventory) -> Vec<Item> {
        let agreed: BTreeMap<String, &Item> =
            self.items.iter().map(|item| (identity(item), item)).collect();
        let still = |item: &&Item| match (agreed.get(&identity(item)), &item.fate) {
            (None, _) => false,
            (Some(_), Fate::Remove) => true,
            (Some(_), Fate::InUse { .. }) => self.pods == PodsInUse::Take,
            // A run that ended early took away the rules that led to the chain.
            (Some(agreed), Fate::Doubtful { .. }) => agreed.proofs.contains(&Proof::Fed),
        };
        fresh.items.iter().filter(still).cloned().collect()
    }

    /// A short name for exactly what goes, in exactly this order: whoever agrees to a plan says it,
    /// and no other plan has it. It depends on nothing but the plan.
    pub fn token(&self) -> String {
        let mut hash = Fnv1a::new();
        for item in &self.items {
            hash.write(identity(item).as_bytes());
            hash.write(b"\n");
        }
        format!("{:016x}", hash.0)
    }
}

/// What an item is, as text.
fn identity(item: &Item) -> String {
    // Plain data always has a form in JSON.
    serde_json::to_string(&item.what.identity()).unwrap_or_default()
}

/// FNV-1a, 64 bits: the standard library's hash may differ from one release to the next, and the two
/// ends of an agreement may be of different ones.
struct Fnv1a(u64);

impl Fnv1a {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
