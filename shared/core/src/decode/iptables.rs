//! What `iptables-save` prints, counted: by [`Counter`] line by line, or on a node by [`AWK`], whose
//! lines [`counts`] reads. A cluster of ten thousand Services has several megabytes of rules on each
//! node, which nobody needs to send anywhere.

use std::collections::BTreeMap;

use super::DecodeError;
use crate::facts::ChainCount;

/// Beginnings of names that end in a hash: kube-proxy's, for Services, their endpoints, their
/// external and their load balancers' addresses; and Calico's. Those of ufw and firewalld end in what
/// nobody asks for: the direction, and the zone.
const HASHED: [&str; 14] = [
    "KUBE-SVC-",
    "KUBE-SEP-",
    "KUBE-EXT-",
    "KUBE-XLB-",
    "KUBE-SVL-",
    "KUBE-FW-",
    "cali-",
    "KUBE-NWPLCY-",
    "ufw-",
    "ufw6-",
    "IN_",
    "FWD_",
    "FWDI_",
    "FWDO_",
];

/// Beginnings of names that are kept.
const KEPT: [&str; 5] = ["KUBE-", "CILIUM_", "OLD_CILIUM_", "FLANNEL-", "DOCKER"];

/// The kernel's own chains.
const BUILT_IN: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// So many names are told apart; what comes after them is counted as `*`.
const MAX_NAMES: usize = 200;

/// The same as a program for `awk`, which gets what `iptables-save` printed and a line
/// `exit CODE` after it, and ends with that code. The tests hold it against [`Counter`].
pub const AWK: &str = include_str!("iptables.awk");

/// Counts the rules in what `iptables-save` prints, with or without `-c`.
#[derive(Debug, Default)]
pub struct Counter {
    table: String,
    counts: BTreeMap<(String, String), ChainCount>,
}

impl Counter {
    /// Takes one line.
    pub fn line(&mut self, line: &str) {
        if let Some(table) = line.strip_prefix('*') {
            table.trim().clone_into(&mut self.table);
        } else if let Some(chain) = line.strip_prefix(':') {
            let name = group(chain.split(' ').next().unwrap_or_default());
            self.of(&name).chains += 1;
        } else if line.starts_with(['-', '[']) {
            self.rule(line);
        }
    }

    fn rule(&mut self, line: &str) {
        // `-c` puts the counters before the rule.
        let mut words = line.split_ascii_whitespace().skip_while(|word| word.starts_with('['));
        let (Some("-A"), Some(chain)) = (words.next(), words.next()) else { return };
        let name = group(chain);
        self.of(&name).rules += 1;
        // A comment may hold the same letters, and stands before.
        let mut target = None;
        while let Some(word) = words.next() {
            if matches!(word, "-j" | "-g") {
                target = words.next();
            }
        }
        match target.map(group) {
            Some(name) if name != "*" => self.of(&name).jumps += 1,
            _ => {}
        }
    }

    fn of(&mut self, name: &str) -> &mut ChainCount {
        let key = (self.table.clone(), name.to_owned());
        let is_full = self.counts.len() >= MAX_NAMES && !self.counts.contains_key(&key);
        let key = if is_full { (self.table.clone(), "*".to_owned()) } else { key };
        self.counts.entry(key).or_default()
    }

    /// What was counted, by table and name.
    pub fn finish(self) -> Vec<ChainCount> {
        let counts = self.counts.into_iter();
        counts.map(|((table, chain), count)| ChainCount { table, chain, ..count }).collect()
    }
}

/// Counts a whole text.
pub fn saved(text: &str) -> Vec<ChainCount> {
    let mut counter = Counter::default();
    text.lines().for_each(|line| counter.line(line));
    counter.finish()
}

/// What [`AWK`] printed: `TABLE CHAIN CHAINS RULES JUMPS`.
///
/// # Errors
/// On any other line; the error shows it.
pub fn counts(text: &str) -> Result<Vec<ChainCount>, DecodeError> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let error = || DecodeError::new(format!("`{}` counts nothing", line.escape_default()));
        let words: Vec<&str> = line.split(' ').collect();
        let [table, chain, numbers @ ..] = words.as_slice() else { return Err(error()) };
        let numbers: Result<Vec<u32>, _> = numbers.iter().map(|word| word.parse()).collect();
        let Ok([chains, rules, jumps]) = numbers.as_deref() else { return Err(error()) };
        let (table, chain) = ((*table).to_owned(), (*chain).to_owned());
        let count = ChainCount { table, chain, chains: *chains, rules: *rules, jumps: *jumps };
        found.insert((count.table.clone(), count.chain.clone()), count);
    }
    Ok(found.into_values().collect())
}

/// The name under which a chain is counted.
fn group(chain: &str) -> String {
    if let Some(prefix) = HASHED.iter().find(|prefix| chain.starts_with(**prefix)) {
        return format!("{prefix}*");
    }
    let is_kept = BUILT_IN.contains(&chain) || KEPT.iter().any(|prefix| chain.starts_with(prefix));
    if is_kept { chain.to_owned() } else { "*".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAMES, counts, saved};

    const KUBE_PROXY: &str = "\
# Generated by iptables-save v1.8.9 (nf_tables) on Mon Nov 23 01:26:54 2026
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-TCOU7JCQXEZGVUNU - [0:0]
:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]
:KUBE-SEP-GMYNOVMCPNTBYHZT - [0:0]
:mine - [0:0]
-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES
-A PREROUTING -m comment --comment \"not -j KUBE-SERVICES\" -j mine
-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m udp --dport 53 -j KUBE-SVC-TCOU7JCQXEZGVUNU
[12:720] -A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SVC-TCOU7JCQXEZGVUNU -j KUBE-SEP-GMYNOVMCPNTBYHZT
-A KUBE-SEP-GMYNOVMCPNTBYHZT -p udp -m udp -j DNAT --to-destination 10.244.1.7:53
-A mine -j RETURN
COMMIT
*filter
:INPUT ACCEPT [0:0]
COMMIT
";

    fn printed(text: &str) -> Vec<String> {
        let counts = saved(text).into_iter();
        let line = |it: crate::facts::ChainCount| {
            format!("{} {} {} {} {}", it.table, it.chain, it.chains, it.rules, it.jumps)
        };
        counts.map(line).collect()
    }

    #[test]
    fn chains_rules_and_jumps_are_counted() {
        let expected = [
            "filter INPUT 1 0 0",
            "nat * 1 1 0",
            "nat KUBE-MARK-MASQ 1 0 0",
            "nat KUBE-SEP-* 1 1 1",
            "nat KUBE-SERVICES 1 2 1",
            "nat KUBE-SVC-* 2 1 2",
            "nat PREROUTING 1 2 0",
        ];
        assert_eq!(printed(KUBE_PROXY), expected);
    }

    #[test]
    fn counts_are_read_back() {
        let text = printed(KUBE_PROXY).join("\n");
        assert_eq!(counts(&text).unwrap(), saved(KUBE_PROXY));
        for broken in ["nat", "nat KUBE-SVC-* 1 2", "nat KUBE-SVC-* 1 2 x", "nat a 1 2 3 4", ""] {
            let error = counts(&format!("{broken}\n")).map(|_| ()).unwrap_err().to_string();
            assert!(error.ends_with("counts nothing"), "{error}");
        }
    }

    #[test]
    fn names_without_end_are_one() {
        let chains: Vec<String> = (0..10_000).map(|it| format!(":KUBE-{it} - [0:0]")).collect();
        let found = saved(&format!("*nat\n{}", chains.join("\n")));
        assert_eq!(found.len(), MAX_NAMES + 1);
        assert_eq!(found.iter().map(|count| count.chains).sum::<u32>(), 10_000);
    }
}
