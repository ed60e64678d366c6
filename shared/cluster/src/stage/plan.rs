//! What will be created, before anything is: to be shown, and to be carried out.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use kcilium_core::facts::NodeName;

use super::{
    absence::Absence,
    identity::{self, Purpose, Run},
    image::Image,
    outcome::{End, Outcome, Printed, nothing_printed},
    program::{self, Programs},
    survey::{self, Site, Survey},
};
use crate::{Api, ApiError, permissions};

/// How many nodes are asked after at once.
const AT_ONCE: usize = 8;

/// How much of requests goes into one ConfigMap, bytes; as for parts of the program.
const REQUESTS: usize = 900 << 10;

/// How much of a node the program sees and may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    /// The host's network and processes, privileged: it can enter all of the host's namespaces.
    Host,
    /// The host's network, and raw sockets.
    HostNetwork,
    /// A network namespace of its own, as any pod has one, and raw sockets.
    Pod,
}

impl Placement {
    /// A word, for names of pods.
    pub fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::HostNetwork => "host-network",
            Self::Pod => "pod",
        }
    }

    /// The privileges, for a person.
    pub fn privileges(self) -> &'static str {
        match self {
            Self::Host => "privileged, in the host's network, with the host's processes",
            Self::HostNetwork => "raw sockets, in the host's network",
            Self::Pod => "raw sockets, in a pod network of its own",
        }
    }
}

/// What policies let the pods send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Egress {
    /// What those of the cluster say.
    #[default]
    AsItIs,
    /// Everything: a CiliumNetworkPolicy of the run's own allows it. What another denies in so many
    /// words stays denied.
    Allowed,
}

/// One thing to be done on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The node.
    pub node: NodeName,
    /// Where the program runs.
    pub placement: Placement,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it reads from standard input.
    pub request: Bytes,
}

/// What is wanted, and how long it may take.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What for.
    pub purpose: Purpose,
    /// What is to be done.
    pub errands: Vec<Errand>,
    /// Cilium's namespace.
    pub home: String,
    /// The image for nodes that have none of those that are known.
    pub image: Option<String>,
    /// Whose run it is, where the API server does not say who asks (before Kubernetes 1.28).
    pub owner: String,
    /// How long the pods may take, all together.
    pub time: Duration,
    /// How long a pod may take to start.
    pub start: Duration,
    /// What policies let the pods send.
    pub egress: Egress,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The API server cannot be asked at all.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Permissions are missing.
    #[error("not permitted: {}", needs.join(", "))]
    Forbidden {
        /// Those that are.
        needs: Vec<String>,
    },
    /// No policy can be created.
    #[error("the API server has no CiliumNetworkPolicies")]
    NoPolicies,
    /// A request is larger than a ConfigMap.
    #[error("the request for node {node} has {size} bytes, and at most {REQUESTS} can be passed")]
    Request {
        /// The node.
        node: NodeName,
        /// How large it is, bytes.
        size: usize,
    },
}

/// A pod that will be created.
#[derive(Clone, Debug)]
pub struct PodPlan {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub errand: Errand,
    /// The node's architecture.
    pub architecture: String,
    /// The image, which the node has.
    pub image: Image,
    /// Which ConfigMap has its request, by number.
    pub(super) requests: usize,
    /// The key of the request in there: the name of the first pod that has it.
    pub(super) request: String,
}

/// What will be created. Nothing of it is there yet.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) run: Run,
    pub(super) home: String,
    pub(super) time: Duration,
    pub(super) start: Duration,
    pub(super) egress: Egress,
    pub(super) pods: Vec<PodPlan>,
    pub(super) absent: Vec<(Errand, Absence)>,
    /// The parts of the program, for each architecture that is needed.
    pub(super) programs: BTreeMap<String, Vec<Bytes>>,
    /// The requests, for each ConfigMap by their pods' names.
    pub(super) requests: Vec<BTreeMap<String, Bytes>>,
}

impl Plan {
    /// Looks at the nodes, and plans what to put there. Nothing is created.
    ///
    /// # Errors
    /// When permissions are missing, when the API server cannot be asked, or when a request is too
    /// large. That nothing can be put on a node is part of the plan.
    pub async fn make(api: &Api, programs: &Programs, wish: Wish) -> Result<Self, PlanError> {
        let mut needs = permissions::missing(api, permissions::PROBER, &wish.home).await?;
        if wish.purpose == Purpose::Clean {
            needs.extend(permissions::missing(api, permissions::CLEANER, &wish.home).await?);
        }
        if wish.egress == Egress::Allowed {
            if !survey::has_policies(api).await? {
                return Err(PlanError::NoPolicies);
            }
            needs.extend(permissions::missing(api, permissions::ALLOWER, &wish.home).await?);
        }
        if !needs.is_empty() {
            let needs = needs.iter().map(|it| it.in_words(&wish.home)).collect();
            return Err(PlanError::Forbidden { needs });
        }
        let survey = Survey { api, home: &wish.home, image: wish.image.as_deref() };
        let survey = &survey;
        let nodes: BTreeSet<NodeName> = wish.errands.iter().map(|it| it.node.clone()).collect();
        let sites: BTreeMap<NodeName, Result<Site, Absence>> = stream::iter(nodes)
            .map(|node| async move {
                let site = survey.node(&node).await;
                (node, site)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let owner = identity::asking(api).await.unwrap_or(wish.owner);
        let mut plan = Self {
            run: Run::new(wish.purpose, &owner),
            home: wish.home,
            time: wish.time,
            start: wish.start,
            egress: wish.egress,
            pods: Vec::new(),
            absent: Vec::new(),
            programs: BTreeMap::new(),
            requests: Vec::new(),
        };
        for errand in wish.errands {
            let site = sites.get(&errand.node).cloned().unwrap_or(Err(Absence::NoNode));
            match site.and_then(|site| plan.program(programs, site)) {
                Ok(site) => plan.add(errand, site)?,
                Err(absence) => plan.absent.push((errand, absence)),
            }
        }
        Ok(plan)
    }

    /// Sees to it that the site's program is there.
    fn program(&mut self, programs: &Programs, site: Site) -> Result<Site, Absence> {
        let Some(program) = programs.get(&site.architecture) else {
            return Err(Absence::NoProgram { architecture: site.architecture });
        };
        self.programs.entry(site.architecture.clone()).or_insert_with(|| program::parts(program));
        Ok(site)
    }

    fn add(&mut self, errand: Errand, site: Site) -> Result<(), PlanError> {
        let name = format!("{}-{}", errand.placement.word(), self.pods.len());
        let length = errand.request.len();
        if length > REQUESTS {
            return Err(PlanError::Request { node: errand.node, size: length });
        }
        let (requests, request) = self.request(&name, &errand.request);
        let Site { architecture, image } = site;
        self.pods.push(PodPlan { name, errand, architecture, image, requests, request });
        Ok(())
    }

    /// The place of a request: pods that are asked the same share one, because thousands may be.
    fn request(&mut self, pod: &str, request: &Bytes) -> (usize, String) {
        let last = self.pods.last().filter(|last| last.errand.request == *request);
        if let Some(last) = last {
            return (last.requests, last.request.clone());
        }
        let used = |map: &BTreeMap<String, Bytes>| map.values().map(Bytes::len).sum::<usize>();
        if self.requests.last().is_none_or(|map| used(map) + request.len() > REQUESTS) {
            self.requests.push(BTreeMap::new());
        }
        if let Some(map) = self.requests.last_mut() {
            map.insert(pod.to_owned(), request.clone());
        }
        (self.requests.len().saturating_sub(1), pod.to_owned())
    }

    /// What came of all errands: what came of pods by their number, and why others got none.
    pub(super) fn complete(&self, mut ends: BTreeMap<usize, (End, Printed)>) -> Vec<Outcome> {
        let interrupted = || (Err(Absence::Interrupted), Err(nothing_printed()));
        let pods = self.pods.iter().enumerate().map(|(number, pod)| {
            let (end, printed) = ends.remove(&number).unwrap_or_else(interrupted);
            Outcome { errand: pod.errand.clone(), end, printed }
        });
        let absent = self.absent.iter().map(|(errand, absence)| Outcome {
            errand: errand.clone(),
            end: Err(absence.clone()),
            printed: Err(nothing_printed()),
        });
        pods.chain(absent).collect()
    }

    /// Leaves out what is to be done on other nodes.
    pub fn keep(&mut self, is_kept: impl Fn(&NodeName) -> bool) {
        self.pods.retain(|pod| is_kept(&pod.errand.node));
        self.absent.retain(|(errand, _)| is_kept(&errand.node));
    }

    /// What policies let the pods send.
    pub fn egress(&self) -> Egress {
        self.egress
    }

    /// The namespace, which holds everything else.
    pub fn namespace(&self) -> String {
        self.run.namespace()
    }

    /// The pods.
    pub fn pods(&self) -> &[PodPlan] {
        &self.pods
    }

    /// What cannot be done, and why.
    pub fn absent(&self) -> &[(Errand, Absence)] {
        &self.absent
    }

    /// Whose run it is.
    pub fn owner(&self) -> &str {
        self.run.owner()
    }

    /// How long the pods may take.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// How large the gzipped program is for each architecture, bytes, and how many ConfigMaps it
    /// takes.
    pub fn programs(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.programs.iter().map(|(architecture, parts)| {
            (architecture.as_str(), parts.iter().map(Bytes::len).sum(), parts.len())
        })
    }

    /// How many ConfigMaps the requests take.
    pub fn request_maps(&self) -> usize {
        self.requests.len()
    }

    /// Secrets of Cilium's namespace that will be copied: those that images were pulled with.
    pub fn pull_secrets(&self) -> BTreeSet<&str> {
        self.pods.iter().flat_map(|pod| &pod.image.pull_secrets).map(String::as_str).collect()
    }

    /// The namespace that such Secrets are in: Cilium's.
    pub fn home(&self) -> &str {
        &self.home
    }
}
