//! A cleaner that stands on a node: what lets it begin, and what does not.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kcilium_core::leftovers::{CleaningOrder, Go, Standing, Told};
use kcilium_core::probe::Ending;
use rustix::process::{Pid, Signal, kill_process};

use crate::agent::{Running, agent, path_of, start_command};
use crate::clean::{Dirty, dirty, remembered, summary};

/// A cleaner on a dirty node.
struct Cleaner<'a> {
    dirty: &'a Dirty,
    order: CleaningOrder,
    /// Its own files.
    files: tempfile::TempDir,
}

impl<'a> Cleaner<'a> {
    fn on(dirty: &'a Dirty) -> Self {
        let standing = Standing {
            run: "run1".into(),
            daemon_sets: vec!["uid1".into()],
            keepsake: "2026-01-31T08-15-00Z-run1".into(),
        };
        let order = CleaningOrder {
            remembered: remembered(),
            standing: Some(standing),
            ..CleaningOrder::default()
        };
        Self { dirty, order, files: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Starts it, and waits until it stands by.
    fn start(&self) -> Running {
        let mut command = agent();
        command.args(["clean", "--apply", "-", "--go"]).arg(self.file("go"));
        command.arg("--armed").arg(self.file("armed"));
        command.arg("--network-namespace").arg(path_of(self.dirty.node.namespace()));
        command.arg("--root").arg(self.dirty.node.root());
        let running = start_command(command, &serde_json::to_string(&self.order).unwrap());
        let begun = Instant::now();
        while !self.file("armed").exists() {
            assert!(begun.elapsed() < Duration::from_secs(30));
            sleep(Duration::from_millis(20));
        }
        running
    }

    fn say(&self, word: &str) {
        fs::write(self.file("go"), word).unwrap();
    }

    fn word(&self) -> String {
        Go::of(&self.order).unwrap().to_json()
    }
}

/// Nothing is left but the keepsake.
fn assert_clean(dirty: &Dirty) {
    fs::remove_dir_all(dirty.node.root().join("var/lib/kcilium")).unwrap();
    assert_eq!(dirty.node.dump().unwrap(), dirty.before);
}

#[test]
fn the_word_and_the_end_of_all_agents_let_it_begin() {
    let Some(dirty) = dirty("agent stands") else { return };
    let soiled = dirty.node.dump().unwrap();
    let cleaner = Cleaner::on(&dirty);
    let mut running = cleaner.start();
    // No word, and another's: whether an agent lives does not matter.
    for word in
        ["", "go", &cleaner.word().replace("run1", "run2"), &cleaner.word().replace("uid1", "uid2")]
    {
        cleaner.say(word);
        sleep(Duration::from_millis(1200));
        assert!(running.child.try_wait().unwrap().is_none(), "{word}");
    }
    assert_eq!(dirty.node.dump().unwrap(), soiled);
    // The word, and an agent that lives.
    dirty.node.write("proc/4711/comm", "cilium-agent\n").unwrap();
    cleaner.say(&cleaner.word());
    sleep(Duration::from_secs(2));
    assert!(running.child.try_wait().unwrap().is_none());
    fs::remove_dir_all(dirty.node.root().join("proc/4711")).unwrap();
    assert_eq!(dirty.node.dump().unwrap(), soiled);
    let gone = Instant::now();
    let run = running.end();
    assert!(gone.elapsed() > Duration::from_secs(9), "an agent may be back by then");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));

    let summary = summary(&run);
    assert!(summary.is_clean(), "{summary:?}");
    let keepsake = "/var/lib/kcilium/2026-01-31T08-15-00Z-run1";
    assert_eq!(summary.keepsake.as_deref(), Some(keepsake));
    let kept = dirty.node.root().join(&keepsake[1..]);
    assert!(kept.join("keepsake.json").is_file() && kept.join("done").is_file());
    let told: Vec<Told> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let waits = told.iter().filter_map(|it| match it {
        Told::Waiting(what) => Some(what.as_str()),
        _ => None,
    });
    assert_eq!(
        waits.collect::<Vec<_>>(),
        [
            "the word to begin",
            "a Cilium agent runs on this host (process 4711)",
            "10 s without an agent"
        ]
    );
    let [Told::Planned(plan), .., Told::Left(_), Told::Foreign(foreign)] = &told[..] else {
        panic!("{}", run.stdout)
    };
    let steps = told.iter().filter(|it| matches!(it, Told::Step(_))).count();
    assert_eq!(steps, plan.items.len());
    assert!(foreign.is_clean(), "{foreign:?}");
    assert_clean(&dirty);
}

#[test]
fn told_to_end_it_has_done_nothing() {
    let Some(dirty) = dirty("agent stands in vain") else { return };
    let soiled = dirty.node.dump().unwrap();
    let cleaner = Cleaner::on(&dirty);
    let running = cleaner.start();
    kill_process(Pid::from_child(&running.child), Signal::TERM).unwrap();
    let run = running.end();
    assert_eq!(run.code, Some(130));
    assert_eq!(summary(&run).ending, Ending::Terminated);
    assert_eq!(dirty.node.dump().unwrap(), soiled);
}

#[test]
fn killed_in_the_middle_and_started_again_it_goes_on() {
    let Some(dirty) = dirty("agent stands again") else { return };
    let cleaner = Cleaner::on(&dirty);
    cleaner.say(&cleaner.word());
    let mut running = cleaner.start();
    let soiled = dirty.node.dump().unwrap();
    let begun = Instant::now();
    while dirty.node.dump().unwrap() == soiled {
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let run = cleaner.start().end();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert!(summary(&run).is_clean(), "{}", run.message);
    assert_clean(&dirty);
}

#[test]
fn an_order_for_no_run_is_refused() {
    let files = tempfile::tempdir().unwrap();
    let mut command = agent();
    command.args(["clean", "--apply", "-", "--go"]).arg(files.path().join("go"));
    let run = start_command(command, "{\"plan\": {}}").end();
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.starts_with("error: the order is for no run"), "{}", run.stderr);
}
