//! IPsec.

use kcilium_core::facts::{Fact, FwMark};
use kcilium_core::leftovers::{
    HostState, Leftover, Transform, TransformDirection, TransformPolicy, TransformState,
    TransformTemplate,
};
use proptest::prelude::*;

use super::{NODE, Thing};

pub(super) fn things() -> impl Strategy<Value = Thing> {
    prop_oneof![state(), policy(), forward()]
}

fn thing(transform: Transform, ours: bool) -> Thing {
    let goes = if ours { vec![Leftover::Transform(transform.clone())] } else { vec![] };
    let transforms = Fact::Known(vec![transform]);
    Thing::ours(HostState { transforms, ..HostState::default() }, goes)
}

const DECRYPT: FwMark = FwMark { value: 0xd00, mask: 0xf00 };
const ENCRYPT: FwMark = FwMark { value: 0x1234_0e00, mask: 0xffff_ff00 };

fn state() -> impl Strategy<Value = Thing> {
    (any::<bool>(), 1..=15_u32, 0..9).prop_map(|(inwards, spi, what)| {
        let mut state = TransformState {
            source: "10.24.0.2".parse().unwrap(),
            destination: NODE.parse().unwrap(),
            protocol: 50,
            spi,
            mode: 1,
            request_id: 1,
            mark: Some(if inwards { DECRYPT } else { ENCRYPT }),
        };
        match what {
            0 | 1 => {}
            2 => state.protocol = 51,
            3 => state.spi += 0x1000,
            4 => state.mode = 0,
            5 => state.request_id = 16385,
            6 => state.mark = None,
            7 => state.mark = Some(FwMark { value: 0x200, mask: 0xf00 }),
            // Part of the bits.
            _ => state.mark = Some(FwMark { value: 0xc00, mask: 0xc00 }),
        }
        thing(Transform::State(state), what < 2)
    })
}

fn policy() -> impl Strategy<Value = Thing> {
    (any::<bool>(), 0..7, any::<u8>()).prop_map(|(inwards, what, octet)| {
        use TransformDirection::{In, Out};
        let template = TransformTemplate { destination: NODE.parse().unwrap(), request_id: 1 };
        let mut policy = TransformPolicy {
            index: 9,
            direction: if inwards { In } else { Out },
            source: "10.244.0.0/24".parse().unwrap(),
            destination: format!("10.244.{octet}.0/24").parse().unwrap(),
            priority: 0,
            blocks: false,
            mark: Some(if inwards { DECRYPT } else { ENCRYPT }),
            interface_id: None,
            templates: vec![template.clone()],
        };
        match what {
            0 | 1 => {}
            2 => policy.mark = None,
            3 => policy.mark = Some(if inwards { ENCRYPT } else { DECRYPT }),
            4 => policy.templates[0].request_id = 7,
            // One of them is another's.
            5 => policy.templates.push(TransformTemplate { request_id: 9, ..template }),
            _ => policy.blocks = true,
        }
        thing(Transform::Policy(policy), what < 2)
    })
}

/// The one without a mark, which must lead to a known node.
fn forward() -> impl Strategy<Value = Thing> {
    (0..5).prop_map(|what| {
        let destination = if what == 2 { "10.80.0.1" } else { NODE };
        let policy = TransformPolicy {
            index: 9,
            direction: TransformDirection::Forward,
            source: "0.0.0.0/0".parse().unwrap(),
            destination: "10.244.0.0/24".parse().unwrap(),
            priority: if what == 3 { 100 } else { 2975 },
            blocks: false,
            mark: (what == 4).then_some(DECRYPT),
            interface_id: None,
            templates: vec![TransformTemplate {
                destination: destination.parse().unwrap(),
                request_id: 1,
            }],
        };
        thing(Transform::Policy(policy), what < 2)
    })
}
