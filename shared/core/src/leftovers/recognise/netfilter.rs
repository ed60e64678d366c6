//! Chains of iptables and the rules that lead to them, from what `iptables-save` prints.

use std::collections::BTreeSet;

use crate::leftovers::{Chain, Fate, Feeder, HostState, Item, Leftover, Proof, Ruleset};

/// Tables and the chains that the agent makes in them.
const CHAINS: [(&str, &[&str]); 4] = [
    ("filter", &["CILIUM_INPUT", "CILIUM_OUTPUT", "CILIUM_FORWARD"]),
    ("nat", &["CILIUM_POST_nat", "CILIUM_OUTPUT_nat", "CILIUM_PRE_nat"]),
    ("mangle", &["CILIUM_PRE_mangle", "CILIUM_POST_mangle"]),
    ("raw", &["CILIUM_OUTPUT_raw", "CILIUM_PRE_raw"]),
];

/// While the agent makes its chains anew, the old ones are called so; one that crashes leaves them.
const OLD: &str = "OLD_";
const PREFIX: &str = "CILIUM_";
/// How the comments of rules that lead to Cilium's chains begin.
const FEEDER: &str = "cilium-feeder: ";

/// Feeders first: a chain that is still referred to cannot be deleted.
pub(super) fn items(state: &HostState) -> Vec<Item> {
    let mut feeders = Vec::new();
    let mut chains = Vec::new();
    for ruleset in &state.netfilter {
        let Some(text) = ruleset.text.known() else {
            continue;
        };
        for table in tables(text) {
            feeders.extend(table.feeders(ruleset));
            chains.extend(table.chains(ruleset));
        }
    }
    feeders.append(&mut chains);
    feeders
}

/// A table of `iptables-save`.
struct Table<'a> {
    name: &'a str,
    chains: Vec<&'a str>,
    /// Chain and the rest of the words.
    rules: Vec<(String, Vec<String>)>,
}

fn tables(text: &str) -> Vec<Table<'_>> {
    let mut tables: Vec<Table<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            tables.push(Table { name: name.trim(), chains: Vec::new(), rules: Vec::new() });
            continue;
        }
        let Some(table) = tables.last_mut() else {
            continue;
        };
        if let Some(chain) = line.strip_prefix(':') {
            table.chains.extend(chain.split_whitespace().next());
        } else if let Some(rule) = line.strip_prefix("-A ") {
            let mut words = words(rule).into_iter();
            table.rules.extend(words.next().map(|chain| (chain, words.collect())));
        }
    }
    tables
}

impl Table<'_> {
    fn chain(&self, ruleset: &Ruleset, name: &str) -> Chain {
        Chain {
            backend: ruleset.backend,
            family: ruleset.family,
            table: self.name.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Chains that a rule with Cilium's comment leads to.
    fn fed(&self) -> BTreeSet<&str> {
        let fed = self.rules.iter().filter(|(_, rule)| is_feeder(rule));
        fed.filter_map(|(_, rule)| target(rule)).collect()
    }

    fn chains(&self, ruleset: &Ruleset) -> Vec<Item> {
        let fed = self.fed();
        let ours = self.chains.iter().filter(|name| has_prefix(name));
        ours.map(|name| {
            let (fate, proofs) = if self.is_known(name) {
                (Fate::Remove, vec![Proof::Name])
            } else if fed.contains(name) {
                (Fate::Remove, vec![Proof::Name, Proof::Fed])
            } else {
                let why = format!("no chain of Cilium's in {} is known by this name", self.name);
                (Fate::doubtful(why), vec![])
            };
            Item { what: Leftover::Chain(self.chain(ruleset, name)), fate, proofs }
        })
        .collect()
    }

    fn is_known(&self, name: &str) -> bool {
        let name = name.strip_prefix(OLD).unwrap_or(name);
        CHAINS.iter().any(|(table, chains)| *table == self.name && chains.contains(&name))
    }

    fn feeders(&self, ruleset: &Ruleset) -> Vec<Item> {
        let outside = self.rules.iter().filter(|(chain, _)| !has_prefix(chain));
        let leading = outside.filter(|(_, rule)| target(rule).is_some_and(has_prefix));
        leading
            .map(|(chain, rule)| {
                let (fate, proofs) = if is_feeder(rule) {
                    (Fate::Remove, vec![Proof::FeederComment])
                } else {
                    (Fate::doubtful("it leads to a chain of Cilium's without its comment"), vec![])
                };
                let chain = self.chain(ruleset, chain);
                let what = Leftover::Feeder(Feeder { chain, rule: rule.clone() });
                Item { what, fate, proofs }
            })
            .collect()
    }
}

/// Anchored: `RKE2-CILIUM-…` and comments that mention Cilium are others'.
fn has_prefix(chain: &str) -> bool {
    chain.strip_prefix(OLD).unwrap_or(chain).starts_with(PREFIX)
}

fn is_feeder(rule: &[String]) -> bool {
    argument(rule, "--comment").is_some_and(|comment| comment.starts_with(FEEDER))
}

fn target(rule: &[String]) -> Option<&str> {
    argument(rule, "-j").or_else(|| argument(rule, "-g"))
}

fn argument<'a>(rule: &'a [String], option: &str) -> Option<&'a str> {
    let at = rule.iter().position(|word| word == option)?;
    rule.get(at + 1).map(String::as_str)
}

/// Words of a line of `iptables-save`, which puts words with blanks in double quotes, and a
/// backslash before quotes and backslashes in them.
pub(in crate::leftovers) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => word.get_or_insert_default().extend(characters.next()),
            ' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_hold_words_together() {
        let line = r#"PREROUTING -m comment --comment "a \"b\" \\ c" -j X"#;
        assert_eq!(
            words(line),
            ["PREROUTING", "-m", "comment", "--comment", r#"a "b" \ c"#, "-j", "X"]
        );
        assert_eq!(words(r#"a "" b"#), ["a", "", "b"]);
        assert_eq!(words(r#"a "b"#), ["a", "b"]);
    }
}
