//! A node to run the script on: a shell with few programs, some of which only play their part.

use std::fmt::Debug;
use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use kcilium_cluster::node_script::{AgentContainer, DnsPolicy, End, NodeScript};
use kcilium_core::facts::{Fact, NodeFacts, Unavailable};
use tempfile::TempDir;

/// Prints what lies in `answers`.
pub(crate) const IP: &str = r#"#!/bin/sh
cd "${0%/*}/../answers" || exit
case "$*" in
'-d -j link') cat link ;;
'-j addr') cat addr ;;
'-4 -N -j rule') cat rule4 ;;
'-6 -N -j rule') echo 'RTNETLINK answers: Address family not supported by protocol' >&2; exit 2 ;;
'-4 -N -j route show table all') cat route4 ;;
'-6 -N -j route show table all') cat route6 ;;
'-4 route show table all default') echo 'default via 10.0.0.1 dev eth0 ' ;;
'-6 route show table all default') echo 'default proto ra
	nexthop via inet6 fe80::1 dev eth0 weight 1
	nexthop via 2001:db8::1 dev eth0 weight 1' ;;
'-d -N -j -force -batch -') cat >/dev/null; cat get; cat get.errors >&2; exit 1 ;;
*) echo "Command \"$*\" is unknown" >&2; exit 255 ;;
esac
"#;

pub(crate) const CILIUM_DBG: &str = r#"#!/bin/sh
echo 'level=info msg="noise"' >&2
[ "$*" != "status -o json" ] || echo '{"cilium": {"state": "Ok", "msg": "1.18.0"}}'
"#;

/// Of the questions 1.1.1.1, 10.0.0.1 and 2001:db8::1 the second has an answer.
pub(crate) const GET_ERRORS: &str = "\
RTNETLINK answers: No route to host
Command failed -:1
RTNETLINK answers: Network is unreachable
Command failed -:3
";

const ANSWERS: [(&str, &str); 7] = [
    (
        "link",
        r#"[{"ifindex":2,"ifname":"eth0","flags":["UP","LOWER_UP"],"mtu":1500,
             "address":"02:00:00:00:00:01"}]"#,
    ),
    (
        "addr",
        r#"[{"ifname":"eth0","addr_info":[
             {"local":"10.0.0.124","prefixlen":16,"scope":"global"}]}]"#,
    ),
    ("rule4", r#"[{"priority":0,"src":"all","table":"255"}]"#),
    (
        "route4",
        r#"[{"type":"1","dst":"default","gateway":"10.0.0.1","dev":"eth0","table":"254",
             "protocol":"16","scope":"0","flags":[]}]"#,
    ),
    (
        "route6",
        r#"[{"type":"1","dst":"default","gateway":"fe80::1","dev":"eth0","table":"254",
             "protocol":"9","scope":"0","metric":1024,"flags":[],"pref":"0"}]"#,
    ),
    (
        "get",
        r#"[{"type":"1","dst":"10.0.0.1","dev":"eth0","table":"254","prefsrc":"10.0.0.124",
             "flags":[],"uid":0,"cache":[]}]"#,
    ),
    ("get.errors", GET_ERRORS),
];

pub(crate) struct Node {
    root: TempDir,
    shell: &'static [&'static str],
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::with(&["dash"], true)
    }

    /// A node with this shell, and with or without the program `timeout`.
    pub(crate) fn with(shell: &'static [&'static str], timeout: bool) -> Self {
        let node = Self { root: tempfile::tempdir().unwrap(), shell };
        for folder in ["bin", "answers", "cni"] {
            fs::create_dir(node.path(folder)).unwrap();
        }
        for program in ["awk", "cat", "grep", "head", "ls", "readlink", "sleep", "true", "uname"] {
            node.borrow(program);
        }
        if timeout {
            node.borrow("timeout");
        }
        node.program("ip", IP);
        node.program("cilium-dbg", CILIUM_DBG);
        for (file, content) in ANSWERS {
            node.answer(file, content);
        }
        node
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.path().join(file)
    }

    fn borrow(&self, program: &str) {
        symlink(installed(program).unwrap(), self.path(&format!("bin/{program}"))).unwrap();
    }

    pub(crate) fn program(&self, name: &str, text: &str) {
        let file = self.path(&format!("bin/{name}"));
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
    }

    /// Has `ip` run other commands for some arguments, in the folder of the answers.
    pub(crate) fn ip_does(&self, instead: &[(&str, &str)]) {
        let cases = instead
            .iter()
            .map(|(arguments, commands)| format!("'{arguments}')\n{commands}\nexit ;;\n"));
        let own = format!("case \"$*\" in\n{}esac\ncase", cases.collect::<String>());
        self.program("ip", &IP.replacen("case", &own, 1));
    }

    pub(crate) fn answer(&self, file: &str, content: &str) {
        fs::write(self.path("answers").join(file), content).unwrap();
    }

    pub(crate) fn cni(&self, file: &str, content: &str) {
        fs::write(self.path("cni").join(file), content).unwrap();
    }

    /// What this machine's own `resolv.conf` names stays out of it.
    pub(crate) fn script(&self) -> NodeScript {
        let questions = ["10.0.0.1", "1.1.1.1"].map(|text| text.parse().unwrap());
        let container = AgentContainer {
            cni_directory: self.path("cni").to_str().unwrap().into(),
            dns_policy: DnsPolicy::Cluster,
        };
        NodeScript::new(questions.into(), container).with_seconds_per_command(2)
    }

    pub(crate) fn shell(&self) -> Command {
        let mut command = Command::new(installed(self.shell[0]).unwrap());
        command.args(&self.shell[1..]).arg("-s").env_clear().env("PATH", self.path("bin"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// Runs a script without closing its stdin, and returns what it prints on stdout.
    pub(crate) fn run(&self, script: &NodeScript) -> Vec<u8> {
        let mut child = self.shell().spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Smaller than a pipe.
        stdin.write_all(&script.stdin()).unwrap();
        let mut output = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
        assert!(child.wait().unwrap().success());
        drop(stdin);
        output
    }

    pub(crate) fn facts(&self) -> NodeFacts {
        let script = self.script();
        let output = self.run(&script);
        script.read("node1", &output, &End::Complete)
    }
}

/// Where this machine has a program.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Why a fact is missing, or a panic.
pub(crate) fn missing<T: Debug>(fact: &Fact<T>) -> &Unavailable {
    fact.get().unwrap_err()
}
