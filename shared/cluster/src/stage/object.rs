//! The objects of a run.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use k8s_openapi::{
    ByteString,
    api::core::v1::{
        Capabilities, ConfigMap, ConfigMapVolumeSource, Container, DownwardAPIVolumeFile,
        DownwardAPIVolumeSource, EmptyDirVolumeSource, ExecAction, KeyToPath, LocalObjectReference,
        Namespace, ObjectFieldSelector, Pod, PodSpec, Probe, ResourceRequirements, SeccompProfile,
        Secret, SecurityContext, ServiceAccount, Toleration, Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};

use serde_json::{Value, json};

use super::{
    delivery::Delivery,
    identity::{Purpose, Run},
    plan::{Placement, PodPlan},
};

/// The only container of each pod.
pub(super) const CONTAINER: &str = "agent";

/// The account of the pods. One of our own: the namespace's `default` comes from the controller
/// manager, and later than the first pod, which would be turned down for the lack of it.
const ACCOUNT: &str = "probe";

/// The policy that lets them send everything.
pub(super) const ALLOWANCE: &str = "allow-probes";

/// The key of a part of the program.
const PART: &str = "part";

/// Where everything is in the container.
const ROOT: &str = "/kcilium";

/// Puts the program together. Nothing but the image's own tools can be used.
macro_rules! script {
    ($run:literal) => {
        concat!(
            "set -e\n",
            "cat /kcilium/program/*/part | gzip -dc >/kcilium/run/agent\n",
            "chmod 0700 /kcilium/run/agent\n",
            $run
        )
    };
}

/// Becomes the program.
const ONCE: &str = script!("exec /kcilium/run/agent \"$@\" </kcilium/request/request\n");

/// Stays beside the program, which leaves the container's mounts: commands that are run in a container,
/// such as the one that asks whether it is ready, go where its first process is.
const STANDING: &str = script!(
    "set +e
/kcilium/run/agent \"$@\" </kcilium/request/request &
agent=$!
trap 'kill -TERM $agent' TERM INT
wait $agent
code=$?
while kill -0 $agent 2>/dev/null; do
    wait $agent
    code=$?
done
exit $code
"
);

/// Waits until the program was sent, and becomes it.
const RECEIVING: &str = "set -e
until [ -e /kcilium/run/sent ]; do sleep 1; done
exec /kcilium/run/agent \"$@\" </kcilium/run/request
";

/// The annotation of a pod by which a cleaner is told to begin. A kubelet writes it into the pod's
/// volume as soon as it hears of the change; a ConfigMap would take up to a minute.
pub(super) const GO: &str = "kcilium/go";

/// What a cleaner makes when it stands by.
const ARMED: &str = "/kcilium/run/armed";

/// What a pod may use. Requests of nothing let it start on a node that is full; that they and limits
/// are there at all satisfies quotas that ask for them.
const LIMITS: [(&str, &str); 2] = [("cpu", "1"), ("memory", "256Mi")];

/// Makes the objects of one run.
pub(super) struct Objects<'a>(pub(super) &'a Run);

impl Objects<'_> {
    fn meta(&self, name: &str) -> ObjectMeta {
        let owner = ("kcilium/owner".to_owned(), self.0.owner().to_owned());
        let deadline = ("kcilium/deadline".to_owned(), self.0.deadline().to_string());
        ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(self.0.labels()),
            annotations: Some([owner, deadline].into()),
            ..ObjectMeta::default()
        }
    }

    /// The namespace. `privileged` is what raw sockets and the host's network need; other levels
    /// would turn down the pods, or make the API server warn of each.
    pub(super) fn namespace(&self) -> Namespace {
        let mut metadata = self.meta(&self.0.namespace());
        for mode in ["enforce", "audit", "warn"] {
            let label = format!("pod-security.kubernetes.io/{mode}");
            metadata.labels.get_or_insert_default().insert(label, "privileged".to_owned());
        }
        Namespace { metadata, ..Namespace::default() }
    }

    /// The pods' account, which may do nothing and has no token.
    pub(super) fn account(&self) -> ServiceAccount {
        ServiceAccount {
            metadata: self.meta(ACCOUNT),
            automount_service_account_token: Some(false),
            ..ServiceAccount::default()
        }
    }

    /// The policy that lets the run's pods send everything, and reach each other. It selects by the
    /// namespace alone, which holds nothing else: agents may be told to take no notice of other labels
    /// (`labels` in cilium-config).
    pub(super) fn allowance(&self) -> Value {
        json!({
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNetworkPolicy",
            "metadata": self.meta(ALLOWANCE),
            "spec": {
                "description": "Lets the probes of kubectl cilium-doctor send everything, for a few seconds.",
                "endpointSelector": {},
                "egress": [{"toEntities": ["all"]}],
                "ingress": [{"fromEndpoints": [{}]}],
            },
        })
    }

    /// A copy of a Secret that an image was pulled with.
    pub(super) fn pull_secret(&self, original: Secret) -> Secret {
        let name = original.metadata.name.unwrap_or_default();
        Secret {
            metadata: self.meta(&name),
            immutable: Some(true),
            data: original.data,
            type_: original.type_,
            string_data: None,
        }
    }

    /// A part of the program.
    pub(super) fn part(&self, architecture: &str, number: usize, part: &Bytes) -> ConfigMap {
        let data = [(PART.to_owned(), part.clone())].into();
        self.config_map(&part_name(architecture, number), &data)
    }

    /// Requests by their pods' names.
    pub(super) fn requests(&self, number: usize, requests: &BTreeMap<String, Bytes>) -> ConfigMap {
        self.config_map(&requests_name(number), requests)
    }

    fn config_map(&self, name: &str, data: &BTreeMap<String, Bytes>) -> ConfigMap {
        let bytes = |bytes: &Bytes| ByteString(bytes.to_vec());
        ConfigMap {
            metadata: self.meta(name),
            binary_data: Some(data.iter().map(|(key, it)| (key.clone(), bytes(it))).collect()),
            // Kubelets do not watch it then.
            immutable: Some(true),
            data: None,
        }
    }

    /// A pod, for a program that comes in that way, that may take that long.
    pub(super) fn pod(&self, plan: &PodPlan, delivery: Delivery, time: Duration) -> Pod {
        let placement = plan.errand.placement;
        let mut metadata = self.meta(&plan.name);
        // A mesh's sidecar would be pulled, and would keep the pod from ending.
        let labels = metadata.labels.get_or_insert_default();
        labels.insert("sidecar.istio.io/inject".to_owned(), "false".to_owned());
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.insert("linkerd.io/inject".to_owned(), "disabled".to_owned());
        let secrets = plan.image.pull_secrets.iter();
        let secrets: Vec<_> =
            secrets.map(|name| LocalObjectReference { name: name.clone() }).collect();
        let is_on_host = placement != Placement::Pod;
        let is_cleaner = self.0.purpose() == Purpose::Clean;
        // No priority class: a kubelet makes room for critical pods by evicting others, which is
        // not what who looks for an illness may do; and some clusters ration the classes.
        let spec = PodSpec {
            node_name: Some(plan.errand.node.to_string()),
            tolerations: Some(vec![Toleration {
                operator: Some("Exists".to_owned()),
                ..Toleration::default()
            }]),
            host_network: is_on_host.then_some(true),
            host_pid: (placement == Placement::Host).then_some(true),
            dns_policy: Some(if is_on_host { "Default" } else { "ClusterFirst" }.to_owned()),
            // A cleaner that is killed, with its node or alone, goes on.
            restart_policy: Some(if is_cleaner { "OnFailure" } else { "Never" }.to_owned()),
            active_deadline_seconds: Some(i64::try_from(time.as_secs().max(1)).unwrap_or(i64::MAX)),
            // A cleaner finishes the step in hand.
            termination_grace_period_seconds: Some(if is_cleaner { 30 } else { 5 }),
            service_account_name: Some(ACCOUNT.to_owned()),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            image_pull_secrets: (!secrets.is_empty()).then_some(secrets),
            containers: vec![container(plan, delivery, self.0.purpose(), time)],
            volumes: Some(volumes(plan, delivery, self.0.purpose())),
            ..PodSpec::default()
        };
        Pod { metadata, spec: Some(spec), ..Pod::default() }
    }
}

fn part_name(architecture: &str, number: usize) -> String {
    format!("program-{architecture}-{number}")
}

fn requests_name(number: usize) -> String {
    format!("requests-{number}")
}

fn mount(name: String, path: &str, read_only: Option<bool>) -> VolumeMount {
    let mount_path = format!("{ROOT}/{path}");
    VolumeMount { mount_path, name, read_only, ..VolumeMount::default() }
}

/// A container is ready when the program says that it stands by. Images have `cat`, because the
/// program is put together with it.
fn readiness() -> Probe {
    let command = ["cat", ARMED].map(str::to_owned);
    Probe {
        exec: Some(ExecAction { command: Some(command.into()) }),
        period_seconds: Some(2),
        timeout_seconds: Some(5),
        ..Probe::default()
    }
}

fn container(plan: &PodPlan, delivery: Delivery, purpose: Purpose, time: Duration) -> Container {
    // Where the kubelet is gone nobody else ends it.
    let deadline = time.as_secs().to_string();
    let standing = ["--go", "/kcilium/go/word", "--armed", ARMED, "--deadline", &deadline];
    let (script, standing) = match (purpose, delivery) {
        (Purpose::Probe, Delivery::Maps { .. }) => (ONCE, &[][..]),
        (Purpose::Probe, Delivery::Exec) => (RECEIVING, &[][..]),
        (Purpose::Clean, _) => (STANDING, &standing[..]),
    };
    let shell = ["sh", "-c", script, "kcilium-node-agent"].map(str::to_owned);
    let arguments = plan.errand.arguments.iter().cloned();
    let arguments = arguments.chain(standing.iter().map(|word| (*word).to_owned()));
    let gate = (purpose == Purpose::Clean).then(|| mount("go".to_owned(), "go", Some(true)));
    let program = (0..delivery.parts())
        .map(|number| mount(format!("program-{number}"), &format!("program/{number}"), Some(true)));
    let request = delivery.is_by_maps().then(|| mount("request".to_owned(), "request", Some(true)));
    let others = request.into_iter().chain([mount("run".to_owned(), "run", None)]);
    let quantities = |of: fn(&'static str) -> &'static str| {
        let quantity =
            |(name, limit): (&str, &'static str)| (name.to_owned(), Quantity(of(limit).to_owned()));
        Some(LIMITS.map(quantity).into())
    };
    Container {
        name: CONTAINER.to_owned(),
        image: Some(plan.image.name.clone()),
        image_pull_policy: Some("Never".to_owned()),
        command: Some(shell.into_iter().chain(arguments).collect()),
        volume_mounts: Some(program.chain(others).chain(gate).collect()),
        readiness_probe: (purpose == Purpose::Clean).then(readiness),
        resources: Some(ResourceRequirements {
            limits: quantities(|limit| limit),
            requests: quantities(|_| "0"),
            ..ResourceRequirements::default()
        }),
        security_context: Some(security(plan.errand.placement)),
        // What a shell says that has no gzip.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

fn security(placement: Placement) -> SecurityContext {
    let root = SecurityContext {
        // Whatever user the image has: raw sockets are root's.
        run_as_user: Some(0),
        run_as_group: Some(0),
        run_as_non_root: Some(false),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    };
    match placement {
        Placement::Host => SecurityContext { privileged: Some(true), ..root },
        Placement::HostNetwork | Placement::Pod => SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                add: Some(vec!["NET_RAW".to_owned()]),
                drop: Some(vec!["ALL".to_owned()]),
            }),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..root
        },
    }
}

fn volumes(plan: &PodPlan, delivery: Delivery, purpose: Purpose) -> Vec<Volume> {
    let config_map = |volume: String, name: String, items| Volume {
        name: volume,
        config_map: Some(ConfigMapVolumeSource { name, items, ..ConfigMapVolumeSource::default() }),
        ..Volume::default()
    };
    let program = (0..delivery.parts()).map(|number| {
        config_map(format!("program-{number}"), part_name(&plan.architecture, number), None)
    });
    let request =
        KeyToPath { key: plan.request.clone(), path: "request".to_owned(), ..KeyToPath::default() };
    let request = delivery.is_by_maps().then(|| {
        config_map("request".to_owned(), requests_name(plan.requests), Some(vec![request]))
    });
    // In memory: no disk is needed, and no mount option of one keeps the program from running.
    let run = Volume {
        name: "run".to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: Some("Memory".to_owned()),
            size_limit: Some(Quantity("64Mi".to_owned())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    };
    let gate = (purpose == Purpose::Clean).then(gate);
    program.chain(request).chain([run]).chain(gate).collect()
}

/// What a pod says of itself, as a file that follows it.
fn gate() -> Volume {
    let field_path = format!("metadata.annotations['{GO}']");
    let word = DownwardAPIVolumeFile {
        path: "word".to_owned(),
        field_ref: Some(ObjectFieldSelector { field_path, ..ObjectFieldSelector::default() }),
        ..DownwardAPIVolumeFile::default()
    };
    let source =
        DownwardAPIVolumeSource { items: Some(vec![word]), ..DownwardAPIVolumeSource::default() };
    Volume { name: "go".to_owned(), downward_api: Some(source), ..Volume::default() }
}
