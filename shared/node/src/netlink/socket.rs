//! A netlink socket.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use netlink_packet_core::NLM_F_REQUEST;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send,
    socket_with,
};

/// How long the kernel may take for one datagram. It prepares the answer before the request
/// returns, so this is reached only when an answer was lost for want of memory.
const PATIENCE: Duration = Duration::from_secs(10);

/// Length of `struct nlmsghdr`, bytes.
const HEADER: usize = 16;

/// A socket for requests to the kernel, one after the other.
///
/// It blocks, because there is nothing to wait for: the kernel works on a request within the calls
/// that send it and fetch its answers, on the caller's own time. A readiness queue would only add
/// calls.
pub(super) struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

/// A datagram, or the news of one.
pub(super) enum Received {
    /// The first bytes of the buffer hold a whole datagram.
    Whole(usize),
    /// The datagram had this many bytes, more than the buffer, and is lost.
    Truncated(usize),
}

impl Socket {
    /// A socket in the calling thread's network namespace that also hears the multicast groups
    /// (`RTMGRP_*`) in `groups`.
    pub(super) fn open(protocol: Option<Protocol>, groups: u32) -> io::Result<Self> {
        // No protocol means protocol 0, which is `NETLINK_ROUTE`.
        let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
        let fd = socket_with(family, kind, SocketFlags::CLOEXEC, protocol)?;
        set_socket_timeout(&fd, Timeout::Recv, Some(PATIENCE))?;
        bind(&fd, &SocketAddrNetlink::new(0, groups))?;
        Ok(Self { fd, sequence: 0 })
    }

    /// Sends a request and returns the sequence number that its answers will carry.
    pub(super) fn request(&mut self, kind: u16, flags: u16, payload: &[u8]) -> io::Result<u32> {
        self.sequence += 1;
        let length = HEADER + payload.len();
        let mut message = Vec::with_capacity(length);
        message.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        message.extend_from_slice(&self.sequence.to_ne_bytes());
        // The sender's port: the kernel fills it in.
        message.extend_from_slice(&0_u32.to_ne_bytes());
        message.extend_from_slice(payload);
        retry_on_intr(|| send(&self.fd, &message, SendFlags::empty()))?;
        Ok(self.sequence)
    }

    /// The next datagram.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let room = buffer.len();
        match retry_on_intr(|| recv(&self.fd, &mut *buffer, RecvFlags::TRUNC)) {
            Ok((_, length)) if length > room => Ok(Received::Truncated(length)),
            Ok((_, length)) => Ok(Received::Whole(length)),
            Err(Errno::AGAIN) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the kernel did not answer"))
            }
            Err(error) => Err(error.into()),
        }
    }
}
