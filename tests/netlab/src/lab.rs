//! A set of network namespaces that lives as long as its test.

use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::guardian::{self, Guardian};
use crate::namespace::Namespace;

/// Network namespaces, and a directory, that vanish together.
///
/// Dropping the lab removes them and kills what still runs inside. If the test process is killed
/// instead, a guardian process does the same within a second or two.
#[derive(Debug)]
pub struct Lab {
    label: String,
    prefix: String,
    guardian: Guardian,
    dir: TempDir,
}

impl Lab {
    /// An empty lab; `label` names it in errors.
    ///
    /// Also removes namespaces that labs of dead processes may have left on this machine.
    pub fn new(label: &str) -> Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(1);

        guardian::sweep_the_dead().with_context(|| format!("lab `{label}`"))?;
        let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("kcl-{}-{counter}-", process::id());
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        // Before the first namespace, so that there is never one without a guardian.
        let guardian = Guardian::start(&prefix, dir.path())?;
        Ok(Self { label: label.to_owned(), prefix, guardian, dir })
    }

    /// What the names of all namespaces of this lab begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A directory for the test's files (sockets, file roots of nodes), removed with the lab.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Makes a namespace with `lo` up, no forwarding and no reverse path filter.
    ///
    /// `name` is of lower-case letters, digits and `-`, and unique within the lab.
    pub fn namespace(&self, name: &str) -> Result<Namespace> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !name.is_empty() && name.chars().all(plain),
            "lab `{}`: `{name}` is no name for a namespace",
            self.label
        );
        Namespace::create(format!("{}{name}", self.prefix))
            .with_context(|| format!("lab `{}`: namespace `{name}`", self.label))
    }

    /// Joins two namespaces with a pair of interfaces, and brings both up.
    ///
    /// Both ends are born where they belong; the machine's own namespace never sees them.
    pub fn veth(
        &self,
        (a, a_link): (&Namespace, &str),
        (b, b_link): (&Namespace, &str),
    ) -> Result<()> {
        let add = format!(
            "link add {a_link} type veth peer name {b_link} netns {}\nlink set {a_link} up\n",
            b.name()
        );
        a.ip_batch(&add)
            .and_then(|_| b.ip(&["link", "set", b_link, "up"]))
            .with_context(|| format!("lab `{}`: veth {a_link} - {b_link}", self.label))?;
        Ok(())
    }

    /// Makes a bridge in `ns` out of these interfaces, and brings it up.
    pub fn bridge(&self, ns: &Namespace, name: &str, ports: &[&str]) -> Result<()> {
        let mut script = format!("link add {name} type bridge\n");
        script.extend(ports.iter().map(|port| format!("link set {port} master {name}\n")));
        script.extend([format!("link set {name} up\n")]);
        ns.ip_batch(&script).with_context(|| format!("lab `{}`: bridge {name}", self.label))?;
        Ok(())
    }
}

impl Drop for Lab {
    #[expect(clippy::print_stderr, reason = "a drop has no other way to complain")]
    fn drop(&mut self) {
        if self.guardian.dismiss() {
            return;
        }
        // Somebody killed the guardian.
        if let Err(error) = guardian::sweep(&self.prefix) {
            eprintln!("lab `{}` could not be removed: {error:#}", self.label);
        }
    }
}
