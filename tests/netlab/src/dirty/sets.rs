//! Sets of addresses, without `ipset`.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::thread;

use anyhow::{Result, anyhow, ensure};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{netlink, recv, send, socket_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::namespace::Namespace;

/// Makes an empty set of IPv4 addresses in a namespace.
pub(super) fn create(namespace: &Namespace, name: &str) -> Result<()> {
    let path = format!("/run/netns/{}", namespace.name());
    let create = move || -> Result<()> {
        let file = File::open(path)?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        ask(&request(name))
    };
    // The thread never comes back from there.
    thread::scope(|scope| {
        scope.spawn(create).join().map_err(|_| anyhow!("the thread in the namespace panicked"))?
    })
}

/// `IPSET_CMD_CREATE` of a `hash:ip`.
fn request(name: &str) -> Vec<u8> {
    /// `NFNL_SUBSYS_IPSET` and `IPSET_CMD_CREATE`.
    const CREATE: u16 = 6 << 8 | 2;
    /// `NLM_F_REQUEST`, `NLM_F_ACK`, `NLM_F_CREATE`, `NLM_F_EXCL`.
    const FLAGS: u16 = 1 | 4 | 0x400 | 0x200;
    /// `NLA_F_NESTED`.
    const NESTED: u16 = 1 << 15;
    const IPV4: u8 = 2;

    let mut payload = vec![IPV4, 0, 0, 0];
    let mut push = |kind: u16, value: &[u8]| {
        let length = u16::try_from(4 + value.len()).unwrap_or_default();
        payload.extend(length.to_ne_bytes());
        payload.extend(kind.to_ne_bytes());
        payload.extend(value);
        payload.resize(payload.len().next_multiple_of(4), 0);
    };
    // Protocol, name, type, revision, family, data.
    push(1, &[6]);
    push(2, format!("{name}\0").as_bytes());
    push(3, b"hash:ip\0");
    push(4, &[0]);
    push(5, &[IPV4]);
    push(7 | NESTED, &[]);
    let length = u32::try_from(16 + payload.len()).unwrap_or_default();
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(CREATE.to_ne_bytes());
    message.extend(FLAGS.to_ne_bytes());
    // Sequence, and the sender's port.
    message.extend([0; 8]);
    message.extend(payload);
    message
}

fn ask(message: &[u8]) -> Result<()> {
    let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, Some(netlink::NETFILTER))?;
    send(&socket, message, SendFlags::empty())?;
    let mut answer = [0; 4096];
    let (length, _) = recv(&socket, &mut answer, RecvFlags::empty())?;
    ensure!(length >= 20, "a short answer of the kernel");
    let code = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
    ensure!(code == 0, "the kernel makes no set: {}", std::io::Error::from_raw_os_error(-code));
    Ok(())
}
