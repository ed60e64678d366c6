//! Nodes in a sentence.

use kcilium_core::facts::NodeName;

use super::Detail;

/// Nodes that the normal report names.
const SHOWN: usize = 5;

/// `on node1`, `on 3 of 5 nodes: node1, node2, node4`, `on all 3 nodes`.
pub(super) fn node_list(nodes: &[&NodeName], of: usize, detail: Detail) -> String {
    let how_many = match (nodes, of) {
        ([node], _) => return format!("on {node}"),
        (nodes, of) if nodes.len() == of => return format!("on all {of} nodes"),
        (nodes, of) if nodes.len() < of => format!("{} of {of}", nodes.len()),
        _ => nodes.len().to_string(),
    };
    let shown = if detail == Detail::Full { nodes.len() } else { SHOWN.min(nodes.len()) };
    let names: Vec<&str> = nodes[..shown].iter().map(|node| node.as_str()).collect();
    let names = names.join(", ");
    match nodes.len() - shown {
        0 => format!("on {how_many} nodes: {names}"),
        more => format!("on {how_many} nodes: {names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_among_all() {
        let names: Vec<NodeName> =
            (1..=7).map(|number| NodeName::from(&*format!("node{number}"))).collect();
        let list = |count: usize, of, detail| {
            node_list(&names[..count].iter().collect::<Vec<_>>(), of, detail)
        };
        assert_eq!(list(1, 1, Detail::Normal), "on node1");
        assert_eq!(list(1, 5, Detail::Normal), "on node1");
        assert_eq!(list(3, 5, Detail::Normal), "on 3 of 5 nodes: node1, node2, node3");
        assert_eq!(list(3, 3, Detail::Normal), "on all 3 nodes");
        // How many there are is not known.
        assert_eq!(list(2, 0, Detail::Normal), "on 2 nodes: node1, node2");
        assert_eq!(
            list(7, 9, Detail::Normal),
            "on 7 of 9 nodes: node1, node2, node3, node4, node5 and 2 more"
        );
        let full = list(7, 9, Detail::Full);
        assert!(full.ends_with("node6, node7"), "{full}");
    }
}
