//! Which probes tell what about the egress of pods: where they start, where they go, what they ask
//! there, and which checks read the answers.

use super::ProbeId;

/// Where a probe starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vantage {
    /// The network namespace of a pod.
    Pod,
    /// The host's.
    Host,
    /// That of a pod that a policy of ours lets send everything. What works from here only is what
    /// policies refuse.
    AllowedPod,
}

/// Where a probe goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// The node's default gateways: they need a way back to whoever asks.
    Gateway,
    /// Hosts of the LAN that the user named.
    Lan,
    /// Addresses of other nodes.
    OtherNode,
    /// Pods of the same node.
    PodSameNode,
    /// Pods of other nodes.
    PodOtherNode,
    /// The cluster's DNS, by the address of its Service.
    ClusterDns,
    /// The pods of the cluster's DNS, by their own addresses: what differs from
    /// [`ClusterDns`](Self::ClusterDns) is the Service's doing.
    ClusterDnsPod,
    /// The Service `default/kubernetes`.
    ApiService,
    /// The DNS servers of the namespace itself (`/etc/resolv.conf`) and of the node, asked for outside
    /// names.
    Resolver,
    /// Names that nobody has, below the search domains of the namespace itself.
    SearchDomain,
    /// The internet, by address.
    InternetByAddress,
    /// The internet, by name.
    InternetByName,
}

/// A place in the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Where probes start.
    pub vantage: Vantage,
    /// Where they go.
    pub destination: Destination,
}

/// What is asked at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Connections to the target's own ports, or to this one where it has none.
    Tcp(u16),
    /// `GET /` on port 80.
    Http,
    /// `GET` of a path on a port, once as short as it is and once in packets as large as the path's
    /// MTU should allow: what TCP itself thinks of sizes, where a server is known.
    ShortAndLong(u16, &'static str),
    /// A ClientHello to the target's port, or to 443.
    Tls,
    /// An echo request.
    Icmp,
    /// The path's MTU, with echo requests.
    PathMtu,
    /// [`NOBODY`] below each search domain.
    SearchDomains,
    /// A name, over UDP and TCP: the API server's for the cluster's DNS, the internet's for others.
    Dns,
}

/// A label below which nobody has a name. Who has an address for it has one for every name.
pub const NOBODY: &str = "kcilium-nobody-has-this-name";

/// What is asked where. Ports are those that answer everywhere: 10250 is the kubelet's, 4240 that of
/// Cilium's health endpoint, which every node has as a pod of its own; a refusal answers too.
pub const ROWS: [(Destination, &[Asked]); 12] = [
    (Destination::Gateway, &[Asked::Tcp(53), Asked::Tcp(80), Asked::Icmp]),
    (Destination::Lan, &[Asked::Tcp(443), Asked::Icmp]),
    (Destination::OtherNode, &[Asked::Tcp(10250), Asked::Icmp, Asked::PathMtu]),
    (Destination::PodSameNode, &[Asked::Tcp(4240), Asked::Icmp]),
    (
        Destination::PodOtherNode,
        &[Asked::Tcp(4240), Asked::ShortAndLong(4240, "/hello"), Asked::Icmp, Asked::PathMtu],
    ),
    (Destination::ClusterDns, &[Asked::Dns]),
    (Destination::ClusterDnsPod, &[Asked::Dns]),
    (Destination::ApiService, &[Asked::Tls]),
    (Destination::Resolver, &[Asked::Dns]),
    (Destination::SearchDomain, &[Asked::SearchDomains]),
    (
        Destination::InternetByAddress,
        &[Asked::Tcp(443), Asked::Tcp(80), Asked::Icmp, Asked::PathMtu],
    ),
    (Destination::InternetByName, &[Asked::Tls, Asked::Http]),
];

/// A check of pods' egress, and the cells that it compares. How it judges them is for
/// [causes](crate::causes) to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its code.
    pub code: &'static str,
    /// What it tells.
    pub title: &'static str,
    /// What it reads.
    pub cells: &'static [Cell],
}

/// The checks, in the order of their codes. EG-03, EG-04 and EG-08 to EG-10 compare the same cells
/// with what else is known: SNAT rules, policies, egress gateways, Services' external addresses, and
/// earlier runs.
pub const CHECKS: [Check; 10] = [
    check("EG-01", "host and pod fail alike", &[POD_IP, HOST_IP, POD_NAME, HOST_NAME]),
    check("EG-02", "the host gets out, its pods do not", &OUT),
    check("EG-03", "no address translation for pods", &OUT),
    check("EG-04", "some pods, or some policies only", &OUT),
    check("EG-05", "answers die on the way back", &OUT),
    check("EG-06", "pods reach other nodes with their own addresses", &[POD_NODE, HOST_NODE]),
    check("EG-07", "a wall in front of the target", &[POD_IP, HOST_IP, POD_NAME, HOST_NAME]),
    check("EG-08", "an egress gateway takes the traffic", &[POD_IP, POD_NAME]),
    check("EG-09", "the target is an external address of a Service", &[POD_IP, POD_LAN]),
    check("EG-10", "now and then only", &[POD_IP, POD_NAME, POD_REMOTE]),
];

const POD_IP: Cell = Cell::new(Vantage::Pod, Destination::InternetByAddress);
const POD_NAME: Cell = Cell::new(Vantage::Pod, Destination::InternetByName);
const POD_LAN: Cell = Cell::new(Vantage::Pod, Destination::Lan);
const POD_NODE: Cell = Cell::new(Vantage::Pod, Destination::OtherNode);
const POD_REMOTE: Cell = Cell::new(Vantage::Pod, Destination::PodOtherNode);
const HOST_IP: Cell = Cell::new(Vantage::Host, Destination::InternetByAddress);
const HOST_NAME: Cell = Cell::new(Vantage::Host, Destination::InternetByName);
const HOST_NODE: Cell = Cell::new(Vantage::Host, Destination::OtherNode);

/// Everything outside the cluster, for pods and, as a control, for the host.
const OUT: [Cell; 8] = [
    Cell::new(Vantage::Pod, Destination::Gateway),
    POD_LAN,
    POD_IP,
    POD_NAME,
    Cell::new(Vantage::Host, Destination::Gateway),
    Cell::new(Vantage::Host, Destination::Lan),
    HOST_IP,
    HOST_NAME,
];

const fn check(code: &'static str, title: &'static str, cells: &'static [Cell]) -> Check {
    Check { code, title, cells }
}

impl Vantage {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pod, Self::Host, Self::AllowedPod];

    /// The word in ids.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Host => "host",
            Self::AllowedPod => "allowed-pod",
        }
    }
}

impl Destination {
    /// The word in ids.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Lan => "lan",
            Self::OtherNode => "other-node",
            Self::PodSameNode => "pod-same-node",
            Self::PodOtherNode => "pod-other-node",
            Self::ClusterDns => "cluster-dns",
            Self::ClusterDnsPod => "cluster-dns-pod",
            Self::ApiService => "api-service",
            Self::Resolver => "resolver",
            Self::SearchDomain => "search-domain",
            Self::InternetByAddress => "internet-address",
            Self::InternetByName => "internet-name",
        }
    }
}

impl Cell {
    const fn new(vantage: Vantage, destination: Destination) -> Self {
        Self { vantage, destination }
    }

    /// The id of a probe of this cell: `pod/internet-address/tcp/1.1.1.1:443`.
    pub fn id(self, probe: &str) -> ProbeId {
        ProbeId::from(format!("{}/{}/{probe}", self.vantage.word(), self.destination.word()))
    }

    /// The cell that a probe belongs to; `None` for probes outside the matrix.
    pub fn of(id: &ProbeId) -> Option<Self> {
        let mut parts = id.as_str().split('/');
        let (vantage, destination) = (parts.next()?, parts.next()?);
        Some(Self {
            vantage: Vantage::ALL.into_iter().find(|known| known.word() == vantage)?,
            destination: ROWS
                .iter()
                .map(|(known, _)| *known)
                .find(|known| known.word() == destination)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_their_cells() {
        for vantage in Vantage::ALL {
            for (destination, _) in ROWS {
                let cell = Cell { vantage, destination };
                assert_eq!(Cell::of(&cell.id("tcp/[2001:db8::1]:443")), Some(cell));
            }
        }
        for other in ["", "pod", "pod/", "node/lan/tcp", "pod/moon/tcp"] {
            assert_eq!(Cell::of(&other.into()), None, "{other}");
        }
    }

    #[test]
    fn codes_are_in_order_and_every_cell_is_probed() {
        let codes: Vec<String> = (1..=10).map(|number| format!("EG-{number:02}")).collect();
        assert_eq!(CHECKS.map(|check| check.code).to_vec(), codes);
        for cell in CHECKS.iter().flat_map(|check| check.cells) {
            assert!(ROWS.iter().any(|(destination, asked)| {
                *destination == cell.destination && !asked.is_empty()
            }));
        }
    }
}
