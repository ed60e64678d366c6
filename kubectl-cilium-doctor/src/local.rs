//! This host, over netlink and from its files.

use kcilium_cli::Failure;
use kcilium_core::facts::Facts;

use crate::args::Source;

/// Reads this host.
#[cfg(target_os = "linux")]
pub(crate) fn read(source: &Source) -> Result<Facts, Failure> {
    use kcilium_core::{facts, view::View};

    if !source.root.is_dir() {
        return Err(Failure::usage(format!("--root {}: not a folder", source.root.display())));
    }
    let mut host = kcilium_node::Host::new(kcilium_node::HostRoot::new(&source.root));
    if let Some(name) = &source.node_name {
        host = host.with_name(facts::NodeName::from(name.as_str()));
    }
    kcilium_cli::interrupt::block_on(async {
        let mut facts = Facts {
            origin: facts::Origin {
                source: facts::Source::LocalHost,
                collected_at: Some(
                    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                ),
                collector: Some(
                    concat!("kubectl-cilium_doctor ", env!("CARGO_PKG_VERSION")).into(),
                ),
                cluster: None,
                note: None,
            },
            declared: source.declared(),
            nodes: vec![kcilium_node::collect(&host).await],
            ..Facts::default()
        };
        // Which addresses matter is known only now; the kernel's word about them is the evidence.
        let questions = View::new(&facts).questions();
        for node in &mut facts.nodes {
            node.lookups = kcilium_node::look_up(&questions).await;
        }
        facts.declared = facts::Declared::default();
        facts
    })
}

/// Reads this host.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read(_: &Source) -> Result<Facts, Failure> {
    Err(Failure::usage("--local reads Linux hosts only")
        .hint("take a snapshot on the node, and read it here with --from FILE"))
}
