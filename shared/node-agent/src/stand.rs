//! `clean --go`: standing by on a node until the word is given, then cleaning it, and proving it.
//!
//! The word is a file that whoever staged this program can write when nothing else works any more.
//! Without it nothing begins: an agent that is restarted or upgraded is gone for a while, too.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

use kcilium_core::leftovers::{
    CleaningOrder, CleaningSummary, Comparison, Go, HostState, Inventory, Plan, Told,
};
use kcilium_core::probe::{Ending, Namespace};
use kcilium_node::keepsake::{DIRECTORY, Keep};
use kcilium_node::{Host, HostRoot, no_agent, read_leftovers};
use rustix::fs::{CWD, Mode, OFlags, openat, unlinkat};
use tokio::time::{Instant, sleep};

use crate::arguments::Arguments;
use crate::clean::{carry_out, early, ended, order, refused};
use crate::failure::Failure;
use crate::namespaces;
use crate::work::{Ended, listen, print_json, root, unless_told};

/// How often is looked for the word, and for agents.
const PAUSE: Duration = Duration::from_millis(500);

/// How long no agent may have been seen: one that is restarted is back before.
const SILENCE: Duration = Duration::from_secs(10);

/// Far more than the word is long, bytes.
const WORD: u64 = 64 * 1024;

/// Stands by, cleans, looks again.
pub(crate) async fn by(arguments: &Arguments) -> Result<Ended, Failure> {
    let begin = Instant::now();
    let mut signals = listen()?;
    let order = match unless_told(order(arguments), &mut signals, arguments, begin).await {
        Ok(order) => order?,
        Err(ending) => return Ok(early(ending)),
    };
    let Some(go) = Go::of(&order) else {
        return Err(Failure::usage("the order is for no run that could be stood by for")
            .hint(r#"{"standing": {"run": …, "daemonSets": [], "keepsake": …}}"#));
    };
    // Both are in the container, which cannot be seen from the host's mounts.
    let word = arguments.go.as_deref().map(Place::of).transpose()?;
    let armed = arguments.armed.as_deref().map(Place::of).transpose()?;
    if let Some(armed) = &armed {
        armed.remove();
    }
    namespaces::enter(&namespaces::chosen(arguments, Namespace::Own), arguments)?;
    let host = Host::new(root(arguments));
    let planned = async {
        print_json(&Told::Planned(plan(&order, &state(&host, &order).await)));
        armed.as_ref().map_or(Ok(()), Place::make)?;
        released(word.as_ref(), &go, host.root()).await;
        Ok(())
    };
    match unless_told(planned, &mut signals, arguments, begin).await {
        Ok(released) => released?,
        Err(ending) => return Ok(early(ending)),
    }
    let before = state(&host, &order).await;
    let plan = plan(&order, &before);
    if plan.items.is_empty() {
        let left = Inventory::of(&before);
        let summary = CleaningSummary::of(Ending::Finished, &[], Some(&left));
        print_json(&Told::Left(left));
        return Ok(ended(&summary));
    }
    // What is not kept cannot be put back, so nothing is taken.
    let keep = Keep::open(&host, DIRECTORY).map_err(|error| not_kept(&error))?;
    let name = order.standing.as_ref().map_or("", |standing| &standing.keepsake);
    let keepsake = keep.begin(name, &before, &plan).map_err(|error| not_kept(&error))?;
    print_json(&Told::Kept(keepsake.path().to_owned()));
    let remembered = order.remembered.clone();
    let done = carry_out(host.root(), &plan, remembered, arguments, signals, begin).await;
    if !done.is_whole() {
        let summary = done.summary(None).kept_in(keepsake.path());
        return Ok(Ended { failure: done.refusal.as_ref().map(refused), ..ended(&summary) });
    }
    let after = state(&host, &order).await;
    let left = Inventory::of(&after);
    let foreign = Comparison::of(&before, &plan, &after);
    // Without the note the next run would take this backup for its own, which does no harm.
    let _ = keepsake.finish();
    let summary = done.summary(Some(&left)).kept_in(keepsake.path()).beside(&foreign);
    print_json(&Told::Left(left));
    print_json(&Told::Foreign(foreign));
    Ok(ended(&summary))
}

async fn state(host: &Host, order: &CleaningOrder) -> HostState {
    read_leftovers(host.root(), order.remembered.clone()).await
}

/// What was agreed on, or all that is certain.
fn plan(order: &CleaningOrder, state: &HostState) -> Plan {
    order.plan.clone().unwrap_or_else(|| Plan::of(&Inventory::of(state), order.pods))
}

fn not_kept(error: &dyn std::error::Error) -> Failure {
    let because = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    Failure::could_not_run(format!("nothing was taken away: {error}{because}"))
        .hint("a backup on the node comes first")
}

/// Waits for the word, and then until no agent was seen for a while. Tells what it waits for.
async fn released(word: Option<&Place>, go: &Go, root: &HostRoot) {
    let mut told = String::new();
    let mut silent_since: Option<Instant> = None;
    loop {
        let is_given = word.and_then(Place::read).is_some_and(|text| go.is(&text));
        // All processes are looked through only when it matters.
        let agent = is_given.then(|| no_agent(root));
        let is_silent = matches!(agent, Some(Ok(())));
        let waits_for = match agent {
            None => "the word to begin".to_owned(),
            // That it is not known whether an agent runs is no silence.
            Some(Err(refusal)) => refusal.to_string(),
            Some(Ok(())) => format!("{} s without an agent", SILENCE.as_secs()),
        };
        silent_since = is_silent.then(|| silent_since.unwrap_or_else(Instant::now));
        if silent_since.is_some_and(|since| since.elapsed() >= SILENCE) {
            return;
        }
        if waits_for != told {
            print_json(&Told::Waiting(waits_for.clone()));
            told = waits_for;
        }
        sleep(PAUSE).await;
    }
}

/// A file that is reached through its directory, whatever namespace this process is in.
struct Place {
    directory: OwnedFd,
    name: std::ffi::OsString,
}

impl Place {
    fn of(path: &Path) -> Result<Self, Failure> {
        let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
        let parent = parent.unwrap_or_else(|| Path::new("."));
        let Some(name) = path.file_name() else {
            return Err(Failure::usage(format!("{}: not a file", path.display())));
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, parent, flags, Mode::empty()).map_err(|error| {
            Failure::could_not_run(format!("cannot open {}: {error}", parent.display()))
        })?;
        Ok(Self { directory, name: name.to_owned() })
    }

    /// What is in it; none where it is not there.
    fn read(&self) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(self.directory.as_fd(), &*self.name, flags, Mode::empty()).ok()?;
        let mut text = String::new();
        File::from(file).take(WORD).read_to_string(&mut text).ok()?;
        Some(text)
    }

    fn make(&self) -> Result<(), Failure> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
        let made = openat(self.directory.as_fd(), &*self.name, flags, Mode::RUSR);
        made.map(drop).map_err(|error| {
            Failure::could_not_run(format!("cannot make {}: {error}", self.name.display()))
        })
    }

    /// Whoever looks for it does not find that of an earlier start.
    fn remove(&self) {
        // Most often there is none.
        let _ = unlinkat(self.directory.as_fd(), &*self.name, rustix::fs::AtFlags::empty());
    }
}
