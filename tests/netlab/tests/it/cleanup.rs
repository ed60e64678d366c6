use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use netlab::{CiliumState, Lab, homelab, require_root_netns};

#[test]
fn a_dropped_lab_is_gone() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("dropped", CiliumState::Healthy).unwrap();
    let prefix = home.lab().prefix().to_owned();
    let dir = home.lab().dir().to_owned();
    let mut inside = sleeper(home.router().command("sleep"));
    assert!(namespaces(&prefix) > 6);
    assert!(dir.join("node1/etc/hostname").is_file());

    drop(home);
    assert_eq!(namespaces(&prefix), 0);
    assert!(!dir.exists());
    let status = inside.wait().unwrap();
    assert!(!status.success(), "a process inside survived its lab");
}

#[test]
fn labs_of_one_process_are_apart() {
    if !require_root_netns() {
        return;
    }
    let (one, two) = (Lab::new("one").unwrap(), Lab::new("two").unwrap());
    one.namespace("same").unwrap();
    two.namespace("same").unwrap();
    drop(one);
    assert_eq!(namespaces(two.prefix()), 1);
}

#[test]
fn a_killed_test_leaves_nothing() {
    if !require_root_netns() {
        return;
    }
    let mut victim = Victim::start();
    assert!(namespaces(&victim.prefix) > 0);
    assert!(alive(&victim.inside));

    victim.process.kill().unwrap();
    victim.process.wait().unwrap();
    wait_until("the namespaces vanish", || namespaces(&victim.prefix) == 0);
    wait_until("the directory vanishes", || !Path::new(&victim.dir).exists());
    wait_until("the process inside ends", || !alive(&victim.inside));
}

#[test]
fn the_next_lab_removes_what_even_the_guardian_left() {
    if !require_root_netns() {
        return;
    }
    // Dead, and waited for, so there is no such process; and no guardian ever was.
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let prefix = format!("kcl-{}-", dead.id());
    let name = format!("{prefix}1-node1");
    assert!(Command::new("ip").args(["netns", "add", &name]).status().unwrap().success());
    assert_eq!(namespaces(&prefix), 1);

    let lab = Lab::new("next").unwrap();
    assert_eq!(namespaces(&prefix), 0);
    drop(lab);
}

#[test]
fn a_dropped_lab_is_gone_even_without_its_guardian() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("unguarded").unwrap();
    lab.namespace("a").unwrap();
    let prefix = lab.prefix().to_owned();
    let kill = format!("kill -9 {}", guardian(&prefix));
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());

    drop(lab);
    assert_eq!(namespaces(&prefix), 0);
}

const VICTIM: &str = "NETLAB_VICTIM";

/// Not a test: the process that [`a_killed_test_leaves_nothing`] kills.
#[test]
#[ignore = "does nothing unless another test runs it"]
fn victim() {
    if env::var_os(VICTIM).is_none() {
        return;
    }
    let home = homelab("victim", CiliumState::Healthy).unwrap();
    let mut inside = sleeper(home.router().command("sleep"));
    println!("\nready {} {} {}", home.lab().prefix(), home.lab().dir().display(), inside.id());
    inside.wait().unwrap();
}

struct Victim {
    process: Child,
    prefix: String,
    dir: String,
    inside: String,
}

impl Victim {
    fn start() -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "cleanup::victim", "--ignored", "--nocapture"])
            .env(VICTIM, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let ready = stdout
            .lines()
            .map(Result::unwrap)
            .find(|line| line.starts_with("ready "))
            .expect("the victim died before it was killed");
        let mut words = ready.split(' ').skip(1).map(str::to_owned);
        let mut word = || words.next().unwrap();
        let (prefix, dir, inside) = (word(), word(), word());
        Self { process, prefix, dir, inside }
    }
}

/// A process that would hold its namespace for a while.
///
/// Not on the test's own output, which nobody but the test may keep open.
fn sleeper(mut command: Command) -> Child {
    command.arg("100").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The process that guards the lab of that prefix.
fn guardian(prefix: &str) -> String {
    let guards = |pid: &String| {
        fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.contains(&format!("\0wait\0{prefix}\0")))
    };
    let processes = fs::read_dir("/proc").unwrap();
    let mut pids = processes.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    pids.find(guards).expect("a lab has a guardian")
}

fn namespaces(prefix: &str) -> usize {
    let output = Command::new("ip").args(["netns", "list"]).output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    list.lines().filter(|line| line.starts_with(prefix)).count()
}

/// Whether a process runs; a zombie does not.
fn alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within 10 s");
        thread::sleep(Duration::from_millis(50));
    }
}
