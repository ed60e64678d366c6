//! IPsec. Nothing is ever flushed: others' states and policies are in the same tables.

use kcilium_core::leftovers::{Outcome, Transform};

use super::outcome::judged;
use crate::netlink;
use crate::netlink::act;

pub(super) async fn transform(transform: &Transform) -> Outcome {
    let count = async || {
        let all = netlink::transforms().await?;
        Ok(all.iter().filter(|other| *other == transform).count())
    };
    let before = match count().await {
        Ok(0) => return Outcome::AlreadyGone,
        Ok(before) => before,
        Err::<_, kcilium_core::facts::Unavailable>(why) => return Outcome::failed(why.to_string()),
    };
    let act = act::delete_transform(transform);
    judged(act, count().await.map(|after| after >= before))
}
