//! The user's word.

use super::plan::Plan;

/// A plan that somebody said yes to. Nothing else can be carried out.
#[derive(Clone, Copy, Debug)]
pub struct Confirmed<'a> {
    plan: &'a Plan,
}

impl<'a> Confirmed<'a> {
    /// By typing what was asked for, which tells the cluster from others.
    pub fn typed(plan: &'a Plan, asked: &str, typed: &str) -> Option<Self> {
        (!asked.is_empty() && typed.trim() == asked).then_some(Self { plan })
    }

    /// By a flag on the command line.
    pub fn waived(plan: &'a Plan) -> Self {
        Self { plan }
    }

    /// The plan.
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }
}

#[cfg(test)]
mod tests {
    use super::Confirmed;
    use crate::removal::{Inventory, Options, Plan};

    #[test]
    fn only_what_was_asked_for_counts() {
        let plan = Plan::of(&Inventory::default(), Options::default());
        assert!(Confirmed::typed(&plan, "prod", "prod\n").is_some());
        for typed in ["", "y", "yes", "pro", "production"] {
            assert!(Confirmed::typed(&plan, "prod", typed).is_none(), "{typed}");
        }
        assert!(Confirmed::typed(&plan, "", "").is_none());
    }
}
