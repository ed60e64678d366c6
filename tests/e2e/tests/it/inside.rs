//! Reading a namespace with the product's own collector, without its program.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::thread;

use kcilium_core::facts::Fact;
use netlab::Namespace;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Awaits `work` on a thread of its own that has moved into the namespace. Such a thread cannot be
/// one of the test runner's: it never comes back.
pub(crate) fn inside<T: Send>(namespace: &Namespace, work: impl AsyncFnOnce() -> T + Send) -> T {
    let path = format!("/run/netns/{}", namespace.name());
    let body = move || {
        let file = File::open(path).unwrap();
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(work())
    };
    thread::scope(|scope| scope.spawn(body).join().unwrap())
}

/// What is known, or a panic that says why it is not.
pub(crate) fn known<T>(fact: Fact<T>) -> T {
    match fact {
        Fact::Known(value) => value,
        Fact::Unavailable(why) => panic!("{why}"),
    }
}
