//! What `cilium-bugtool` printed on a node: one file for each command.

use std::{collections::BTreeMap, fmt::Write as _};

use kcilium_core::decode::sysctl;

const HOST_NAME: &str = "hostname";

/// Commands that are read, and what a recording calls their output.
const AS_THEY_ARE: [(&str, &str); 6] = [
    ("ip-a", "ip-addr.txt"),
    ("ip--d--s-l", "ip-link.txt"),
    ("ip-rule", "ip-rule.txt"),
    ("ip--4-rule", "ip-rule.txt"),
    ("ip--6-rule", "ip-6-rule.txt"),
    (RESOLV_CONF, "resolv.conf"),
];

/// `cat /etc/resolv.conf`.
const RESOLV_CONF: &str = "cat--etc-resolv.conf";

/// The main table, others by their numbers, and what a recording calls all of them together. The
/// local table is not there, nor any that has a name.
const ROUTES: [(&str, &str, &str); 2] = [
    ("ip--4-r", "ip--4-route-show-table-", "ip-route.txt"),
    ("ip--6-r", "ip--6-route-show-table-", "ip-6-route.txt"),
];

/// Rules of iptables by their kind: the image has both, and `iptables-save` is one of them.
const NFT: [(&str, &str); 2] = [
    ("iptables-nft-save--c", "iptables-save.txt"),
    ("ip6tables-nft-save--c", "ip6tables-save.txt"),
];
const LEGACY: [(&str, &str); 2] = [
    ("iptables-legacy-save--c", "iptables-legacy-save.txt"),
    ("ip6tables-legacy-save--c", "ip6tables-legacy-save.txt"),
];

/// Whether the output of a command may be large, and is done without where all are too large.
pub(super) fn is_large(command: &str) -> bool {
    NFT.iter().chain(&LEGACY).any(|(name, _)| *name == command)
}

/// Whether the output of a command is read.
pub(super) fn is_read(command: &str) -> bool {
    AS_THEY_ARE.iter().any(|(name, _)| *name == command)
        || ROUTES.iter().any(|(main, other, _)| *main == command || command.starts_with(other))
        || is_large(command)
        || [HOST_NAME, "uname--a", "sysctl--a", "ps-auxfw"].contains(&command)
}

/// The outputs, by their commands.
#[derive(Default)]
pub(super) struct Bugtool(BTreeMap<String, String>);

impl Bugtool {
    pub(super) fn take(&mut self, command: &str, text: String) {
        self.0.insert(command.to_owned(), text);
    }

    /// The host's name, which is most often the node's.
    pub(super) fn host_name(&self) -> Option<&str> {
        let name = self.output(HOST_NAME)?.trim();
        (!name.is_empty() && !name.contains(['/', '\n'])).then_some(name)
    }

    /// The files that a recording of the node would have.
    pub(super) fn recording(
        &self,
        has_resolvers_of_host: bool,
    ) -> impl Iterator<Item = (&'static str, String)> {
        let as_they_are = AS_THEY_ARE
            .iter()
            .filter(move |(command, _)| has_resolvers_of_host || *command != RESOLV_CONF)
            .filter_map(|(command, file)| Some((*file, self.output(command)?.to_owned())));
        let routes = ROUTES
            .iter()
            .filter_map(|(main, other, file)| Some((*file, self.routes(main, other)?)));
        let others = [
            ("uname.txt", self.output("uname--a").and_then(release)),
            // Some keys may not be read, which makes the command fail and the others no worse.
            ("sysctl.txt", self.0.get("sysctl--a").map(|text| sysctls(text))),
            ("ps.txt", self.output("ps-auxfw").map(processes)),
        ];
        let others = others.into_iter().filter_map(|(file, text)| Some((file, text?)));
        as_they_are.chain(routes).chain(others).chain(self.iptables())
    }

    /// Both kinds, or nothing: of one alone nobody knows whether it is the one in use.
    fn iptables(&self) -> impl Iterator<Item = (&'static str, String)> {
        let has_both = [NFT[0], LEGACY[0]].iter().all(|(name, _)| self.output(name).is_some());
        let all = NFT.iter().chain(&LEGACY).filter(move |_| has_both);
        all.filter_map(|(command, file)| Some((*file, self.output(command)?.to_owned())))
    }

    /// What a command printed, unless it failed.
    fn output(&self, command: &str) -> Option<&str> {
        let text = self.0.get(command)?;
        if text.contains("> Error while running") {
            return None;
        }
        // With --enable-markdown the output is a block of code under a heading.
        let block = text.split_once("\n```\n").and_then(|(_, rest)| rest.rsplit_once("\n```"));
        Some(block.map_or(text.as_str(), |(block, _)| block))
    }

    /// Routes of all tables that are there.
    fn routes(&self, main: &str, other: &str) -> Option<String> {
        let mut all = self.output(main)?.to_owned();
        for command in self.0.keys() {
            let Some(table) = command.strip_prefix(other).and_then(|it| it.parse::<u32>().ok())
            else {
                continue;
            };
            // Who asks for one table is not told its number. Lines of next hops have none.
            for line in self.output(command)?.lines().filter(|line| !line.trim().is_empty()) {
                let is_hop = line.starts_with(char::is_whitespace);
                let table = if is_hop { String::new() } else { format!(" table {table}") };
                // Writing to a string does not fail.
                let _ = write!(all, "\n{}{table}", line.trim_end());
            }
        }
        Some(all)
    }
}

/// `Linux node1 6.1.0-13-amd64 #1 SMP …`.
fn release(text: &str) -> Option<String> {
    text.split_whitespace().nth(2).map(str::to_owned)
}

/// Lines of the sysctls that are read on nodes; all of them are thousands.
fn sysctls(text: &str) -> String {
    let is_read = |name: &str| {
        sysctl::GLOBAL.iter().any(|path| sysctl::name(path) == name)
            || sysctl::PER_LINK.iter().any(|(directory, files)| {
                let rest = name.strip_prefix(&sysctl::name(directory));
                let file = rest.and_then(|rest| rest.rsplit('.').next());
                file.is_some_and(|file| files.contains(&file))
            })
    };
    let name = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    text.lines().filter(|line| is_read(&name(line))).collect::<Vec<_>>().join("\n")
}

/// `ps auxfw` in the form of `ps -eo pid,comm`.
fn processes(text: &str) -> String {
    let process = |line: &str| {
        let mut words = line.split_whitespace();
        let pid: u32 = words.nth(1)?.parse().ok()?;
        // Branches of the tree stand before the command.
        let program = words.skip(8).find(|word| !matches!(*word, "\\_" | "|"))?;
        let name = program.rsplit('/').next()?.trim_matches(['[', ']']);
        Some(format!("{pid} {name}"))
    };
    text.lines().filter_map(process).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Bugtool;

    fn recording(outputs: &[(&str, &str)]) -> BTreeMap<&'static str, String> {
        let mut bugtool = Bugtool::default();
        for (command, text) in outputs {
            bugtool.take(command, (*text).to_owned());
        }
        bugtool.recording(true).collect()
    }

    #[test]
    fn routes_of_other_tables_are_told_apart() {
        let files = recording(&[
            ("ip--4-r", "default via 10.0.0.1 dev eth0 \n"),
            ("ip--4-route-show-table-2004", "local default dev lo \n"),
            (
                "ip--4-route-show-table-7",
                "default proto static \n\tnexthop via 10.0.0.1 dev eth0\n",
            ),
            ("ip--4-route-show-", "default via 10.0.0.1 dev eth0 \n"),
        ]);
        let expected = "default via 10.0.0.1 dev eth0 \n\nlocal default dev lo table 2004\n\
                        default proto static table 7\n\tnexthop via 10.0.0.1 dev eth0";
        assert_eq!(files["ip-route.txt"], expected);
    }

    #[test]
    fn commands_that_failed_printed_nothing() {
        let files = recording(&[
            ("ip-a", "bash: ip: command not found\n> Error while running 'ip a':  exit 127\n\n"),
            (
                "sysctl--a",
                "net.ipv4.ip_forward = 1\nnet.core.somaxconn = 1\nnet.ipv4.conf.eth0/5.rp_filter = 2\n> Error while running 'sysctl -a':  exit 1\n",
            ),
            ("uname--a", "# uname -a\n\n```\nLinux n 6.1.0-13-amd64 #1 SMP\n\n```\n"),
        ]);
        let sysctls = "net.ipv4.ip_forward = 1\nnet.ipv4.conf.eth0/5.rp_filter = 2";
        let expected = [("sysctl.txt", sysctls.into()), ("uname.txt", "6.1.0-13-amd64".into())];
        assert_eq!(files, BTreeMap::from(expected));
    }

    #[test]
    fn rules_are_read_where_both_kinds_were_asked() {
        let nft = ("iptables-nft-save--c", "# Generated by iptables-save v1.8.8 (nf_tables)\n");
        let legacy = ("iptables-legacy-save--c", "# Generated by iptables-save v1.8.8\n");
        assert_eq!(recording(&[nft, ("iptables-save--c", nft.1)]), BTreeMap::new());
        let failed = ("iptables-legacy-save--c", "> Error while running 'x':  exit 1\n");
        assert_eq!(recording(&[nft, failed]), BTreeMap::new());
        let files = recording(&[nft, legacy]);
        let expected = [("iptables-legacy-save.txt", legacy.1), ("iptables-save.txt", nft.1)];
        assert_eq!(files, expected.map(|(file, text)| (file, text.to_owned())).into());
    }

    #[test]
    fn processes_are_named_without_path_and_branch() {
        let text = "\
USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root         700  0.0  0.0   3972  2816 ?        Rs   10:00   0:00 ps auxfw
root           1  1.2  0.9 792288 99999 ?        Ssl  09:00   1:00 cilium-agent --config-dir=/tmp
root         230  0.0  0.1 123456  9999 ?        Sl   09:00   0:00  \\_ /usr/bin/cilium-envoy -l info
";
        let files = recording(&[("ps-auxfw", text)]);
        assert_eq!(files["ps.txt"], "700 ps\n1 cilium-agent\n230 cilium-envoy");
    }
}
