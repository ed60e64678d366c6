//! Names of interfaces, by index.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

use kcilium_core::facts::LinkName;
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};

/// Names of interfaces, asked for one by one and remembered.
///
/// Routes name interfaces that may be younger than any list of them; the kernel is asked at the
/// moment a name is needed, as iproute2 does.
#[derive(Default)]
pub(super) struct LinkNames {
    socket: Option<OwnedFd>,
    known: HashMap<u32, LinkName>,
}

impl LinkNames {
    /// The interface's name; `if7` for an index that no interface has (any more).
    pub(super) fn name(&mut self, index: u32) -> LinkName {
        if let Some(name) = self.known.get(&index) {
            return name.clone();
        }
        let name = LinkName::from(self.ask(index).unwrap_or_else(|| nameless(index)));
        self.known.insert(index, name.clone());
        name
    }

    fn ask(&mut self, index: u32) -> Option<String> {
        if self.socket.is_none() {
            // Any socket will do. UNIX ones exist in every kernel and are never restricted.
            let flags = SocketFlags::CLOEXEC;
            self.socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None).ok();
        }
        netdevice::index_to_name(self.socket.as_ref()?, index).ok()
    }
}

/// The index of an interface.
pub(super) fn index(name: &LinkName) -> io::Result<u32> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    Ok(netdevice::name_to_index(&socket, name.as_str())?)
}

/// What iproute2 prints for an index without a name.
pub(super) fn nameless(index: u32) -> String {
    format!("if{index}")
}
