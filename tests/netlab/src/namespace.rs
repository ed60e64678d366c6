//! One network namespace.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::command::run;

/// A handle on a network namespace of a [`Lab`](crate::Lab), which owns and removes it.
#[derive(Debug, Clone)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    pub(crate) fn create(name: String) -> Result<Self> {
        let mut add = Command::new("ip");
        add.args(["netns", "add", &name]);
        run(add, "")?;
        let namespace = Self { name };
        namespace.ip(&["link", "set", "lo", "up"])?;
        // A new namespace copies these from the machine, and machines differ.
        for key in ["conf.all.rp_filter", "conf.default.rp_filter", "ip_forward"] {
            namespace.sysctl(&format!("net.ipv4.{key}"), "0")?;
        }
        Ok(namespace)
    }

    /// The full name, as `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip -n NAMESPACE ARGS…` and returns what it printed.
    ///
    /// The error holds the command and its stderr.
    pub fn ip(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new("ip");
        command.args(["-n", &self.name]).args(args);
        run(command, "")
    }

    /// Runs one `ip` command per line in a single process, and stops at the first that fails;
    /// for thousands of routes.
    pub fn ip_batch(&self, script: &str) -> Result<String> {
        let mut command = Command::new("ip");
        command.args(["-n", &self.name, "-batch", "-"]);
        run(command, script)
    }

    /// Runs `iptables` inside, with arguments separated by blanks.
    pub fn iptables(&self, arguments: &str) -> Result<String> {
        let mut command = self.command("iptables");
        command.arg("--wait").args(arguments.split(' '));
        run(command, "")
    }

    /// A command that will run `program` inside.
    ///
    /// The process is the program itself, not a parent of it, so killing it is enough.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Sets a `net.…` sysctl inside.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let mut command = self.command("sh");
        command.args(["-c", r#"printf '%s\n' "$2" >"$1""#, "sysctl", &sysctl_path(key)?, value]);
        run(command, "").with_context(|| format!("sysctl {key} = {value}"))?;
        Ok(())
    }

    /// Has IPv6 addresses there at once: nobody is asked first whether they are another's.
    pub fn trust_addresses(&self) -> Result<()> {
        ["all", "default"]
            .into_iter()
            .try_for_each(|scope| self.sysctl(&format!("net.ipv6.conf.{scope}.accept_dad"), "0"))
    }

    /// The value of a `net.…` sysctl inside.
    pub fn sysctl_get(&self, key: &str) -> Result<String> {
        let mut command = self.command("cat");
        command.arg(sysctl_path(key)?);
        let value = run(command, "").with_context(|| format!("sysctl {key}"))?;
        Ok(value.trim_end().to_owned())
    }
}

/// The file of a sysctl: `.` separates, and `/` stands for a dot in an interface's name.
fn sysctl_path(key: &str) -> Result<String> {
    // Everything else belongs to the whole machine, in whichever network namespace one writes it.
    ensure!(key.starts_with("net."), "`{key}` is not a sysctl of a network namespace");
    let swap = |c| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    Ok(format!("/proc/sys/{}", key.chars().map(swap).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::sysctl_path;

    #[test]
    fn sysctl_keys_become_paths() {
        let path = sysctl_path("net.ipv4.conf.eth0/7.rp_filter").unwrap();
        assert_eq!(path, "/proc/sys/net/ipv4/conf/eth0.7/rp_filter");
    }

    #[test]
    fn sysctls_of_the_machine_are_refused() {
        assert!(sysctl_path("kernel.panic").is_err());
        assert!(sysctl_path("vm.drop_caches").is_err());
    }
}
