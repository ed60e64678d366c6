//! Cleaning a dirty node by the real program: to the end, by order, and killed.

use std::io::{BufRead as _, BufReader, Read as _};

use kcilium_core::leftovers::{CleaningOrder, CleaningSummary, Plan, PodsInUse, Remembered, Told};
use kcilium_core::probe::Ending;
use netlab::{DIRTY_NODE_PROGRAMS, DirtyNode, require_bpf, require_programs, require_root_netns};
use rustix::process::{Pid, Signal, kill_process};

use crate::agent::{Run, Running, agent, path_of, start_command};

pub(crate) struct Dirty {
    pub(crate) node: DirtyNode,
    /// Before Cilium.
    pub(crate) before: String,
}

pub(crate) fn granted() -> bool {
    require_root_netns() && require_bpf() && require_programs(&DIRTY_NODE_PROGRAMS)
}

/// `None` where this machine cannot have one.
pub(crate) fn dirty(label: &str) -> Option<Dirty> {
    if !granted() {
        return None;
    }
    let mut node = DirtyNode::new(label).unwrap();
    node.decorate().unwrap();
    let before = node.dump().unwrap();
    node.soil().unwrap();
    Some(Dirty { node, before })
}

pub(crate) fn remembered() -> Remembered {
    Remembered {
        pod_cidrs: vec!["10.244.0.0/16".parse().unwrap()],
        node_addresses: vec!["10.24.0.4".parse().unwrap()],
        pod_links: vec!["lxc000000000003".into()],
    }
}

impl Dirty {
    fn start(&self, arguments: &[&str], order: &CleaningOrder) -> Running {
        let mut command = agent();
        command.args(arguments);
        command.arg("--network-namespace").arg(path_of(self.node.namespace()));
        command.arg("--root").arg(self.node.root());
        start_command(command, &serde_json::to_string(order).unwrap())
    }

    pub(crate) fn plan(&self) -> Plan {
        let order = CleaningOrder { remembered: remembered(), ..CleaningOrder::default() };
        let run = self.start(&["plan"], &order).end();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        serde_json::from_str(&run.stdout).unwrap()
    }

    pub(crate) fn clean(&self, plan: Plan, arguments: &[&str]) -> Running {
        let order = CleaningOrder {
            plan: Some(plan),
            remembered: remembered(),
            pods: PodsInUse::Leave,
            standing: None,
        };
        self.start(&[&["clean", "--apply", "-"], arguments].concat(), &order)
    }
}

fn lines(run: &Run) -> Vec<Told> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn summary(run: &Run) -> CleaningSummary {
    assert!(run.message.len() <= CleaningSummary::LIMIT, "{} bytes", run.message.len());
    CleaningSummary::parse(&run.message).unwrap_or_else(|| panic!("no summary: {}", run.message))
}

pub(crate) fn first_line(running: &mut Running) -> String {
    let mut line = String::new();
    let stdout = running.child.stdout.as_mut().unwrap();
    BufReader::with_capacity(1, stdout).read_line(&mut line).unwrap();
    line
}

#[test]
fn a_plan_is_carried_out_and_the_node_looked_at_again() {
    let Some(dirty) = dirty("agent cleans") else { return };
    let plan = dirty.plan();
    let steps = plan.items.len();
    let run = dirty.clean(plan, &[]).end();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let lines = lines(&run);
    let Some(Told::Left(left)) = lines.last() else { panic!("{}", run.stdout) };
    assert_eq!(left.residue().count(), 0);
    assert_eq!(lines.len(), steps + 1);
    let summary = summary(&run);
    assert_eq!((summary.ending, summary.left), (Ending::Finished, Some(0)));
    assert_eq!((summary.stuck, summary.unknown), (vec![], 0));
    assert_eq!(dirty.node.dump().unwrap(), dirty.before);
}

#[test]
fn killed_after_each_step_and_run_again_the_end_is_the_same() {
    let Some(dirty) = dirty("agent killed") else { return };
    let mut runs = 0;
    loop {
        let plan = dirty.plan();
        if plan.items.is_empty() {
            break;
        }
        let mut running = dirty.clean(plan, &[]);
        let line = first_line(&mut running);
        assert!(line.starts_with("{\"step\""), "{line}");
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        runs += 1;
    }
    assert!(runs > 20, "{runs} runs");
    assert_eq!(dirty.node.dump().unwrap(), dirty.before);
}

#[test]
fn an_order_to_end_lets_the_step_in_hand_finish() {
    let Some(dirty) = dirty("agent ends") else { return };
    let mut running = dirty.clean(dirty.plan(), &[]);
    let first = first_line(&mut running);
    kill_process(Pid::from_child(&running.child), Signal::TERM).unwrap();
    let mut rest = String::new();
    running.child.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
    let run = running.end();
    assert_eq!((run.code, run.stderr.as_str()), (Some(130), ""));
    let told = first.lines().chain(rest.lines()).count();
    let summary = summary(&run);
    assert_eq!(summary.ending, Ending::Terminated);
    assert_eq!(summary.outcomes.values().sum::<usize>(), told);
    assert_eq!(summary.left, None);
    // What was begun was done, and something is left for the next run.
    let again = dirty.plan();
    assert!(!again.items.is_empty());
    assert_eq!(dirty.clean(again, &[]).end().code, Some(0));
    assert_eq!(dirty.node.dump().unwrap(), dirty.before);
}

#[test]
fn the_deadline_is_an_order_to_end() {
    let Some(dirty) = dirty("agent late") else { return };
    let run = dirty.clean(dirty.plan(), &["--deadline", "0"]).end();
    assert_eq!(run.code, Some(124));
    assert_eq!(summary(&run).ending, Ending::Deadline);
}

#[test]
fn a_living_agent_is_a_refusal() {
    let Some(dirty) = dirty("agent refuses") else { return };
    let plan = dirty.plan();
    let soiled = dirty.node.dump().unwrap();
    dirty.node.write("proc/4711/comm", "cilium-agent\n").unwrap();
    let run = dirty.clean(plan, &[]).end();
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    assert!(
        run.stderr.starts_with("error: a Cilium agent runs on this host (process 4711)\n"),
        "{}",
        run.stderr
    );
    let summary = summary(&run);
    assert_eq!(summary.ending, Ending::Failed);
    assert_eq!(summary.error.as_deref(), Some("a Cilium agent runs on this host (process 4711)"));
    std::fs::remove_dir_all(dirty.node.root().join("proc/4711")).unwrap();
    assert_eq!(dirty.node.dump().unwrap(), soiled);
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    for (order, error) in [
        ("", "error: the order has no plan\n"),
        ("{\"plans\": {}}", "error: standard input: plans: unknown field `plans`"),
        ("{} {}", "error: standard input: trailing characters"),
        ("{\"plan\": {\"items\": [{}]}}", "error: standard input: plan.items[0]: missing field"),
    ] {
        let mut command = agent();
        command.args(["clean", "--apply", "-"]);
        let run = start_command(command, order).end();
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{order}");
        assert!(run.stderr.starts_with(error), "{}", run.stderr);
        assert_eq!(summary(&run).ending, Ending::Failed);
    }
}
