//! Carrying a plan out, up to the removal.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    absence::Absence,
    delivery::{self, Delivery},
    identity::{Purpose, Run},
    object::{CONTAINER, Objects},
    outcome::{End, Ended, Printed, nothing_printed},
    plan::{Egress, Plan, PodPlan},
    progress::{self, Progress, said},
    standing::FINISH,
    survey::list,
};
use crate::{Api, ApiError, Form, collect::Resource};

/// How many pods are there at once. Each kubelet asks the API server for the whole program.
const PODS: usize = 100;

/// How many requests are sent at once.
const AT_ONCE: usize = 8;

/// How long the pods are left alone between two looks: at first, and at most.
const PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long agents have to take notice of a policy, before there are pods that it is for.
const SETTLE: Duration = Duration::from_secs(2);
/// How much of what a program printed is read, bytes.
const LOG: usize = 1 << 20;

/// How long reading logs may take, after the time for the pods is over.
const LOGS: Duration = Duration::from_secs(10);

/// A pod that is there and has not ended.
struct Live {
    /// Its number in the plan.
    number: usize,
    created: Instant,
    /// Whether the program has begun.
    running: bool,
    /// What it waits for, and who said so.
    why: Option<String>,
    feeding: Feeding,
}

impl Live {
    fn is_hungry(&self) -> bool {
        self.feeding != Feeding::Done
    }
}

/// Whether a pod that waits for its program got it. Where it mounts it, nobody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feeding {
    /// Not yet, after so many tries.
    Tried(u32),
    /// It did.
    Done,
}

/// How often sending a program is tried again.
const TRIES: u32 = 3;

/// What came of pods, by their number.
type Ends<T> = BTreeMap<usize, Result<T, Absence>>;

/// What a pod has to reach; none until it has.
type Goal<T> = dyn Fn(&Progress) -> Option<T> + Sync;

/// The end of the program.
fn ended(progress: &Progress) -> Option<Ended> {
    match progress {
        Progress::Ended(ended) => Some(ended.clone()),
        _ => None,
    }
}

/// A plan that is being carried out.
pub(super) struct Work<'a> {
    /// Until the time for the pods is over.
    api: Api,
    plan: &'a Plan,
    run: Run,
    namespace: String,
    stopped: watch::Receiver<bool>,
    /// Whether there may be something to remove.
    begun: AtomicBool,
    /// Why programs are sent into running pods, where they are.
    without_maps: OnceLock<Absence>,
}

impl<'a> Work<'a> {
    pub(super) fn new(api: Api, plan: &'a Plan, run: Run, stopped: watch::Receiver<bool>) -> Self {
        let namespace = run.namespace();
        Self {
            api,
            plan,
            run,
            namespace,
            stopped,
            begun: AtomicBool::new(false),
            without_maps: OnceLock::new(),
        }
    }

    fn objects(&self) -> Objects<'_> {
        Objects(&self.run)
    }

    /// The run.
    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    /// Where everything is.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether there may be something to remove.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Creates everything, and waits for the ends of the pods, which are given by their number.
    pub(super) async fn carry_out(&self) -> BTreeMap<usize, (End, Printed)> {
        if self.plan.pods.is_empty() {
            return BTreeMap::new();
        }
        let mut ends = BTreeMap::new();
        match self.prepare().await {
            Ok(()) => self.pods(&mut ends, &ended).await,
            Err(absence) => {
                let all = 0..self.plan.pods.len();
                ends.extend(all.map(|number| (number, Err(absence.clone()))));
            }
        }
        self.explain(&mut ends).await;
        self.collect(ends).await
    }

    /// Creates all that pods need.
    pub(super) async fn prepare(&self) -> Result<(), Absence> {
        self.begin().await?;
        let account = self.objects().account();
        self.create(Resource::SERVICE_ACCOUNTS, Some(&self.namespace), &account).await?;
        if self.plan.egress == Egress::Allowed {
            let allowance = self.objects().allowance();
            self.create(Resource::CILIUM_POLICIES, Some(&self.namespace), &allowance).await?;
            self.pause(SETTLE).await?;
        }
        for name in self.plan.pull_secrets() {
            self.copy_secret(name).await;
        }
        let parts = self.plan.programs.iter().flat_map(|(architecture, parts)| {
            let part = |(number, part)| self.objects().part(architecture, number, part);
            parts.iter().enumerate().map(part)
        });
        let requests = self.plan.requests.iter().enumerate();
        let requests = requests.map(|(number, map)| self.objects().requests(number, map));
        for map in parts.chain(requests) {
            let created = self.create(Resource::CONFIG_MAPS, Some(&self.namespace), &map).await;
            match created {
                // Cleaners are started again, and need it again.
                Err(why)
                    if self.run.purpose() == Purpose::Probe && delivery::is_worth_another(&why) =>
                {
                    // Only this sets it.
                    let _ = self.without_maps.set(why);
                    return Ok(());
                }
                created => created?,
            }
        }
        Ok(())
    }

    /// Why programs are sent into running pods, where they are.
    pub(super) fn without_maps(&self) -> Option<Absence> {
        self.without_maps.get().cloned()
    }

    /// How a pod's program comes into it.
    fn delivery(&self, plan: &PodPlan) -> Delivery {
        if self.without_maps.get().is_some() {
            return Delivery::Exec;
        }
        Delivery::Maps { parts: self.plan.programs.get(&plan.architecture).map_or(0, Vec::len) }
    }

    /// Sends their programs into pods that wait for them. A container that runs may not take commands
    /// yet, so it is tried again.
    async fn feed<T>(&self, alive: &mut BTreeMap<String, Live>, ends: &mut Ends<T>) {
        if self.without_maps.get().is_none() {
            return;
        }
        let hungry = alive.iter().filter(|(_, live)| live.running && live.is_hungry());
        let hungry: Vec<(String, usize)> =
            hungry.map(|(name, live)| (name.clone(), live.number)).collect();
        let sent = stream::iter(hungry).map(|(name, number)| async move {
            let plan = &self.plan.pods[number];
            let parts = self.plan.programs.get(&plan.architecture);
            let program = parts.map(|parts| parts.concat()).unwrap_or_default().into();
            let request = &plan.errand.request;
            (
                name.clone(),
                delivery::send(&self.api, &self.namespace, &name, &program, request).await,
            )
        });
        let mut sent = sent.buffer_unordered(AT_ONCE);
        while let Some((name, outcome)) = sent.next().await {
            let Some(live) = alive.get_mut(&name) else { continue };
            match (outcome, &mut live.feeding) {
                (Ok(()), feeding) => *feeding = Feeding::Done,
                (Err(Absence::Undelivered { .. }), Feeding::Tried(times)) if *times < TRIES => {
                    *times += 1;
                }
                (Err(absence), _) => {
                    ends.insert(live.number, Err(absence));
                    alive.remove(&name);
                }
            }
        }
    }

    /// Creates the namespace.
    async fn begin(&self) -> Result<(), Absence> {
        self.begun.store(true, Ordering::Relaxed);
        let path = Resource::NAMESPACES.path(None);
        self.api.create(&path, &self.objects().namespace()).await.map_err(|error| {
            // After any other failure an earlier try may have created it.
            let is_refused = matches!(error, ApiError::Forbidden { .. })
                || matches!(error, ApiError::Status { code: 400 | 422, .. });
            self.begun.store(!is_refused, Ordering::Relaxed);
            Absence::of(&error, &Resource::NAMESPACES.need("create", None))
        })
    }

    async fn create(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        object: &impl Serialize,
    ) -> Result<(), Absence> {
        if *self.stopped.borrow() {
            return Err(Absence::Interrupted);
        }
        let created = self.api.create(&resource.path(namespace), object).await;
        created.map_err(|error| Absence::of(&error, &resource.need("create", None)))
    }

    /// Copies a Secret that an image was pulled with. Without it, kubelets that do not ask for it
    /// start the pod still, and the others say what they lack.
    async fn copy_secret(&self, name: &str) {
        let path = format!("{}/{name}", Resource::SECRETS.path(Some(&self.plan.home)));
        let read = match self.api.get(&path, Form::Json).await {
            Ok(json) => serde_json::from_slice::<Secret>(&json).ok(),
            Err(error) => {
                tracing::debug!(path, %error, "an image's pull secret cannot be read");
                None
            }
        };
        let Some(secret) = read else { return };
        let copy = self.objects().pull_secret(secret);
        if let Err(error) = self.create(Resource::SECRETS, Some(&self.namespace), &copy).await {
            tracing::debug!(name, %error, "an image's pull secret cannot be copied");
        }
    }

    /// Creates the pods, and looks at them until all have reached the goal, or the time is over.
    pub(super) async fn pods<T>(&self, ends: &mut Ends<T>, goal: &Goal<T>) {
        let mut waiting: VecDeque<usize> = (0..self.plan.pods.len()).collect();
        let mut alive: BTreeMap<String, Live> = BTreeMap::new();
        let begun = Instant::now();
        let mut trouble = None;
        let last = loop {
            let room = waiting.len().min(PODS.saturating_sub(alive.len()));
            self.start(waiting.drain(..room).collect(), &mut alive, ends).await;
            if alive.is_empty() && waiting.is_empty() {
                return;
            }
            let asked = Instant::now();
            match self.look(&mut alive, ends, goal).await {
                Ok(()) => {
                    trouble = None;
                    self.feed(&mut alive, ends).await;
                }
                Err(ApiError::OutOfTime) => {}
                Err(error @ ApiError::Forbidden { .. }) => {
                    break Absence::of(&error, &Resource::PODS.need("list", None));
                }
                // What is wrong with the server now may be over before the time is.
                Err(error) => trouble = Some(error),
            }
            if alive.is_empty() && waiting.is_empty() {
                return;
            }
            // The longer it takes, and the longer the list is, the less often.
            let pause = PAUSE.max(begun.elapsed() / 20).max(asked.elapsed() * 3);
            if self.pause(pause.min(LONGEST_PAUSE)).await.is_err() {
                break Absence::Interrupted;
            }
            if Instant::now() >= self.api.deadline() {
                break match trouble {
                    Some(error) => Absence::of(&error, &Resource::PODS.need("list", None)),
                    None => Absence::Late,
                };
            }
        };
        for live in alive.into_values() {
            let end = match (&last, live.why) {
                (Absence::Late, Some(why)) if !live.running => Absence::Unstartable { why },
                _ => last.clone(),
            };
            ends.insert(live.number, Err(end));
        }
        let not_begun = if last == Absence::Interrupted { last } else { Absence::NotBegun };
        ends.extend(waiting.into_iter().map(|number| (number, Err(not_begun.clone()))));
    }

    /// Creates pods.
    async fn start<T>(
        &self,
        numbers: Vec<usize>,
        alive: &mut BTreeMap<String, Live>,
        ends: &mut Ends<T>,
    ) {
        let created = stream::iter(numbers).map(|number| async move {
            let plan = &self.plan.pods[number];
            let time = match self.run.purpose() {
                Purpose::Probe => self.api.deadline().saturating_duration_since(Instant::now()),
                // It has to finish what it began.
                Purpose::Clean => self.plan.time + FINISH,
            };
            let pod = self.objects().pod(plan, self.delivery(plan), time);
            (number, self.create(Resource::PODS, Some(&self.namespace), &pod).await)
        });
        let mut created = created.buffer_unordered(AT_ONCE);
        while let Some((number, outcome)) = created.next().await {
            match outcome {
                Ok(()) => {
                    let name = self.plan.pods[number].name.clone();
                    let created = Instant::now();
                    let feeding = Feeding::Tried(0);
                    alive
                        .insert(name, Live { number, created, running: false, why: None, feeding });
                }
                Err(absence) => {
                    ends.insert(number, Err(absence));
                }
            }
        }
    }

    /// The run's pods.
    pub(super) async fn all_pods(&self, api: &Api) -> Result<Vec<Pod>, ApiError> {
        let selector = [("labelSelector", self.run.selector())];
        list::<Pod>(api, Resource::PODS, Some(&self.namespace), &selector).await
    }

    /// Looks at the pods, and takes those that have come to an end from the living.
    async fn look<T>(
        &self,
        alive: &mut BTreeMap<String, Live>,
        ends: &mut Ends<T>,
        goal: &Goal<T>,
    ) -> Result<(), ApiError> {
        let pods = self.all_pods(&self.api).await?;
        let found: BTreeMap<&str, &Pod> =
            pods.iter().filter_map(|pod| Some((pod.metadata.name.as_deref()?, pod))).collect();
        alive.retain(|name, live| {
            let end = match found.get(name.as_str()) {
                None => Some(Err(Absence::Deleted)),
                Some(pod) => self.judge(pod, live, goal),
            };
            let is_alive = end.is_none();
            ends.extend(end.map(|end| (live.number, end)));
            is_alive
        });
        Ok(())
    }

    /// Whether the pod has come to an end, or is given up.
    fn judge<T>(&self, pod: &Pod, live: &mut Live, goal: &Goal<T>) -> Option<Result<T, Absence>> {
        let is_overdue = live.created.elapsed() > self.plan.start;
        let progress = progress::of(pod);
        if let Some(reached) = goal(&progress) {
            return Some(Ok(reached));
        }
        match progress {
            Progress::Never(absence) => Some(Err(absence)),
            Progress::Running | Progress::Ready => {
                live.running = true;
                // A cleaner that does not get ready holds up all others.
                let is_stuck = self.run.purpose() == Purpose::Clean && is_overdue;
                is_stuck.then_some(Err(Absence::Late))
            }
            // It will be started again.
            Progress::Ended(ended) => {
                let why = format!("it ended with {}: {}", ended.exit_code, ended.summary);
                live.why = Some(why.clone());
                is_overdue.then_some(Err(Absence::Unstartable { why }))
            }
            Progress::Starting(why) => {
                live.why = Some(why.clone());
                is_overdue.then_some(Err(Absence::Unstartable { why }))
            }
            Progress::Unseen => {
                let seconds = self.plan.start.as_secs();
                is_overdue.then_some(Err(Absence::Silent { seconds }))
            }
        }
    }

    /// Sleeps, unless the run is interrupted.
    async fn pause(&self, time: Duration) -> Result<(), Absence> {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            // An error says that nobody can interrupt any more, which is not seen here.
            Ok(_) = stopped.wait_for(|stopped| *stopped) => Err(Absence::Interrupted),
            () = sleep(time) => Ok(()),
        }
    }

    /// Adds what events say of pods that did not start: volumes and sandboxes are nowhere else.
    pub(super) async fn explain<T>(&self, ends: &mut Ends<T>) {
        let is_unexplained = |end: &Result<T, Absence>| {
            matches!(end, Err(Absence::Unstartable { .. } | Absence::Silent { .. }))
        };
        if !ends.values().any(is_unexplained) || *self.stopped.borrow() {
            return;
        }
        let api = self.api.until(Instant::now() + LOGS);
        let warnings = [("fieldSelector", "type=Warning".to_owned())];
        let events = list::<Event>(&api, Resource::EVENTS, Some(&self.namespace), &warnings).await;
        let mut last = BTreeMap::new();
        for event in events.unwrap_or_default() {
            let text = said(
                event.reason.as_deref().unwrap_or_default(),
                event.message.as_deref().unwrap_or_default(),
            );
            last.insert(event.involved_object.name.unwrap_or_default(), text);
        }
        for (number, end) in ends.iter_mut() {
            let told = last.get(&self.plan.pods[*number].name);
            if let (Err(Absence::Unstartable { why }), Some(told)) = (end, told) {
                told.clone_into(why);
            }
        }
    }

    /// Adds what the programs printed.
    async fn collect(&self, ends: BTreeMap<usize, End>) -> BTreeMap<usize, (End, Printed)> {
        let api = &self.api.until(Instant::now() + LOGS);
        stream::iter(ends)
            .map(|(number, end)| async move {
                let has_run = matches!(end, Ok(Ended { .. }) | Err(Absence::Late));
                let printed = if has_run && !*self.stopped.borrow() {
                    self.log(api, &self.plan.pods[number].name).await
                } else {
                    Err(nothing_printed())
                };
                (number, (end, printed))
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }

    pub(super) async fn log(&self, api: &Api, pod: &str) -> Printed {
        let pods = Resource::PODS.path(Some(&self.namespace));
        let path = format!("{pods}/{pod}/log?container={CONTAINER}&limitBytes={LOG}");
        let need = "get pods/log";
        api.get(&path, Form::Json).await.map_err(|error| error.unavailable("log", need))
    }
}
