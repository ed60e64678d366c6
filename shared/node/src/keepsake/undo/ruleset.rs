//! Chains in what `iptables-save` prints, line by line as they stand there.

use std::fmt::Write as _;

use kcilium_core::leftovers::{Chain, Feeder, HostState};

/// How comments of rules that lead to Cilium's chains begin.
const FEEDER: &str = "cilium-feeder: ";

/// The text of the tables that a chain is in.
pub(super) fn text<'a>(state: &'a HostState, chain: &Chain) -> Result<&'a str, String> {
    let ruleset = state
        .netfilter
        .iter()
        .find(|ruleset| (ruleset.backend, ruleset.family) == (chain.backend, chain.family));
    match ruleset.map(|ruleset| ruleset.text.get()) {
        Some(Ok(text)) => Ok(text),
        Some(Err(why)) => Err(why.to_string()),
        None => {
            Err(format!("{} rules of iptables ({}) were not read", chain.family, chain.backend))
        }
    }
}

/// The rules of a chain, without the chain's name; none where there is no such chain.
pub(super) fn rules<'a>(text: &'a str, chain: &Chain) -> Option<Vec<&'a str>> {
    let mut in_table = false;
    let mut rules: Option<Vec<&str>> = None;
    for line in text.lines() {
        if let Some(table) = line.strip_prefix('*') {
            in_table = table.trim() == chain.table;
            continue;
        }
        if !in_table {
            continue;
        }
        if let Some(declared) = line.strip_prefix(':') {
            if declared.split(' ').next() == Some(&chain.name) {
                rules = Some(Vec::new());
            }
        } else if let Some(rest) = line.strip_prefix("-A ")
            && let Some((name, rule)) = rest.split_once(' ')
            && name == chain.name
        {
            rules.get_or_insert_default().push(rule);
        }
    }
    rules
}

/// Whether a line is the rule that leads to the chain.
pub(super) fn is_feeder(line: &str, feeder: &Feeder) -> bool {
    let target = feeder.rule.last().map(String::as_str).unwrap_or_default();
    line.contains(FEEDER) && line.split(' ').next_back() == Some(target)
}

/// Where the rule has to be inserted, from 1: after those rules that stood before it, and still
/// stand.
pub(super) fn position(saved: &[&str], now: &[&str], feeder: &Feeder) -> usize {
    let before = saved.iter().take_while(|line| !is_feeder(line, feeder));
    before.filter(|line| now.contains(line)).count() + 1
}

/// A rule that puts the proxy's mark on more than it should: an iptables that does not know the
/// match for sockets leaves it out when it prints the rule, and what is left sends every packet to
/// the proxy's table, in which everything is this host.
pub(super) fn marks_everything(rule: &str) -> bool {
    let sets_mark = ["--set-xmark 0x200/", "--set-mark 0x200"];
    sets_mark.iter().any(|words| rule.contains(words)) && !rule.contains("-m socket")
}

/// What `iptables-restore --noflush` makes lacking chains of.
pub(super) fn input(state: &HostState, chains: &[&Chain]) -> Result<String, String> {
    let mut tables: Vec<&str> = chains.iter().map(|chain| chain.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut input = String::new();
    for table in tables {
        // Writing to a string cannot fail.
        let _ = writeln!(input, "*{table}");
        let chains = || chains.iter().filter(|chain| chain.table == table);
        for chain in chains() {
            let _ = writeln!(input, ":{} - [0:0]", chain.name);
        }
        for chain in chains() {
            for rule in rules(text(state, chain)?, chain).unwrap_or_default() {
                let _ = writeln!(input, "-A {} {rule}", chain.name);
            }
        }
        input.push_str("COMMIT\n");
    }
    Ok(input)
}

#[cfg(test)]
mod tests {
    use kcilium_core::facts::{Fact, Family};
    use kcilium_core::leftovers::{Backend, Ruleset};

    use super::*;

    const TEXT: &str = "*nat\n:CILIUM_POST_nat - [0:0]\n-A CILIUM_POST_nat -j ACCEPT\nCOMMIT\n\
        *mangle\n:PREROUTING ACCEPT [1:2]\n:CILIUM_PRE_mangle - [0:0]\n:CILIUM_POST_nat - [0:0]\n\
        -A PREROUTING -i eth1 -j ACCEPT\n\
        -A PREROUTING -m comment --comment \"cilium-feeder: CILIUM_PRE_mangle\" -j CILIUM_PRE_mangle\n\
        -A PREROUTING -i eth2 -j ACCEPT\n\
        -A CILIUM_PRE_mangle -m socket --transparent -j MARK --set-xmark 0x200/0xffffffff\n\
        COMMIT\n";

    fn chain(table: &str, name: &str) -> Chain {
        let (table, name) = (table.into(), name.into());
        Chain { backend: Backend::Nft, family: Family::V4, table, name }
    }

    #[test]
    fn chains_are_of_one_table() {
        let rules = |table, name| rules(TEXT, &chain(table, name));
        assert_eq!(rules("nat", "CILIUM_POST_nat"), Some(vec!["-j ACCEPT"]));
        assert_eq!(rules("mangle", "CILIUM_POST_nat"), Some(vec![]));
        assert_eq!(rules("filter", "CILIUM_POST_nat"), None);
    }

    #[test]
    fn a_feeder_comes_after_what_stood_before_it() {
        let rule = ["-m", "comment", "--comment", "cilium-feeder: x", "-j", "CILIUM_PRE_mangle"];
        let rule = rule.map(str::to_owned).to_vec();
        let feeder = Feeder { chain: chain("mangle", "PREROUTING"), rule };
        let saved = rules(TEXT, &feeder.chain).unwrap();
        assert_eq!(position(&saved, &["-i eth1 -j ACCEPT", "-i eth2 -j ACCEPT"], &feeder), 2);
        assert_eq!(position(&saved, &["-i eth2 -j ACCEPT"], &feeder), 1);
    }

    #[test]
    fn only_lacking_chains_are_declared() {
        let text = Fact::Known(TEXT.to_owned());
        let ruleset = Ruleset { backend: Backend::Nft, family: Family::V4, text };
        let state = HostState { netfilter: vec![ruleset], ..HostState::default() };
        assert_eq!(
            input(&state, &[&chain("nat", "CILIUM_POST_nat")]).unwrap(),
            "*nat\n:CILIUM_POST_nat - [0:0]\n-A CILIUM_POST_nat -j ACCEPT\nCOMMIT\n"
        );
    }

    #[test]
    fn a_rule_that_lost_its_match_is_known() {
        assert!(marks_everything("! -o lo -j MARK --set-xmark 0x200/0xffffffff"));
        assert!(!marks_everything("-m socket --transparent -j MARK --set-xmark 0x200/0xffffffff"));
        assert!(!marks_everything("-j MARK --set-xmark 0xc00/0xf00"));
    }
}
