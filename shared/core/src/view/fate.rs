//! What happens with a packet: the kernel's word, explained by our own lookup.

use std::net::IpAddr;

use super::NodeView;
use crate::{
    facts::{Family, LinkName, LookupAnswer, LookupRefusal, Route, Unavailable},
    routing::Decision,
};

/// What happens with a packet of a node to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It leaves by one of these devices; several share the packets.
    Leaves {
        /// Devices with the gateway each hands the packet to.
        hops: Vec<(LinkName, Option<IpAddr>)>,
        /// The route that decides, where our own lookup agrees with the kernel about it.
        route: Option<&'a Route>,
        /// Who says so.
        source: FateSource,
    },
    /// It is refused.
    Refused {
        /// How.
        refusal: LookupRefusal,
        /// Who says so.
        source: FateSource,
    },
    /// Neither the kernel was asked nor are the routes known.
    Unknown(&'a Unavailable),
}

/// Who says what happens with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FateSource {
    /// The kernel, asked with RTM_GETROUTE.
    Kernel,
    /// The lookup over recorded rules and routes.
    Computed,
    /// The same, but the rules were not recorded and the kernel's defaults stand in.
    ComputedWithDefaultRules,
}

impl std::fmt::Display for FateSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kernel => "kernel route lookup",
            Self::Computed => "lookup in the recorded routes",
            Self::ComputedWithDefaultRules => {
                "lookup in the recorded routes, assuming default policy rules"
            }
        })
    }
}

impl<'a> Fate<'a> {
    pub(super) fn of(node: &NodeView<'a>, address: IpAddr) -> Self {
        let computed = node.router().map(|router| {
            let source = if router.rules_are_assumed(Family::of(address)) {
                FateSource::ComputedWithDefaultRules
            } else {
                FateSource::Computed
            };
            Self::computed(router.look_up(address), source)
        });
        let Some(lookup) = node.kernel_lookup(address) else {
            return computed.unwrap_or_else(Self::Unknown);
        };
        match &lookup.answer {
            LookupAnswer::Refused(refusal) => {
                Self::Refused { refusal: *refusal, source: FateSource::Kernel }
            }
            LookupAnswer::Route { link, gateway, .. } => Self::Leaves {
                hops: vec![(link.clone(), *gateway)],
                route: computed.ok().and_then(|fate| fate.route_by(link)),
                source: FateSource::Kernel,
            },
        }
    }

    fn computed(decision: Decision<'a>, source: FateSource) -> Self {
        match decision {
            Decision::Route { route, hops, .. } => Self::Leaves {
                hops: hops
                    .iter()
                    .filter_map(|hop| Some((hop.link.clone()?, hop.gateway)))
                    .collect(),
                route: Some(route),
                source,
            },
            Decision::Refused { refusal, .. } => Self::Refused { refusal, source },
        }
    }

    /// The route, if it leaves by the device.
    fn route_by(&self, link: &LinkName) -> Option<&'a Route> {
        match self {
            Self::Leaves { route, .. } => {
                route.filter(|route| route.links().any(|other| other == link))
            }
            _ => None,
        }
    }

    /// Device by which the packet is handed to Cilium, if it is on any path.
    pub fn into_cilium(&self) -> Option<&LinkName> {
        match self {
            Self::Leaves { hops, .. } => {
                hops.iter().map(|(link, _)| link).find(|link| link.leads_into_cilium())
            }
            _ => None,
        }
    }

    /// The fate as `ip route get` would tell it.
    pub fn in_words(&self) -> String {
        match self {
            Self::Leaves { hops, route, .. } => {
                let ways: Vec<String> = hops
                    .iter()
                    .map(|(link, gateway)| match gateway {
                        Some(gateway) => format!("via {gateway} dev {link}"),
                        None => format!("dev {link}"),
                    })
                    .collect();
                let ways = ways.join(" or ");
                match route {
                    Some(route) => format!("{ways}, by the route {}", route.destination),
                    None => ways,
                }
            }
            Self::Refused { refusal, .. } => refusal.to_string(),
            Self::Unknown(why) => format!("unknown ({why})"),
        }
    }
}
