//! Overlap of large prefix sets, and lookups in large tables: a host that takes a full view of a
//! network's routes, and a cluster of 10 000 nodes.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    ops::ControlFlow,
};

use criterion::{Criterion, criterion_group, criterion_main};
use ipnet::{IpNet, Ipv4Net};
use kcilium_core::{
    decode::iproute2,
    facts::{Fact, NextHop, NodeFacts, Route, RouteKind, RouteProtocol, RouteScope, TableId},
    prefix::{PrefixIndex, for_each_overlap},
    routing::{Router, Table},
};

const ROUTES: usize = 100_000;
const POD_CIDRS: u32 = 10_000;
const ADDRESSES: usize = 10_000;

/// The same numbers in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// An address: half of them of sites (10.0.0.0/8, 172.16.0.0/12), half of the internet.
    fn address(&mut self) -> Ipv4Addr {
        let bits = u32::try_from(self.next() >> 32).unwrap_or(0);
        Ipv4Addr::from_bits(match self.below(4) {
            0 => 0x0a00_0000 | (bits >> 8),
            1 => 0xac10_0000 | (bits >> 12),
            _ => 0x0100_0000 | (bits >> 1),
        })
    }

    /// Lengths as they are in routing tables: /24 before all, hosts, and some large networks.
    fn length(&mut self) -> u8 {
        match self.below(20) {
            0..12 => 24,
            12..15 => 32,
            15..17 => 22,
            17..19 => 20,
            _ => 16,
        }
    }
}

fn network(address: Ipv4Addr, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(address, length).trunc())
}

fn routes() -> Vec<Route> {
    let mut numbers = Numbers(1);
    let mut routes: Vec<Route> = (0..ROUTES)
        .map(|_| {
            let address = numbers.address();
            let gateway = Ipv4Addr::from_bits(0x0a00_0001 + (address.to_bits() & 7));
            Route {
                destination: network(address, numbers.length()),
                kind: RouteKind::Unicast,
                table: TableId::MAIN,
                protocol: RouteProtocol::BIRD,
                scope: RouteScope::GLOBAL,
                metric: 32,
                tos: 0,
                preferred_source: None,
                source: None,
                mtu: None,
                next_hops: vec![NextHop {
                    link: Some("eth0".into()),
                    gateway: Some(gateway.into()),
                    ..NextHop::default()
                }],
            }
        })
        .collect();
    routes[0].destination = network(Ipv4Addr::UNSPECIFIED, 0);
    routes
}

/// The first blocks of the chart's default pool.
fn pod_cidrs() -> Vec<IpNet> {
    (0..POD_CIDRS)
        .map(|index| network(Ipv4Addr::from_bits(0x0a00_0000 + index * 256), 24))
        .collect()
}

fn addresses() -> Vec<IpAddr> {
    let mut numbers = Numbers(2);
    (0..ADDRESSES).map(|_| numbers.address().into()).collect()
}

fn overlaps(left: &[IpNet], right: &[IpNet]) -> usize {
    let mut count = 0;
    for_each_overlap(left, right, |_, _| {
        count += 1;
        ControlFlow::Continue(())
    });
    count
}

fn prefixes(criterion: &mut Criterion) {
    let routes = routes();
    let networks: Vec<IpNet> = routes.iter().map(|route| route.destination).collect();
    let (pod_cidrs, addresses) = (pod_cidrs(), addresses());

    let mut group = criterion.benchmark_group("overlap of 100 000 routes with 10 000 pod CIDRs");
    let pairs = overlaps(&networks, &pod_cidrs);
    assert!(pairs > usize::try_from(POD_CIDRS).unwrap_or(0), "{pairs} pairs");
    group.bench_function("sweep", |bencher| {
        bencher.iter(|| overlaps(black_box(&networks), black_box(&pod_cidrs)));
    });
    group.bench_function("index of pod CIDRs, asked for each route", |bencher| {
        bencher.iter(|| {
            let index = PrefixIndex::new(black_box(&pod_cidrs).iter().copied());
            networks.iter().map(|network| index.overlapping(*network).count()).sum::<usize>()
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("100 000 routes");
    group.bench_function("index a table", |bencher| {
        bencher.iter(|| Table::new(black_box(&routes)));
    });
    let table = Table::new(&routes);
    group.bench_function("10 000 lookups in a table", |bencher| {
        bencher.iter(|| {
            let found = |address| table.matching(address).next().is_some();
            black_box(&addresses).iter().filter(|address| found(**address)).count()
        });
    });
    let mut node = NodeFacts::named("node1");
    node.routes = Fact::Known(routes.clone());
    group.bench_function("index a host's rules and tables", |bencher| {
        bencher.iter(|| Router::new(black_box(&node)).is_ok());
    });
    if let Ok(router) = Router::new(&node) {
        group.bench_function("10 000 lookups through rules and tables", |bencher| {
            bencher.iter(|| {
                for address in black_box(&addresses) {
                    black_box(router.look_up(*address));
                }
            });
        });
    }
    group.sample_size(10);
    let printed = printed(&routes);
    group.bench_function("decode the output of ip -j", |bencher| {
        bencher.iter(|| iproute2::routes(black_box(&printed)).is_ok());
    });
    group.finish();
}

/// What `ip -N -j route` prints of routes.
fn printed(routes: &[Route]) -> String {
    let entries: Vec<serde_json::Value> = routes
        .iter()
        .map(|route| {
            serde_json::json!({
                "dst": route.destination, "gateway": route.next_hops[0].gateway, "dev": "eth0",
                "protocol": "12", "metric": route.metric, "flags": [],
            })
        })
        .collect();
    serde_json::Value::Array(entries).to_string()
}

criterion_group!(benches, prefixes);
criterion_main!(benches);
