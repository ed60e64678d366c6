//! The flags of K3s and RKE2, which their nodes carry as an annotation. Those of a configuration
//! file are among them.

use kcilium_core::facts::KubeNode;

/// Flags of a node's server or agent.
pub(super) struct NodeArguments {
    words: Vec<String>,
}

impl NodeArguments {
    /// Those of a node that has them.
    pub(super) fn of(node: &KubeNode) -> Option<Self> {
        let names = ["k3s.io/node-args", "rke2.io/node-args"];
        let text = names.iter().find_map(|name| node.annotations.get(*name))?;
        Some(Self { words: serde_json::from_str(text).ok()? })
    }

    /// Whether they are a server's: only servers are told what to leave out.
    pub(super) fn is_server(&self) -> bool {
        self.words.first().is_some_and(|word| word == "server")
    }

    /// The value of a flag, given without its dashes: `--a=b`, `--a b`; empty for `--a` alone.
    pub(super) fn value(&self, flag: &str) -> Option<&str> {
        fn bare(word: &str) -> &str {
            word.trim_start_matches('-')
        }
        let mut words = self.words.iter().peekable();
        while let Some(word) = words.next() {
            if !word.starts_with('-') {
                continue;
            }
            if bare(word) == flag {
                let next = words.peek().filter(|next| !next.starts_with('-'));
                return Some(next.map_or("", |next| next.as_str()));
            }
            if let Some((name, value)) = word.split_once('=')
                && bare(name) == flag
            {
                return Some(value);
            }
        }
        None
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, flag: &str) -> bool {
        self.value(flag).is_some_and(|value| matches!(value, "" | "true" | "1"))
    }
}
