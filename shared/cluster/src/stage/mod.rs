//! A program on nodes: put there without pulling anything, run once, and gone again.
//!
//! One pod for each errand, pinned to its node, with an image that the node has already. The program
//! travels in ConfigMaps, is put together by the image's shell and gzip, and answers through its
//! termination message and its log. No registry, no DNS and no pod network is needed for that. Where
//! ConfigMaps are turned down, it is sent to the standard input of a command in each pod.
//!
//! All of it lives in a namespace of the run's own, and is labelled with the run, its owner and the
//! time at which nobody needs it any more. [`run`] removes it in the end, whatever the end is. What a
//! run leaves that was killed, a later one removes, but not before its time is over: by the API
//! server's clock, so that runs from machines with wrong clocks agree.
//!
//! [`Plan::make`] creates nothing. What a plan would create is shown to the user first.

mod absence;
mod delivery;
mod identity;
mod image;
mod object;
mod outcome;
mod plan;
mod program;
mod progress;
mod removal;
mod standing;
mod survey;
mod work;

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

pub use absence::Absence;
pub use identity::{Purpose, run_id};
pub use image::{Image, ImageSource};
pub use outcome::{End, Ended, Ending, Leftover, Outcome, Printed, Report, Swept};
pub use plan::{Egress, Errand, Placement, Plan, PlanError, PodPlan, Wish};
pub use program::{ProgramError, Programs, VARIABLE};
pub use standing::{Cleaned, Standing, earlier_orders, sweep_cleaners};

use crate::Api;
use removal::Runs;
use work::Work;

/// How long requests that are under way have to end when a run is interrupted. One that was dropped
/// might still create something, after it was looked for.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// Carries a plan out: creates what it says, waits until all programs have ended or the time is over,
/// collects what they say, and removes everything. What is left of runs whose time is over is removed
/// too. The future must not be dropped before its end; `interrupt` ends it, in order.
pub async fn run(api: &Api, plan: &Plan, interrupt: impl Future<Output = ()>) -> Report {
    let (stop, stopped) = watch::channel(false);
    let run = plan.run.begun(api.server_time(), plan.time);
    let work = Work::new(api.until(Instant::now() + plan.time), plan, run, stopped);
    let (done, ending) = {
        let sweep = removal::sweep(api, Purpose::Probe, Runs::Overdue);
        let mut both = Box::pin(async { tokio::join!(work.carry_out(), sweep) });
        tokio::select! {
            biased;
            done = &mut both => (Some(done), Ending::Done),
            () = interrupt => {
                // Nobody listens any more if it is over just now.
                let _ = stop.send(true);
                (timeout(LAST_REQUESTS, &mut both).await.ok(), Ending::Interrupted)
            }
        }
    };
    let left = if work.has_begun() {
        removal::remove(api, work.run(), plan.egress).await.err()
    } else {
        None
    };
    let (outcomes, swept) = done.unwrap_or_default();
    let without_maps = work.without_maps();
    Report { outcomes: plan.complete(outcomes), swept, without_maps, left, ending }
}
