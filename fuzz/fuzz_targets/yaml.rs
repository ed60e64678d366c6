//! Any bytes as a values file: no panic, and what is read comes back after it was written.
//!
//! `cargo +nightly fuzz run yaml`

#![no_main]

use kubectl_cilium_render::{emit, layers::yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = yaml::read("fuzz", bytes) else { return };
    let text = emit::to_yaml(&document.values);
    let again = yaml::read("written", text.as_bytes()).expect("what is written can be read");
    assert_eq!(
        serde_json::to_string(&document.values).unwrap(),
        serde_json::to_string(&again.values).unwrap(),
        "{text}"
    );
});
