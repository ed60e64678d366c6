//! The columns of built-in kinds, and how their cells are made.

use std::{collections::BTreeSet, fmt::Write as _};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    object::{at, list, meta, number, terminating, text},
    resource::Resource,
    table::{Column, age, duration},
};

/// Makes an object's cells.
pub(crate) type Cells = fn(&Value, Timestamp) -> Vec<Value>;

const NAME: Column = ("Name", "string", "name", 0);
const AGE: Column = ("Age", "string", "", 0);

const fn shown(name: &'static str) -> Column {
    (name, "string", "", 0)
}
const fn count(name: &'static str) -> Column {
    (name, "integer", "", 0)
}
const fn wide(name: &'static str) -> Column {
    (name, "string", "", 1)
}

const POD: &[Column] = &[
    NAME,
    shown("Ready"),
    shown("Status"),
    shown("Restarts"),
    AGE,
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
];
const NODE: &[Column] = &[
    NAME,
    shown("Status"),
    shown("Roles"),
    AGE,
    shown("Version"),
    wide("Internal-IP"),
    wide("External-IP"),
    wide("OS-Image"),
    wide("Kernel-Version"),
    wide("Container-Runtime"),
];
const ENDPOINT_SLICE: &[Column] =
    &[NAME, shown("AddressType"), shown("Ports"), shown("Endpoints"), AGE];
const BINDING: &[Column] =
    &[NAME, shown("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")];
const DEPLOYMENT: &[Column] = &[
    NAME,
    shown("Ready"),
    count("Up-to-date"),
    count("Available"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
const DAEMON_SET: &[Column] = &[
    NAME,
    count("Desired"),
    count("Current"),
    count("Ready"),
    count("Up-to-date"),
    count("Available"),
    shown("Node Selector"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
const REPLICA_SET: &[Column] = &[
    NAME,
    count("Desired"),
    count("Current"),
    count("Ready"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
const STATEFUL_SET: &[Column] = &[NAME, shown("Ready"), AGE, wide("Containers"), wide("Images")];
const JOB: &[Column] = &[
    NAME,
    shown("Status"),
    shown("Completions"),
    shown("Duration"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
const SERVICE: &[Column] = &[
    NAME,
    shown("Type"),
    shown("Cluster-IP"),
    shown("External-IP"),
    shown("Port(s)"),
    AGE,
    wide("Selector"),
];
const EVENT: &[Column] = &[
    shown("Last Seen"),
    shown("Type"),
    shown("Reason"),
    shown("Object"),
    wide("Subobject"),
    wide("Source"),
    shown("Message"),
    wide("First Seen"),
    wide("Count"),
    ("Name", "string", "name", 1),
];

/// The columns of a built-in kind and what makes its cells; none for the general ones.
pub(crate) fn of(resource: &Resource) -> Option<(&'static [Column], Cells)> {
    if resource.traits.custom {
        return None;
    }
    Some(match &*resource.id.plural {
        "pods" => (POD, pod),
        "nodes" => (NODE, node),
        "deployments" => (DEPLOYMENT, deployment),
        "daemonsets" => (DAEMON_SET, daemon_set),
        "replicasets" => (REPLICA_SET, replica_set),
        "statefulsets" => (STATEFUL_SET, stateful_set),
        "jobs" => (JOB, job),
        "services" => (SERVICE, service),
        "events" => (EVENT, event),
        "configmaps" => (const { &[NAME, count("Data"), AGE] }, |object, now| {
            let data = fields(object, "data") + fields(object, "binaryData");
            vec![name(object), json!(data), old(object, now)]
        }),
        "secrets" => (const { &[NAME, shown("Type"), count("Data"), AGE] }, |object, now| {
            vec![
                name(object),
                object["type"].clone(),
                json!(fields(object, "data")),
                old(object, now),
            ]
        }),
        "namespaces" => (const { &[NAME, shown("Status"), AGE] }, |object, now| {
            vec![name(object), object["status"]["phase"].clone(), old(object, now)]
        }),
        "serviceaccounts" => (const { &[NAME, count("Secrets"), AGE] }, |object, now| {
            vec![name(object), json!(list(object, &["secrets"]).len()), old(object, now)]
        }),
        "endpoints" => (const { &[NAME, shown("Endpoints"), AGE] }, |object, now| {
            vec![name(object), json!(endpoints(object)), old(object, now)]
        }),
        "endpointslices" => (ENDPOINT_SLICE, endpoint_slice),
        "ingressclasses" => {
            (const { &[NAME, shown("Controller"), shown("Parameters"), AGE] }, |object, now| {
                let parameters = match text(object, &["spec", "parameters", "name"]) {
                    "" => "<none>".to_owned(),
                    name => format!("{}/{name}", text(object, &["spec", "parameters", "kind"])),
                };
                let controller = object["spec"]["controller"].clone();
                vec![name(object), controller, json!(parameters), old(object, now)]
            })
        }
        "networkpolicies" => (const { &[NAME, shown("Pod-Selector"), AGE] }, |object, now| {
            let selector = selector(&object["spec"]["podSelector"]);
            vec![name(object), json!(selector), old(object, now)]
        }),
        "leases" => (const { &[NAME, shown("Holder"), AGE] }, |object, now| {
            vec![name(object), json!(text(object, &["spec", "holderIdentity"])), old(object, now)]
        }),
        "rolebindings" | "clusterrolebindings" => (BINDING, binding),
        "roles" | "clusterroles" | "customresourcedefinitions" => {
            (const { &[NAME, ("Created At", "date", "", 0)] }, |object, _| {
                vec![name(object), json!(meta(object, "creationTimestamp"))]
            })
        }
        _ => (const { &[NAME, AGE] }, |object, now| vec![name(object), old(object, now)]),
    })
}

fn name(object: &Value) -> Value {
    json!(meta(object, "name"))
}

fn old(object: &Value, now: Timestamp) -> Value {
    json!(age(meta(object, "creationTimestamp"), now))
}

fn fields(object: &Value, field: &str) -> usize {
    object[field].as_object().map_or(0, serde_json::Map::len)
}

fn or_none(text: &str) -> Value {
    if text.is_empty() { json!("<none>") } else { json!(text) }
}

fn selector(selector: &Value) -> String {
    let mut parts = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for expression in list(selector, &["matchExpressions"]) {
        let key = text(expression, &["key"]);
        let values: Vec<_> =
            list(expression, &["values"]).iter().filter_map(Value::as_str).collect();
        parts.push(match text(expression, &["operator"]) {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    if parts.is_empty() { "<none>".to_owned() } else { parts.join(",") }
}

fn plain_selector(labels: &Value) -> String {
    let labels: Vec<_> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    labels.join(",")
}

/// The last three or two wide columns of workloads.
fn template(object: &Value, cells: &mut Vec<Value>) {
    let containers = list(object, &["spec", "template", "spec", "containers"]);
    for field in ["name", "image"] {
        let words: Vec<_> = containers.iter().map(|container| text(container, &[field])).collect();
        cells.push(json!(words.join(",")));
    }
}

fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = &object["status"];
    let ready =
        format!("{}/{}", number(status, &["readyReplicas"]), number(object, &["spec", "replicas"]));
    let mut cells = vec![
        name(object),
        json!(ready),
        json!(number(status, &["updatedReplicas"])),
        json!(number(status, &["availableReplicas"])),
        old(object, now),
    ];
    template(object, &mut cells);
    cells.push(json!(selector(&object["spec"]["selector"])));
    cells
}

fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![name(object)];
    for field in [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ] {
        cells.push(json!(number(object, &["status", field])));
    }
    cells.push(or_none(&plain_selector(&object["spec"]["template"]["spec"]["nodeSelector"])));
    cells.push(old(object, now));
    template(object, &mut cells);
    cells.push(json!(selector(&object["spec"]["selector"])));
    cells
}

fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        name(object),
        json!(number(object, &["spec", "replicas"])),
        json!(number(object, &["status", "replicas"])),
        json!(number(object, &["status", "readyReplicas"])),
        old(object, now),
    ];
    template(object, &mut cells);
    cells.push(json!(selector(&object["spec"]["selector"])));
    cells
}

fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = number(object, &["status", "readyReplicas"]);
    let ready = format!("{ready}/{}", number(object, &["spec", "replicas"]));
    let mut cells = vec![name(object), json!(ready), old(object, now)];
    template(object, &mut cells);
    cells
}

fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let condition = |kind: &str| {
        list(object, &["status", "conditions"])
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    let status = [("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")]
        .into_iter()
        .find(|(kind, _)| condition(kind))
        .map_or(if terminating(object) { "Terminating" } else { "Running" }, |(_, word)| word);
    let done = number(object, &["status", "succeeded"]);
    let wanted = at(object, &["spec", "completions"]).and_then(Value::as_i64).unwrap_or(1);
    let start = text(object, &["status", "startTime"]).parse::<Timestamp>();
    let end = text(object, &["status", "completionTime"]).parse::<Timestamp>().unwrap_or(now);
    let took = start.map(|start| duration(end.as_second() - start.as_second())).unwrap_or_default();
    let mut cells = vec![
        name(object),
        json!(status),
        json!(format!("{done}/{wanted}")),
        json!(took),
        old(object, now),
    ];
    template(object, &mut cells);
    cells.push(json!(selector(&object["spec"]["selector"])));
    cells
}

fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let kind = text(spec, &["type"]);
    let ingress: Vec<_> = list(object, &["status", "loadBalancer", "ingress"])
        .iter()
        .map(|at| if at["ip"].is_string() { text(at, &["ip"]) } else { text(at, &["hostname"]) })
        .collect();
    let mut external: Vec<&str> =
        list(spec, &["externalIPs"]).iter().filter_map(Value::as_str).collect();
    let external = match kind {
        "LoadBalancer" if ingress.is_empty() && external.is_empty() => "<pending>".to_owned(),
        "ExternalName" => text(spec, &["externalName"]).to_owned(),
        _ => {
            let mut all = ingress;
            all.append(&mut external);
            if all.is_empty() { "<none>".to_owned() } else { all.join(",") }
        }
    };
    let ports: Vec<String> = list(spec, &["ports"])
        .iter()
        .map(|port| {
            let node = number(port, &["nodePort"]);
            let node = if node == 0 { String::new() } else { format!(":{node}") };
            format!("{}{node}/{}", number(port, &["port"]), text(port, &["protocol"]))
        })
        .collect();
    vec![
        name(object),
        json!(kind),
        or_none(text(spec, &["clusterIP"])),
        json!(external),
        or_none(&ports.join(",")),
        old(object, now),
        or_none(&plain_selector(&spec["selector"])),
    ]
}

fn endpoints(object: &Value) -> String {
    let mut shown = Vec::new();
    for subset in list(object, &["subsets"]) {
        for port in list(subset, &["ports"]) {
            for address in list(subset, &["addresses"]) {
                shown.push(format!("{}:{}", text(address, &["ip"]), number(port, &["port"])));
            }
        }
    }
    first_three(shown, "<none>")
}

/// A list, but not all of a long one.
fn first_three(mut shown: Vec<String>, empty: &str) -> String {
    if shown.is_empty() {
        return empty.to_owned();
    }
    let more = shown.len().saturating_sub(3);
    shown.truncate(3);
    let mut text = shown.join(",");
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, " + {more} more...");
    }
    text
}

fn endpoint_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports = list(object, &["ports"]).iter().map(|port| number(port, &["port"]).to_string());
    let addresses = list(object, &["endpoints"])
        .iter()
        .flat_map(|endpoint| list(endpoint, &["addresses"]))
        .filter_map(Value::as_str)
        .map(str::to_owned);
    vec![
        name(object),
        object["addressType"].clone(),
        json!(first_three(ports.collect(), "<unset>")),
        json!(first_three(addresses.collect(), "<unset>")),
        old(object, now),
    ]
}

fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let role =
        format!("{}/{}", text(object, &["roleRef", "kind"]), text(object, &["roleRef", "name"]));
    let subjects = |kind: &str| {
        let subjects = list(object, &["subjects"]).iter().filter(|subject| subject["kind"] == kind);
        let name = |subject| match (text(subject, &["namespace"]), text(subject, &["name"])) {
            ("", name) => name.to_owned(),
            (namespace, name) => format!("{namespace}/{name}"),
        };
        json!(subjects.map(name).collect::<Vec<_>>().join(", "))
    };
    vec![
        name(object),
        json!(role),
        old(object, now),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let first = [text(object, &["firstTimestamp"]), text(object, &["eventTime"])]
        .into_iter()
        .find(|time| !time.is_empty())
        .unwrap_or_default();
    let last = match text(object, &["lastTimestamp"]) {
        "" => first,
        last => last,
    };
    let involved = &object["involvedObject"];
    let kind = text(involved, &["kind"]).to_lowercase();
    let mut source = text(object, &["source", "component"]).to_owned();
    if let host @ [_, ..] = text(object, &["source", "host"]).as_bytes() {
        source = format!("{source}, {}", String::from_utf8_lossy(host));
    }
    let seen = number(object, &["count"]).max(1);
    vec![
        json!(age(last, now)),
        json!(text(object, &["type"])),
        json!(text(object, &["reason"])),
        json!(format!("{kind}/{}", text(involved, &["name"]))),
        json!(text(involved, &["fieldPath"])),
        json!(source),
        json!(text(object, &["message"]).trim()),
        json!(age(first, now)),
        json!(seen.to_string()),
        name(object),
    ]
}

fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = list(object, &["status", "conditions"])
        .iter()
        .find(|condition| condition["type"] == "Ready")
        .map_or(
            "Unknown",
            |condition| {
                if condition["status"] == "True" { "Ready" } else { "NotReady" }
            },
        );
    let mut status = ready.to_owned();
    if object["spec"]["unschedulable"] == json!(true) {
        status.push_str(",SchedulingDisabled");
    }
    let roles: BTreeSet<&str> = crate::object::labels(object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.as_str() {
            "kubernetes.io/role" => value.as_str(),
            key => key.strip_prefix("node-role.kubernetes.io/"),
        })
        .filter(|role| !role.is_empty())
        .collect();
    let address = |kind: &str| {
        list(object, &["status", "addresses"])
            .iter()
            .find(|address| address["type"] == kind)
            .map_or("<none>", |address| text(address, &["address"]))
    };
    let info = |field: &str| match text(object, &["status", "nodeInfo", field]) {
        "" => json!("<unknown>"),
        text => json!(text),
    };
    vec![
        name(object),
        json!(status),
        or_none(&roles.into_iter().collect::<Vec<_>>().join(",")),
        old(object, now),
        json!(text(object, &["status", "nodeInfo", "kubeletVersion"])),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn pod(object: &Value, now: Timestamp) -> Vec<Value> {
    let (status, ready, restarts, last) = pod_status(object);
    let total = list(object, &["spec", "containers"]).len() + sidecars(object).count();
    let restarts = if restarts > 0 && !last.is_empty() {
        format!("{restarts} ({} ago)", age(&last, now))
    } else {
        restarts.to_string()
    };
    let ip = list(object, &["status", "podIPs"]).first().map_or_else(
        || text(object, &["status", "podIP"]).to_owned(),
        |ip| text(ip, &["ip"]).to_owned(),
    );
    let gates = list(object, &["spec", "readinessGates"]);
    let gates = if gates.is_empty() {
        json!("<none>")
    } else {
        let holds = |gate: &&Value| {
            list(object, &["status", "conditions"])
                .iter()
                .any(|c| c["type"] == gate["conditionType"] && c["status"] == "True")
        };
        json!(format!("{}/{}", gates.iter().filter(holds).count(), gates.len()))
    };
    vec![
        name(object),
        json!(format!("{ready}/{total}")),
        json!(status),
        json!(restarts),
        old(object, now),
        or_none(&ip),
        or_none(text(object, &["spec", "nodeName"])),
        or_none(text(object, &["status", "nominatedNodeName"])),
        gates,
    ]
}

fn sidecars(object: &Value) -> impl Iterator<Item = &Value> {
    list(object, &["spec", "initContainers"])
        .iter()
        .filter(|container| container["restartPolicy"] == "Always")
}

/// Why a container ended, as the status column says it.
fn ended(state: &Value) -> String {
    let reason = text(state, &["reason"]);
    if !reason.is_empty() {
        return reason.to_owned();
    }
    match number(state, &["signal"]) {
        0 => format!("ExitCode:{}", number(state, &["exitCode"])),
        signal => format!("Signal:{signal}"),
    }
}

/// Status word, ready containers, restarts, and when the last restart's predecessor ended.
fn pod_status(object: &Value) -> (String, usize, i64, String) {
    let phase = text(object, &["status", "phase"]);
    let mut reason = match text(object, &["status", "reason"]) {
        "" => phase.to_owned(),
        reason => reason.to_owned(),
    };
    let gated = list(object, &["status", "conditions"])
        .iter()
        .any(|c| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated");
    if gated {
        "SchedulingGated".clone_into(&mut reason);
    }
    let (mut restarts, mut last, mut ready) = (0, String::new(), 0);
    let mut note = |status: &Value| {
        restarts += number(status, &["restartCount"]);
        let finished = text(status, &["lastState", "terminated", "finishedAt"]);
        if finished > last.as_str() {
            finished.clone_into(&mut last);
        }
    };
    let mut initialising = false;
    let inits = list(object, &["status", "initContainerStatuses"]);
    for (i, status) in inits.iter().enumerate() {
        note(status);
        let sidecar = sidecars(object).any(|container| container["name"] == status["name"]);
        let state = &status["state"];
        if number(state, &["terminated", "exitCode"]) == 0 && state["terminated"].is_object() {
            continue;
        }
        if sidecar && status["started"] == json!(true) {
            ready += usize::from(status["ready"] == json!(true));
            continue;
        }
        let waiting = text(state, &["waiting", "reason"]);
        reason = if state["terminated"].is_object() {
            format!("Init:{}", ended(&state["terminated"]))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{i}/{}", list(object, &["spec", "initContainers"]).len())
        };
        initialising = true;
        break;
    }
    if !initialising {
        let mut running = false;
        for status in list(object, &["status", "containerStatuses"]).iter().rev() {
            note(status);
            let state = &status["state"];
            let waiting = text(state, &["waiting", "reason"]);
            if !waiting.is_empty() {
                waiting.clone_into(&mut reason);
            } else if state["terminated"].is_object() {
                reason = ended(&state["terminated"]);
            } else if status["ready"] == json!(true) && state["running"].is_object() {
                running = true;
                ready += 1;
            }
        }
        if reason == "Completed" && running {
            let is_ready = list(object, &["status", "conditions"])
                .iter()
                .any(|c| c["type"] == "Ready" && c["status"] == "True");
            (if is_ready { "Running" } else { "NotReady" }).clone_into(&mut reason);
        }
    }
    if terminating(object) {
        let node_lost = text(object, &["status", "reason"]) == "NodeLost";
        if node_lost {
            "Unknown".clone_into(&mut reason);
        } else if !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut reason);
        }
    }
    (reason, ready, restarts, last)
}
