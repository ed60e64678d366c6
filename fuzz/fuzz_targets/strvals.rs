//! Any text as arguments of `--set` and its kin, one after the other: no panic.
//!
//! `cargo +nightly fuzz run strvals`

#![no_main]

use std::io;

use kubectl_cilium_render::{
    emit,
    layers::{Map, SetFlag},
    strvals,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let no_file = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
    let mut values = Map::new();
    for (number, line) in text.lines().enumerate() {
        let flag = SetFlag::ALL[number % SetFlag::ALL.len()];
        if strvals::apply(&mut values, flag, number + 1, line, &no_file).is_err() {
            return;
        }
    }
    emit::to_yaml(&values);
});
