//! The sandbox of a pod: what its containers share, kept by a process that only sleeps.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal};
use tokio::{io::AsyncReadExt as _, process::Child};

use super::{
    Machine,
    process::{Scope, children, first_line, inside, signal, succeed},
};

/// How a sandbox is to be.
#[derive(Debug)]
pub(crate) struct SandboxSpec {
    /// The host name, for pods with a network of their own.
    pub(crate) hostname: String,
    /// Whether the pod uses the node's network.
    pub(crate) host_network: bool,
    /// Whether the pod uses the node's System V and POSIX IPC.
    pub(crate) host_ipc: bool,
    /// Where on the node a network of the pod's own is bound, as containerd and CRI-O do it.
    pub(crate) netns: String,
}

const PAUSE: &str = r#"
set -e
if [ -n "$1" ]; then
    hostname "$1"
    ip link set lo up
fi
echo ok
exec sleep infinity >/dev/null 2>&1
"#;

/// A pod's sandbox.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pause: Pid,
    /// The parent of the pause process, which ends with it.
    parent: Child,
    /// The node's first process, and where on the node the pod's network is bound.
    bound: Option<(Pid, String)>,
}

impl Sandbox {
    /// Makes a sandbox on the node.
    pub(crate) async fn start(machine: &Machine, spec: &SandboxSpec) -> Result<Self> {
        let mut command = inside(machine.init(), Scope::Everything);
        command.arg("unshare");
        let bound = (!spec.host_network).then(|| (machine.init(), spec.netns.clone()));
        if let Some((_, netns)) = &bound {
            machine.write(netns, b"", 0o444)?;
            command.arg(format!("--net={netns}")).arg("--uts");
        }
        if !spec.host_ipc {
            command.arg("--ipc");
        }
        let hostname = if spec.host_network { "" } else { &*spec.hostname };
        // Killing the parent shall be enough, should this be dropped half-way.
        command.args(["setpriv", "--pdeathsig=KILL", "sh", "-c", PAUSE, "pause", hostname]);
        let mut parent = command.kill_on_drop(true).spawn().context("run nsenter")?;
        let mut stdout = parent.stdout.take().context("a stdout")?;
        if first_line(&mut stdout).await? != "ok" {
            let mut errors = String::new();
            let mut stderr = parent.stderr.take().context("a stderr")?;
            stderr.read_to_string(&mut errors).await?;
            bail!("{}", errors.trim());
        }
        let pid = parent.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pause = children(pid.context("a process")?);
        ensure!(pause.len() == 1, "the pause process is gone");
        Ok(Self { pause: pause[0], parent, bound })
    }

    /// The process whose namespaces are the pod's.
    pub(crate) fn pause(&self) -> Pid {
        self.pause
    }

    /// Gives the pod an address on its loopback interface, and nothing else.
    pub(crate) async fn isolate(&self, address: Ipv4Addr) -> Result<()> {
        self.ip(self.pause, &format!("addr add {address}/32 dev lo")).await
    }

    /// Joins the pod to the node by a pair of interfaces, `eth0` and `link`.
    ///
    /// The pod sends everything to `gateway`, an address of the node, in packets of at most `mtu`.
    pub(crate) async fn plug(
        &self,
        machine: &Machine,
        link: &str,
        address: Ipv4Addr,
        (gateway, mtu): (Ipv4Addr, u32),
    ) -> Result<()> {
        let (node, pod) = (machine.init(), self.pause);
        let peer = format!("link add {link} type veth peer name eth0 netns {}", pod.as_raw_pid());
        self.ip(node, &peer).await?;
        self.ip(node, &format!("link set {link} up")).await?;
        self.ip(node, &format!("route replace {address}/32 dev {link}")).await?;
        self.ip(pod, &format!("addr add {address}/32 dev eth0")).await?;
        self.ip(pod, "link set eth0 up").await?;
        self.ip(pod, &format!("route add {gateway} dev eth0 scope link")).await?;
        self.ip(pod, &format!("route add default via {gateway} dev eth0 mtu {mtu}")).await
    }

    async fn ip(&self, target: Pid, arguments: &str) -> Result<()> {
        let mut command = inside(target, Scope::Network);
        command.arg("ip").args(arguments.split(' '));
        succeed(command).await.map(drop)
    }

    /// Ends the sandbox.
    pub(crate) async fn stop(&mut self) {
        signal(self.pause, Signal::KILL);
        let _ = self.parent.wait().await;
        if let Some((node, netns)) = self.bound.take() {
            let mut command = inside(node, Scope::Everything);
            command.args(["sh", "-c", "umount \"$0\" && rm \"$0\"", &netns]);
            let _ = succeed(command).await;
        }
    }
}
