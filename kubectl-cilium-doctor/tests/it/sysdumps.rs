//! Archives of `cilium sysdump`, packed here of what was recorded on real nodes.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::doctor::{Run, run, workspace};

const TIME: &str = "20240131-120000";

/// Files of an archive, by their names within its folder.
type Files = Vec<(String, String)>;

/// What cilium-cli would have packed of a recording.
fn sysdump(recording: &str) -> Files {
    let folder = workspace().join("shared/core/tests/fixtures/dumps").join(recording);
    let mut files = Files::new();
    for (resource, name) in [
        ("nodes", "k8s-nodes"),
        ("pods", "k8s-pods"),
        ("services", "k8s-services"),
        ("events", "k8s-events"),
        ("endpointslices", "k8s-endpointslices"),
        ("ciliumnodes", "ciliumnodes"),
        ("ciliumendpoints", "ciliumendpoints"),
    ] {
        files.push((format!("{name}-{TIME}.yaml"), yaml(&objects(&folder, resource))));
    }
    // One object each, not a list.
    for (resource, object, name) in [
        ("configmaps", "cilium-config", "cilium-configmap"),
        ("daemonsets", "cilium", "cilium-daemonset"),
    ] {
        let list = objects(&folder, resource);
        let all = list["items"].as_array().unwrap();
        let found = all.iter().find(|item| item["metadata"]["name"] == object).unwrap();
        files.push((format!("{name}-{TIME}.yaml"), yaml(found)));
    }
    let version =
        r#"version.Info{Major:"1", Minor:"35", GitVersion:"v1.35.0", Platform:"linux/amd64"}"#;
    files.push((format!("k8s-version-{TIME}.txt"), version.to_owned()));
    let metadata = json!({
        "name": "cilium", "namespace": "kube-system", "revision": 1, "status": "deployed",
        "chart": "cilium", "version": "1.14.2", "appVersion": "1.14.2",
    });
    files.push((format!("cilium-helm-metadata-{TIME}.yaml"), yaml(&metadata)));
    let values = json!({ "ipam": { "mode": "cluster-pool" }, "etcd": { "password": "planted" } });
    files.push((format!("cilium-helm-values-{TIME}.yaml"), yaml(&values)));
    let pods = objects(&folder, "pods");
    for pod in pods["items"].as_array().unwrap() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        if pod["metadata"]["labels"]["k8s-app"] == "cilium" {
            let node = folder.join(pod["spec"]["nodeName"].as_str().unwrap());
            files.extend(bugtool(name, &node));
        }
    }
    // What is not read need not make sense.
    files.push((format!("k8s-pods-{TIME}.txt"), "NAME READY".into()));
    files.push((format!("ciliumidentities-{TIME}.yaml"), "{{{".into()));
    files
}

fn bugtool(pod: &str, node: &Path) -> Files {
    let text = |file: &str| fs::read_to_string(node.join(file)).unwrap();
    let mut files = Files::new();
    for (command, output) in [
        ("ip-a", text("ip-addr.txt")),
        ("ip--d--s-l", text("ip-link.txt")),
        ("ip--4-r", text("ip-route.txt")),
        ("ip--6-r", text("ip-6-route.txt")),
        ("ip-rule", text("ip-rule.txt")),
        ("cat--etc-resolv.conf", "nameserver 10.0.0.1\n".into()),
        ("uname--a", "Linux node 6.18.0 #1 SMP x86_64 GNU/Linux\n".into()),
        ("ip-xfrm-policy", "\u{0}".into()),
    ] {
        files.push((format!("cilium-bugtool-{pod}-{TIME}/cmd/{command}.md"), output));
    }
    let cni = text("cni-conf.txt");
    let (_, file) = cni.split_once("05-cilium.conflist\n").unwrap();
    files.push((format!("cniconf-05-cilium.conflist-{pod}-{TIME}.txt"), file.to_owned()));
    files
}

fn objects(folder: &Path, resource: &str) -> Value {
    let json = fs::read_to_string(folder.join("api").join(format!("{resource}.json"))).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap()
}

fn packed(files: &Files, method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(format!("cilium-sysdump-{TIME}/{name}"), options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Examines an archive of these bytes.
fn examine(archive: &[u8], flags: &[&str]) -> Run {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sysdump.zip");
    fs::write(&path, archive).unwrap();
    run(&[&["--from", path.to_str().unwrap()], flags].concat())
}

fn report(files: &Files) -> (Option<i32>, Value) {
    let run = examine(&packed(files, CompressionMethod::Deflated), &["-o", "json"]);
    assert_eq!(run.stderr, "");
    (run.code, serde_json::from_str(&run.stdout).unwrap())
}

#[test]
fn the_clash_is_confirmed_from_a_sysdump() {
    let files = sysdump("clash");
    let (code, report) = report(&files);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(report["verdicts"].as_array().unwrap().len(), 1, "{report:#}");
    assert_eq!(report["verdicts"][0]["cause"], "C-CLASH");
    assert_eq!(report["verdicts"][0]["confidence"], "confirmed");
    assert_eq!(report["examined"]["source"], "sysdump");
    assert_eq!(report["examined"]["nodes"], json!(["node1", "node2", "node3"]));

    let text = examine(&packed(&files, CompressionMethod::Stored), &["-o", "wide"]).printed(1);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "3 nodes (node1, node2, node3), from a sysdump",
        "Cilium 1.14.2 (release cilium in kube-system, chart 1.14.2), IPAM cluster-pool",
        "nameserver 10.0.0.1",
        "10.0.0.1 leaves via 10.0.1.218 dev cilium_host, by the route 10.0.0.0/24",
    ] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
}

/// A pod of an agent that ends at its start, as a list in YAML has it.
fn crash(files: &mut Files) -> String {
    let pods = files.iter_mut().find(|(name, _)| name.starts_with("k8s-pods-")).unwrap();
    let mut list: Value = serde_saphyr::from_str(&pods.1).unwrap();
    let all = list["items"].as_array_mut().unwrap();
    let agent = all.iter_mut().find(|it| it["metadata"]["labels"]["k8s-app"] == "cilium").unwrap();
    let status = &mut agent["status"];
    let is_agent = |it: &&mut Value| it["name"] == "cilium-agent";
    let containers = status["containerStatuses"].as_array_mut().unwrap();
    let container = containers.iter_mut().find(is_agent).unwrap();
    container["ready"] = false.into();
    container["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    container["lastState"] = json!({ "terminated": { "exitCode": 1, "reason": "Error" } });
    let name = agent["metadata"]["name"].as_str().unwrap().to_owned();
    pods.1 = yaml(&list);
    name
}

#[test]
fn why_an_agent_ends_its_log_in_the_sysdump_tells() {
    let mut files = sysdump("clash");
    let pod = crash(&mut files);
    // cilium-cli asks for the times of lines.
    let line = |text: &str| format!("2024-01-31T11:59:58.123456789Z {text}\n");
    let fatal =
        "{\"level\":\"fatal\",\"msg\":\"Invalid value for --kube-proxy-replacement: always\"}";
    let log = line("level=info msg=x").repeat(100_000) + &line(fatal);
    let name = format!("logs-{pod}-cilium-agent-{TIME}-prev.log");
    files.push((name, log));
    let (_, report) = report(&files);
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == "AG-01");
    let found = found.unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(
        found["subject"],
        "kubeProxyReplacement has a value that this version does not know"
    );
}

#[test]
fn rules_of_iptables_are_counted_where_a_sysdump_has_both_kinds() {
    let mut files = sysdump("clash");
    let bugtool = files.iter().find(|(name, _)| name.ends_with("/cmd/ip-a.md")).unwrap().0.clone();
    let folder = bugtool.trim_end_matches("ip-a.md");
    let nft = "# Generated by iptables-save v1.8.8 (nf_tables)\n*filter\n:FORWARD ACCEPT [0:0]\n\
               :CILIUM_FORWARD - [0:0]\n[1:60] -A FORWARD -j CILIUM_FORWARD\nCOMMIT\n";
    files.push((format!("{folder}iptables-nft-save--c.md"), nft.into()));
    files.push((format!("{folder}iptables-legacy-save--c.md"), String::new()));
    let archive = packed(&files, CompressionMethod::Deflated);
    let place = TempDir::new().unwrap();
    let (from, to) = (place.path().join("s.zip"), place.path().join("facts.json"));
    fs::write(&from, archive).unwrap();
    let paths = [&from, &to].map(|path| path.to_str().unwrap());
    run(&["snapshot", "--from", paths[0], paths[1]]).printed(0);
    let facts: Value = serde_json::from_str(&fs::read_to_string(&to).unwrap()).unwrap();
    let nodes = facts["nodes"].as_array().unwrap();
    let kinds: Vec<&Value> = nodes.iter().map(|node| &node["iptables"]["known"]).collect();
    let counted: Vec<_> = kinds.iter().filter(|kinds| kinds.is_array()).collect();
    assert_eq!(counted.len(), 1, "{kinds:#?}");
    assert_eq!(counted[0][0]["backend"], "nft", "{counted:#?}");
    let chains = counted[0][0]["chains"].as_array().unwrap();
    assert!(chains.iter().any(|it| it["chain"] == "CILIUM_FORWARD" && it["jumps"] == 1));
}

#[test]
fn a_snapshot_of_a_sysdump_has_its_facts_and_no_secrets() {
    let archive = packed(&sysdump("clash"), CompressionMethod::Deflated);
    let folder = TempDir::new().unwrap();
    let (from, to) = (folder.path().join("s.zip"), folder.path().join("facts.json"));
    fs::write(&from, archive).unwrap();
    let paths = [&from, &to].map(|path| path.to_str().unwrap());
    run(&["snapshot", "--from", paths[0], paths[1]]).printed(0);
    let text = fs::read_to_string(&to).unwrap();
    assert!(!text.contains("planted"));
    let facts: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(facts["cluster"]["version"]["known"]["gitVersion"], "v1.35.0");
    for node in facts["nodes"].as_array().unwrap() {
        assert_eq!(node["kernel"]["known"]["release"], "6.18.0", "{node:#}");
        assert_eq!(node["cniFiles"]["known"][0]["name"], "05-cilium.conflist", "{node:#}");
        assert_eq!(node["resolvers"]["known"][0]["address"], "10.0.0.1", "{node:#}");
    }
    // It has Cilium's own alone.
    assert_eq!(facts["cluster"]["daemonSets"]["unavailable"]["kind"], "absent");
    assert_eq!(facts["cluster"]["corefiles"]["unavailable"]["kind"], "absent");
}

#[test]
fn what_is_missing_is_not_known_and_not_fine() {
    let mut files = sysdump("clash");
    files.retain(|(name, _)| !name.contains("ip--4-r") && !name.starts_with("ciliumnodes"));
    let (_, report) = report(&files);
    assert_eq!(report["verdicts"].as_array().unwrap().len(), 0, "{report:#}");
    let strict = examine(
        &packed(&files, CompressionMethod::Deflated),
        &["--fail-on", "unknown", "-o", "short"],
    );
    assert_eq!(strict.code, Some(1), "{}", strict.stdout);
}

#[test]
fn servers_of_an_agent_that_asks_the_cluster_are_not_the_host_s() {
    let mut files = sysdump("clash");
    let pods = files.iter_mut().find(|(name, _)| name.starts_with("k8s-pods-")).unwrap();
    let policy = "dnsPolicy: ClusterFirstWithHostNet";
    let lines = pods.1.lines().map(|line| match line.split_once("hostNetwork: true") {
        Some((indent, _)) => format!("{line}\n{}{policy}", indent.replace('-', " ")),
        None => line.to_owned(),
    });
    pods.1 = lines.collect::<Vec<_>>().join("\n");
    assert!(pods.1.contains(policy));
    let (_, report) = report(&files);
    assert!(!report.to_string().contains("nameserver 10.0.0.1"), "{report:#}");
}

#[test]
fn damaged_archives_are_named_with_what_is_wrong() {
    let files = sysdump("clash");
    let archive = packed(&files, CompressionMethod::Deflated);
    let complaint = |bytes: &[u8]| {
        let complaint = examine(bytes, &[]).complaint(3);
        assert!(complaint.contains("sysdump.zip") && complaint.contains("hint:"), "{complaint}");
        complaint.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for length in [4, 30, archive.len() / 2, archive.len() - 1] {
        let cut = complaint(&archive[..length]);
        assert!(cut.contains("is cut short or damaged"), "{length}: {cut}");
    }
    let mut flipped = packed(&files, CompressionMethod::Stored);
    let at = flipped.windows(10).position(|bytes| bytes == b"apiVersion").unwrap();
    flipped[at] ^= 1;
    let crc = complaint(&flipped);
    assert!(crc.contains(&format!("k8s-nodes-{TIME}.yaml in")) && crc.contains("hecksum"), "{crc}");

    let broken = vec![(format!("k8s-nodes-{TIME}.yaml"), "items:\n- a: [1".to_owned())];
    let broken = complaint(&packed(&broken, CompressionMethod::Stored));
    assert!(broken.contains("k8s-nodes") && broken.contains("line 2"), "{broken}");

    let foreign = vec![("holiday/photo.jpg".to_owned(), "x".to_owned())];
    let foreign = complaint(&packed(&foreign, CompressionMethod::Stored));
    assert!(foreign.contains("is no archive of `cilium sysdump`"), "{foreign}");
    let empty = complaint(&packed(&Files::new(), CompressionMethod::Stored));
    assert!(empty.contains("is no archive"), "{empty}");
}

#[test]
fn bombs_are_refused() {
    let complaint = |bytes: &[u8]| {
        let complaint = examine(bytes, &[]).complaint(3);
        complaint.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // A quarter of a gibibyte of blanks, in a quarter of a mebibyte.
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(format!("k8s-nodes-{TIME}.yaml"), SimpleFileOptions::default()).unwrap();
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..257 {
        zip.write_all(&blanks).unwrap();
    }
    let large = complaint(&zip.finish().unwrap().into_inner());
    assert!(large.contains("is larger than 256 MiB when unpacked"), "{large}");

    // A short text that aliases make a long one.
    let aliases = "a: &a xxxxxxxx\nb: [*a, *a, *a]\n".to_owned();
    let aliases = vec![(format!("k8s-nodes-{TIME}.yaml"), aliases)];
    let aliases = complaint(&packed(&aliases, CompressionMethod::Stored));
    assert!(aliases.contains("cannot be read"), "{aliases}");
    let deep = vec![(format!("k8s-nodes-{TIME}.yaml"), "[".repeat(100_000))];
    let deep = complaint(&packed(&deep, CompressionMethod::Deflated));
    assert!(deep.contains("cannot be read"), "{deep}");

    // An end that announces more entries than memory has room for.
    let mut many = packed(&Files::new(), CompressionMethod::Stored);
    let end = many.len() - 22;
    let mut long = Vec::from(*b"PK\x06\x06");
    long.extend([0; 28]);
    long.extend(u64::MAX.to_le_bytes());
    long.extend([0; 16]);
    let mut locator = Vec::from(*b"PK\x06\x07\0\0\0\0");
    locator.extend(4_u64.to_le_bytes());
    locator.extend(1_u32.to_le_bytes());
    many[end + 8..end + 12].fill(0xff);
    let many = [b"PK\x03\x04", &long[..], &locator, &many[end..]].concat();
    let many = complaint(&many);
    assert!(many.contains("entries, more than 1000000"), "{many}");
}
