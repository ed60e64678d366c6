//! Lists as bare requests see them: forms, versions, compression, both HTTPs.

mod wire;

use std::{collections::BTreeSet, io::Read as _};

use flate2::read::GzDecoder;
use hyper::{HeaderMap, Method, StatusCode, header};
use kubesim::{Fleet, GroupResource, Key, KubeSim};
use serde_json::{Value, json};

use self::wire::{JSON, PARTIAL, TABLE, Wire, config};

async fn fleet() -> (KubeSim, Wire) {
    let sim = KubeSim::start(config()).await.expect("a server");
    sim.load_fleet(&Fleet { namespaces: 5, ..Fleet::new(10, 300) }).expect("a fleet");
    let wire = Wire::one(&sim).await;
    (sim, wire)
}

async fn list(wire: &mut Wire, path: &str, accept: &str) -> Value {
    let answer = wire.get(path, accept).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    serde_json::from_slice(&answer.bytes().await).expect("JSON")
}

async fn refusal(wire: &mut Wire, path: &str) -> Value {
    let answer = wire.get(path, JSON).await;
    assert!(!answer.status().is_success(), "{path}");
    serde_json::from_slice(&answer.bytes().await).expect("JSON")
}

fn names(list: &Value) -> BTreeSet<&str> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| item["metadata"]["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn built_in_items_leave_their_type_out_and_custom_ones_say_it() {
    let (sim, mut wire) = fleet().await;
    let pods = list(&mut wire, "/api/v1/pods", JSON).await;
    assert_eq!(pods["kind"], "PodList");
    assert!(pods["items"][0]["kind"].is_null() && pods["items"][0]["apiVersion"].is_null());
    let nodes = list(&mut wire, "/apis/cilium.io/v2/ciliumnodes", JSON).await;
    assert_eq!(nodes["kind"], "CiliumNodeList");
    assert_eq!(
        (&nodes["items"][0]["kind"], &nodes["items"][0]["apiVersion"]),
        (&"CiliumNode".into(), &"cilium.io/v2".into())
    );
    // One of the items, read alone.
    let first = &pods["items"][0];
    let at = |field: &str| first["metadata"][field].as_str().unwrap();
    let path = format!("/api/v1/namespaces/{}/pods/{}", at("namespace"), at("name"));
    let mut alone = list(&mut wire, &path, JSON).await;
    alone.as_object_mut().unwrap().retain(|field, _| field != "kind" && field != "apiVersion");
    assert_eq!(alone, *first);
    sim.stop().await;
}

#[tokio::test]
async fn metadata_alone_is_the_metadata_whole() {
    let (_sim, mut wire) = fleet().await;
    let pods = list(&mut wire, "/api/v1/namespaces/team-01/pods", JSON).await;
    let partial = list(&mut wire, "/api/v1/namespaces/team-01/pods", PARTIAL).await;
    assert_eq!(partial["kind"], "PartialObjectMetadataList");
    assert_eq!(partial["apiVersion"], "meta.k8s.io/v1");
    let (pods, partial) = (pods["items"].as_array().unwrap(), partial["items"].as_array().unwrap());
    assert!(!pods.is_empty() && pods.len() == partial.len());
    for (pod, partial) in pods.iter().zip(partial) {
        assert_eq!(partial["kind"], "PartialObjectMetadata");
        assert_eq!(partial["metadata"], pod["metadata"]);
        assert_eq!(partial.as_object().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn rows_carry_as_much_of_the_object_as_is_asked_for() {
    let (_sim, mut wire) = fleet().await;
    for include in ["None", "Metadata", "Object"] {
        let path = format!("/api/v1/namespaces/team-01/pods?includeObject={include}");
        let table = list(&mut wire, &path, TABLE).await;
        let row = &table["rows"][0];
        let object = row.as_object().unwrap().get("object").unwrap();
        assert_eq!(object.is_null(), include == "None", "{include}");
        assert_eq!(
            table["columnDefinitions"].as_array().unwrap().len(),
            row["cells"].as_array().unwrap().len()
        );
        assert_eq!(row["object"]["spec"].is_object(), include == "Object");
    }
}

#[tokio::test]
async fn nothing_is_said_in_three_ways() {
    let (_sim, mut wire) = fleet().await;
    let pods = list(&mut wire, "/api/v1/namespaces/none/pods", JSON).await;
    assert_eq!(pods["items"], json!([]));
    let rows = list(&mut wire, "/api/v1/namespaces/none/pods", TABLE).await;
    assert_eq!(rows["rows"], json!([]));
    let partial = list(&mut wire, "/api/v1/namespaces/none/pods", PARTIAL).await;
    assert_eq!(partial.as_object().unwrap().get("items"), Some(&Value::Null));
    // Custom resources say that nothing follows.
    assert!(pods["metadata"].get("continue").is_none());
    let nodes = list(&mut wire, "/apis/cilium.io/v2/ciliumnodes", JSON).await;
    assert_eq!(nodes["metadata"]["continue"], "");
    let page = list(&mut wire, "/apis/cilium.io/v2/ciliumnodes?limit=2", JSON).await;
    assert_ne!(page["metadata"]["continue"], "");
}

#[tokio::test]
async fn any_version_comes_without_pages() {
    let (_sim, mut wire) = fleet().await;
    let pods = list(&mut wire, "/api/v1/pods?resourceVersion=0&limit=10", JSON).await;
    assert_eq!(names(&pods).len(), 300);
    assert!(pods["metadata"].get("continue").is_none());
}

#[tokio::test]
async fn what_has_no_route_is_refused_by_the_router_or_by_the_mux() {
    const ROUTER: &str = "the server could not find the requested resource";
    const METHOD: &str = "the server does not allow this method on the requested resource";
    const MUX: &str = "404 page not found\n";
    let (_sim, mut wire) = fleet().await;
    for (method, path, code, message) in [
        (Method::GET, "/api/v1/gizmos", 404, ROUTER),
        (Method::GET, "/apis/apps/v9/deployments", 404, ROUTER),
        (Method::GET, "/api/v1/namespaces/default/pods/x/gizmo", 404, ROUTER),
        (Method::GET, "/api/v1/namespaces/default/nodes", 404, ROUTER),
        (Method::GET, "/api/v1/pods/x", 404, ROUTER),
        (Method::DELETE, "/api/v1/pods", 405, METHOD),
        (Method::PATCH, "/api/v1/namespaces/default/pods", 405, METHOD),
        (Method::POST, "/api/v1/namespaces/default/pods/x", 405, METHOD),
        (Method::GET, "/apis/gizmos.example/v1/gizmos", 404, MUX),
        (Method::GET, "/apis/cilium.io/v2/gizmos", 404, MUX),
        (Method::GET, "/apis/cilium.io/v2/namespaces/default/ciliumnodes", 404, MUX),
        (Method::DELETE, "/apis/cilium.io/v2/ciliumendpoints/x", 404, MUX),
        (
            Method::GET,
            "/apis/cilium.io/v2/ciliumnodes/x/gizmo",
            404,
            "ciliumnodes.cilium.io \"x\" not found",
        ),
    ] {
        let what = format!("{method} {path}");
        let answer = wire.send(method, path, JSON, HeaderMap::new()).await;
        assert_eq!(answer.status(), code, "{what}");
        let body = answer.bytes().await;
        let said = match serde_json::from_slice::<Value>(&body) {
            Ok(status) => status["message"].as_str().unwrap().to_owned(),
            Err(_) => String::from_utf8(body.to_vec()).unwrap(),
        };
        assert_eq!(said, message, "{what}");
    }
}

#[tokio::test]
async fn the_first_namespaces_stay() {
    let (_sim, mut wire) = fleet().await;
    let refused = wire.send(Method::DELETE, "/api/v1/namespaces/default", JSON, HeaderMap::new());
    let refused: Value = serde_json::from_slice(&refused.await.bytes().await).unwrap();
    assert_eq!(
        (&refused["code"], &refused["message"]),
        (
            &403.into(),
            &"namespaces \"default\" is forbidden: this namespace may not be deleted".into()
        )
    );
}

#[tokio::test]
async fn what_a_mould_prints_is_what_its_objects_print() {
    let (sim, mut wire) = fleet().await;
    for (group, plural, path) in [
        ("", "pods", "/api/v1/namespaces/team-01/pods"),
        ("apps", "deployments", "/apis/apps/v1/namespaces/team-01/deployments"),
        ("apps", "replicasets", "/apis/apps/v1/namespaces/team-01/replicasets"),
        ("", "nodes", "/api/v1/nodes"),
        ("cilium.io", "ciliumendpoints", "/apis/cilium.io/v2/namespaces/team-01/ciliumendpoints"),
        ("cilium.io", "ciliumnodes", "/apis/cilium.io/v2/ciliumnodes"),
    ] {
        let cast = list(&mut wire, path, TABLE).await;
        let id = GroupResource::new(group, plural);
        {
            // Stored again, the objects are whole.
            let mut store = sim.store();
            let objects: Vec<(Key, Value)> =
                store.all(&id).map(|(key, object)| (key.clone(), object.value())).collect();
            for (key, object) in objects {
                store.put(&id, &key, &object);
            }
        }
        let whole = list(&mut wire, path, TABLE).await;
        let cells = |table: &Value| -> Vec<Value> {
            table["rows"].as_array().unwrap().iter().map(|row| row["cells"].clone()).collect()
        };
        assert!(!cells(&cast).is_empty(), "{plural}");
        assert_eq!(cells(&cast), cells(&whole), "{plural}");
    }
}

#[tokio::test]
async fn large_lists_are_compressed_for_who_reads_that() {
    let (_sim, mut wire) = fleet().await;
    let plain = wire.get("/api/v1/pods", JSON).await;
    assert_eq!(plain.header(header::CONTENT_ENCODING), "");
    let plain = plain.bytes().await;
    let mut accept = HeaderMap::new();
    accept.insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    let zipped = wire.send(Method::GET, "/api/v1/pods", JSON, accept.clone()).await;
    assert_eq!(zipped.header(header::CONTENT_ENCODING), "gzip");
    assert_eq!(zipped.header(header::VARY), "Accept-Encoding");
    let zipped = zipped.bytes().await;
    assert!(zipped.len() < plain.len() / 4, "{} of {}", zipped.len(), plain.len());
    let mut unzipped = Vec::new();
    GzDecoder::new(&*zipped).read_to_end(&mut unzipped).unwrap();
    assert_eq!(unzipped, plain);
    // Small answers stay as they are.
    let small = wire.send(Method::GET, "/api/v1/pods?limit=1", JSON, accept).await;
    assert_eq!(small.header(header::CONTENT_ENCODING), "");
}

#[tokio::test]
async fn both_versions_of_http_give_the_same() {
    let (sim, mut one) = fleet().await;
    let mut two = Wire::two(&sim).await;
    for path in ["/api/v1/pods", "/api/v1/nodes?limit=3", "/api/v1/namespaces/none/pods/none"] {
        let (one, two) = (one.get(path, JSON).await, two.get(path, JSON).await);
        assert_eq!(one.status(), two.status());
        assert_eq!(one.bytes().await, two.bytes().await, "{path}");
    }
}

#[tokio::test]
async fn pages_stay_what_they_were_while_objects_change() {
    let (sim, mut wire) = fleet().await;
    let before = list(&mut wire, "/api/v1/pods", JSON).await;
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let (store, id) = (|| sim.store(), GroupResource::new("", "pods"));
    let bytes = wire
        .pages("/api/v1/pods", 40, JSON, |page| {
            let page: Value = serde_json::from_slice(page).unwrap();
            assert_eq!(page["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
            seen.extend(names(&page).into_iter().map(str::to_owned));
            // Every page, the last pod of all goes and another changes.
            let mut store = store();
            let (last, _) = store.all(&id).last().map(|(k, o)| (k.clone(), o.clone())).unwrap();
            store.remove(&id, &last).unwrap();
            let (key, object) =
                store.all(&id).last().map(|(key, object)| (key.clone(), object.value())).unwrap();
            store.put(&id, &key, &object);
        })
        .await;
    assert_eq!(seen, names(&before).into_iter().map(str::to_owned).collect());
    assert!(bytes > 1_500_000, "{bytes}");
    assert!(sim.store().count(&id) < seen.len());
}

#[tokio::test]
async fn versions_match_as_asked() {
    let (sim, mut wire) = fleet().await;
    let id = GroupResource::new("", "pods");
    let old = sim.store().version();
    let key = sim.store().all(&id).next().unwrap().0.clone();
    sim.store().remove(&id, &key).unwrap();
    let now = sim.store().version();
    let path = |version: u64, how: &str| {
        format!("/api/v1/pods?resourceVersion={version}&resourceVersionMatch={how}")
    };
    let exact = list(&mut wire, &path(old, "Exact"), JSON).await;
    assert_eq!(exact["metadata"]["resourceVersion"], old.to_string());
    assert_eq!(names(&exact).len(), 300);
    let newer = list(&mut wire, &path(old, "NotOlderThan"), JSON).await;
    assert_eq!(newer["metadata"]["resourceVersion"], now.to_string());
    assert_eq!(names(&newer).len(), 299);
    let future = refusal(&mut wire, &path(now + 100, "NotOlderThan")).await;
    assert_eq!(future["reason"], "Timeout");
    let zero = refusal(&mut wire, &path(0, "Exact")).await;
    assert_eq!((&zero["reason"], &zero["code"]), (&"Invalid".into(), &422.into()));
    let none = refusal(&mut wire, "/api/v1/pods?resourceVersionMatch=Exact").await;
    assert_eq!(none["reason"], "Invalid");
    sim.store().compact();
    let gone = refusal(&mut wire, &path(old, "Exact")).await;
    assert_eq!((&gone["reason"], &gone["code"]), (&"Expired".into(), &410.into()));
}

#[tokio::test]
async fn collections_are_deleted_by_selector() {
    let (_sim, mut wire) = fleet().await;
    let namespace = "/apis/cilium.io/v2/namespaces/team-01/ciliumendpoints";
    let all = list(&mut wire, namespace, JSON).await;
    let label = |item: &Value| item["metadata"]["labels"]["app.kubernetes.io/name"].clone();
    let app = label(&all["items"][0]).as_str().unwrap().to_owned();
    let (theirs, others): (Vec<_>, Vec<_>) =
        all["items"].as_array().unwrap().iter().partition(|item| label(item) == app.as_str());
    assert!(!theirs.is_empty() && !others.is_empty());
    let path = format!("{namespace}?labelSelector=app.kubernetes.io/name%3D{app}");
    let answer = wire.send(Method::DELETE, &path, JSON, HeaderMap::new()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let deleted: Value = serde_json::from_slice(&answer.bytes().await).unwrap();
    assert_eq!(names(&deleted).len(), theirs.len());
    let left = list(&mut wire, namespace, JSON).await;
    assert_eq!(names(&left).len(), others.len());
    // By field, and only where the request says.
    let name = others[0]["metadata"]["name"].as_str().unwrap();
    let path = format!("{namespace}?fieldSelector=metadata.name%3D{name}");
    wire.send(Method::DELETE, &path, JSON, HeaderMap::new()).await.size().await;
    let left = list(&mut wire, namespace, JSON).await;
    assert_eq!(names(&left).len(), others.len() - 1);
}
