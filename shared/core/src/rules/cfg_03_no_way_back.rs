use ipnet::IpNet;

use super::{
    Evidence, Finding, Judgement, Remedy, Severity,
    pod_networks::{aggregated, pod_networks},
    premise, rule, spelling,
    way_back::{WayBack, ways_back},
};
use crate::{
    facts::{CiliumConfig, Family, NodeAddressKind, RoutingMode},
    prefix::GivenPrefix,
    probe::{
        matrix::Destination,
        readings::{Reading, Readings, Sign},
    },
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether packets of pods that leave the cluster keep the pod's IPv4 address
    /// (`enableIPv4Masquerade: false`), and whether anything is known by which answers find back to
    /// it: addresses or routes of a cloud, BGP, a routing daemon, another plugin or agent that gives
    /// packets the node's address, addresses of the internet, policies by which nothing may leave.
    /// Where one is, it says so, and what is left to check. Probes know better than reasons: where
    /// pods reach what their node reaches, all is well, and where they do not, nothing is. An egress
    /// gateway is no such reason: it needs masquerade.
    ///
    /// Routers' own routes to pods it cannot see. Of a running cluster it therefore asks, and so it
    /// does of one whose machines are a cloud's; of other values that are about to turn masquerade
    /// off it says that pods will reach nothing.
    ///
    /// ## Why it hurts
    /// Routers outside know the nodes, not the pods: they drop such packets, or have no way back for
    /// the answers. Pods reach each other, Services and the nodes, and health checks are green; but
    /// nothing outside, by name or by address, with or without policies. CoreDNS is a pod too:
    /// without its upstream, names outside fail for everybody.
    ///
    /// `autoDirectNodeRoutes` tells nodes about pods, not routers. Nor is it a matter of tunnels:
    /// native routing works with masquerade, and a tunnel without it fails in the same way.
    ///
    /// ## Fix
    /// Any of these: keep the routing mode, and turn masquerade on (native routing then needs
    /// `ipv4NativeRoutingCIDR`); a tunnel, with masquerade; or leave it off, and give the router a
    /// route to each node's pods, by hand or with BGP.
    ///
    /// ## References
    /// - Cilium documentation, "Masquerading", "Routing"
    /// - cilium/cilium issues 24777, 29113
    "CFG-03", Error, Configuration, "nothing brings answers back to pods", judge
}

/// Routes for the router that are shown.
const SHOWN: usize = 5;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !config.ipv4 {
        out.not_applicable("IPv4 is off");
        return;
    }
    if config.masquerade_v4 {
        return;
    }
    let probed = Probed::of(view);
    if let Probed::Lost(evidence) = probed {
        let mut finding = nothing_known(view, config);
        finding.severity = Severity::Error;
        finding.evidence.extend(evidence);
        out.found(finding);
        return;
    }
    let mut ways = ways_back(view, config);
    if let Probed::Reached(evidence) = probed {
        ways.push(WayBack { evidence, caveat: "" });
    }
    let finding = if ways.is_empty() {
        if !is_new(view) {
            out.unknown("ways back to pods", "what routers outside know was not probed");
        }
        nothing_known(view, config)
    } else {
        known(config, ways)
    };
    out.found(finding);
}

/// What pods got from the internet that the nodes reach.
enum Probed {
    /// Nothing; these nodes say so. A reason why answers should find back is none then.
    Lost(Vec<Evidence>),
    /// Answers: routers know the way.
    Reached(Evidence),
    /// Nobody tried, or the nodes themselves got none.
    Unknown,
}

impl Probed {
    fn of(view: &View<'_>) -> Self {
        if view.proposal().is_some() {
            return Self::Unknown;
        }
        let (mut lost, mut reached) = (Vec::new(), None);
        for node in view.nodes() {
            let readings = Readings::of(node.facts);
            let way = Sign::Pod(Destination::InternetByAddress);
            let Some(seen) = readings.seen(way).filter(|_| readings.is_controlled()) else {
                continue;
            };
            let evidence = |fact: &str| {
                Evidence::new(
                    format!("probes of {}", node.name()),
                    format!("{} {fact}", way.in_words()),
                )
            };
            match seen.reading {
                Reading::Fails => lost.push(evidence("fails, and the node gets there")),
                Reading::Works | Reading::Mixed => reached = Some(evidence("works")),
            }
        }
        lost.truncate(SHOWN);
        match reached {
            _ if !lost.is_empty() => Self::Lost(lost),
            Some(evidence) => Self::Reached(evidence),
            None => Self::Unknown,
        }
    }
}

/// Whether masquerade is about to be turned off where nothing speaks for it. A cluster that runs
/// without it may have its reasons; and clouds may have routes to pods, if somebody tells them.
fn is_new(view: &View<'_>) -> bool {
    let live = view.facts.cluster.config.known();
    view.proposal().is_some()
        && live.is_none_or(|live| live.masquerades(Family::V4))
        && !may_have_routes_of_cloud(view)
}

/// Clouds that have route controllers.
const CLOUDS: [&str; 6] = ["alicloud", "aws", "azure", "gce", "hcloud", "openstack"];

fn may_have_routes_of_cloud(view: &View<'_>) -> bool {
    let mut nodes = view.facts.cluster.nodes.items().iter();
    nodes.any(|node| {
        let cloud = node.provider_id.split_once("://");
        cloud.is_some_and(|(cloud, _)| CLOUDS.contains(&cloud)) && !node.pod_cidrs.is_empty()
    })
}

fn off(config: &CiliumConfig, severity: Severity) -> Finding {
    Finding::about(RULE.code, severity, "enableIPv4Masquerade").seen(
        config.origin.clone(),
        format!("enable-ipv4-masquerade false, routing {}", config.routing),
    )
}

fn known(config: &CiliumConfig, ways: Vec<WayBack>) -> Finding {
    let caveats: Vec<&str> =
        ways.iter().map(|way| way.caveat).filter(|caveat| !caveat.is_empty()).collect();
    let remedy = match caveats[..] {
        [] => "nothing, as long as that holds".to_owned(),
        _ => format!("nothing, as long as that holds; {}", caveats.join("; ")),
    };
    let mut finding = off(config, Severity::Info)
        .saying(
            "packets of pods keep the pod's address, and there is a reason why answers may find back",
            "pods reach nothing outside the cluster where that reason does not hold",
        )
        .mended_by(Remedy::text(remedy));
    finding.evidence.extend(ways.into_iter().map(|way| way.evidence));
    finding
}

fn nothing_known(view: &View<'_>, config: &CiliumConfig) -> Finding {
    let remedy = Remedy::text(format!(
        "does your router know the way to the pods, or is nothing meant to leave? Then all is well \
         (`--ignore {}`). If not, any of these helps: {}",
        RULE.code,
        in_words(config)
    ));
    off(config, if is_new(view) { Severity::Error } else { Severity::Warn })
        .saying(
            "packets of pods keep the pod's address, and nothing is known by which answers find back",
            "pods reach nothing outside the cluster, by name or by address; each other they reach",
        )
        .mended_by(
            remedy.with_values(values(view, config)).with_commands(routes_for_router(view)),
        )
}

fn in_words(config: &CiliumConfig) -> &'static str {
    if config.routing == RoutingMode::Native {
        "(a) native routing with masquerade; (b) a tunnel with masquerade; (c) a route to each \
         node's pods on the router, by hand or with BGP"
    } else {
        "(a) native routing with masquerade, where the network between the nodes can carry it; (b) \
         the tunnel with masquerade; (c) a route to each node's pods on the router, by hand or with \
         BGP"
    }
}

/// What keeps the routing mode as it is, to paste; the other one behind `#`.
fn values(view: &View<'_>, config: &CiliumConfig) -> String {
    let native = format!(
        "enableIPv4Masquerade: true\n{}{}",
        native_routing_cidr(view, config),
        if config.auto_direct_node_routes {
            "autoDirectNodeRoutes: true\n"
        } else {
            "# autoDirectNodeRoutes: true  # if the nodes are on one layer 2\n"
        }
    );
    let native = format!("# (a)\n{}{native}", spelling::native(config));
    let vxlan = format!(
        "# (b)\n{}enableIPv4Masquerade: true\nautoDirectNodeRoutes: false\n",
        spelling::vxlan(config)
    );
    if config.routing == RoutingMode::Native {
        native + &commented(&vxlan)
    } else {
        vxlan + &commented(&native)
    }
}

fn commented(values: &str) -> String {
    let lines = values.lines();
    let commented = lines.map(|line| match line.strip_prefix('#') {
        Some(_) => format!("{line}\n"),
        None => format!("# {line}\n"),
    });
    commented.collect()
}

/// The one that is set, where it holds all pods.
fn native_routing_cidr(view: &View<'_>, config: &CiliumConfig) -> String {
    let networks = aggregated(&pod_networks(view, config, Family::V4));
    let given = config.native_routing_cidr_v4.as_deref();
    let given = given.and_then(|text| text.parse::<GivenPrefix>().ok());
    let given = given.map(|given| given.prefix());
    let holds_all = |given: &IpNet| networks.iter().all(|network| given.contains(network));
    match given.filter(holds_all) {
        Some(given) => spelling::native_routing_cidr(Family::V4, &[given]),
        None => spelling::native_routing_cidr(Family::V4, &networks),
    }
}

/// As `ip route` takes them; routers have words of their own.
fn routes_for_router(view: &View<'_>) -> Vec<String> {
    let nodes = view.facts.cluster.cilium_nodes.items().iter();
    let routes: Vec<String> = nodes
        .filter_map(|node| {
            let is_v4 = |prefix: &&IpNet| Family::of_prefix(**prefix) == Family::V4;
            let prefix = node.pod_cidrs.iter().find(is_v4)?;
            let address = node.addresses.iter().find(|known| {
                known.kind == NodeAddressKind::InternalIP && known.address.is_ipv4()
            })?;
            Some(format!("ip route add {prefix} via {}", address.address))
        })
        .collect();
    if routes.is_empty() {
        return Vec::new();
    }
    let more = routes.len().saturating_sub(SHOWN);
    let rest = (more > 0).then(|| format!("# and {more} more nodes in the same way"));
    let heading = "# (c) on the router, in its own words:".to_owned();
    [heading].into_iter().chain(routes.into_iter().take(SHOWN)).chain(rest).collect()
}
