//! How a node is to be.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::Ipv4Net;

use crate::image::{Images, Reference};

/// How a node is to be.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The name of its Node object, which somebody else has made.
    pub name: String,
    /// The file of its network namespace.
    pub netns: PathBuf,
    /// The directory with its own `etc`, `var`, `run`, `opt`, `tmp`, `root`, `home`, `srv`, `mnt`.
    ///
    /// What is missing is made. Everything else of the node's root is this machine's.
    pub root: PathBuf,
    /// How it reaches the API server.
    pub kubeconfig: PathBuf,
    /// What is in the images.
    pub images: Images,
    /// What pods without `hostNetwork` get.
    pub pod_network: PodNetwork,
    /// Where their addresses come from.
    pub pod_cidr: Ipv4Net,
    /// The cluster's DNS server, for pods with `dnsPolicy: ClusterFirst`.
    pub cluster_dns: Ipv4Addr,
    /// The cluster's domain.
    pub cluster_domain: String,
    /// Why pulling images fails, which it always does.
    pub pull_failure: PullFailure,
    /// How long a container that failed again waits, and an image that could not be pulled: at first
    /// this, then twice as long each time, up to thirty times as long. A real kubelet has 10 s.
    pub backoff: Duration,
}

impl NodeConfig {
    /// A node with an isolated pod network and a real kubelet's times.
    pub fn new(name: &str, netns: &Path, root: &Path, kubeconfig: &Path) -> Self {
        Self {
            name: name.to_owned(),
            netns: netns.to_owned(),
            root: root.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
            images: Images::default(),
            pod_network: PodNetwork::Isolated,
            pod_cidr: Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 24),
            cluster_dns: Ipv4Addr::new(10, 96, 0, 10),
            cluster_domain: "cluster.local".to_owned(),
            pull_failure: PullFailure::DnsTimeout { server: Ipv4Addr::new(10, 0, 0, 1) },
            backoff: Duration::from_secs(10),
        }
    }

    /// The same for a node of a lab.
    pub fn of(node: &netlab::Node, kubeconfig: &Path) -> Self {
        let netns = Path::new("/run/netns").join(node.namespace().name());
        Self::new(node.name(), &netns, node.root(), kubeconfig)
    }
}

/// What pods without `hostNetwork` get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodNetwork {
    /// The address, on the loopback interface, and no way out.
    Isolated,
    /// A pair of interfaces: `eth0` in the pod, `lxc…` on the node, where the address gets a route.
    Veth {
        /// Where the pods send everything: an address of the node.
        gateway: Ipv4Addr,
        /// How large their packets may be: Cilium writes it into their routes.
        mtu: u32,
    },
}

/// Why pulling images fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullFailure {
    /// The node's DNS server does not answer.
    DnsTimeout {
        /// The server.
        server: Ipv4Addr,
    },
    /// In these words, which follow `failed to resolve reference "…": `.
    Other(String),
}

impl PullFailure {
    /// What containerd says.
    pub(crate) fn message(&self, reference: &Reference) -> String {
        let why = match self {
            Self::DnsTimeout { server } => {
                let (host, repository) = (reference.host(), &reference.repository);
                let url =
                    format!("https://{host}/v2/{repository}/manifests/{}", reference.version());
                format!(
                    "failed to do request: Head \"{url}\": dial tcp: lookup {host} on {server}:53: i/o timeout"
                )
            }
            Self::Other(why) => why.clone(),
        };
        format!(
            "failed to pull and unpack image \"{reference}\": failed to resolve reference \"{reference}\": {why}"
        )
    }
}
