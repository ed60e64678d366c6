//! Whether a host answers to itself, asked all the time.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use netlab::Namespace;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Connects to addresses of a namespace from within, over and over.
pub(crate) struct Reachability {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU32>,
    thread: JoinHandle<Vec<String>>,
}

impl Reachability {
    /// Begins to ask. Returns when every address has answered once.
    pub(crate) fn of(namespace: &Namespace, addresses: &[&str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let rounds = Arc::new(AtomicU32::new(0));
        let path = format!("/run/netns/{}", namespace.name());
        let addresses: Vec<std::net::IpAddr> =
            addresses.iter().map(|address| address.parse().unwrap()).collect();
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rounds));
        let thread = thread::spawn(move || {
            let file = File::open(path).unwrap();
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let listener = TcpListener::bind("[::]:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let port = listener.local_addr().unwrap().port();
            let mut silent = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                for address in &addresses {
                    let to = SocketAddr::new(*address, port);
                    if let Err(error) = TcpStream::connect_timeout(&to, Duration::from_secs(1)) {
                        silent.push(format!("{address}: {error}"));
                    }
                    while listener.accept().is_ok() {}
                }
                counted.fetch_add(1, Ordering::Relaxed);
            }
            silent
        });
        let this = Self { stop, rounds, thread };
        this.wait_for_rounds(1);
        this
    }

    fn wait_for_rounds(&self, more: u32) {
        let until = self.rounds.load(Ordering::Relaxed) + more;
        while self.rounds.load(Ordering::Relaxed) < until && !self.thread.is_finished() {
            thread::yield_now();
        }
    }

    /// Everything that did not answer, after one more round.
    pub(crate) fn silent(self) -> Vec<String> {
        self.wait_for_rounds(2);
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
