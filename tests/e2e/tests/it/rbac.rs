//! docs/rbac.yaml against what the doctor asks for.

use std::collections::BTreeSet;

use kcilium_cluster::permissions::{self, Permission, Role};
use kubesim::{Fault, Kind, User};
use serde_json::Value;

use crate::program;
use crate::stage::Stage;

const ROLES: [Role; 5] = [Role::Api, Role::Logs, Role::Exec, Role::Helm, Role::Prober];

/// All that `auth` asks after.
fn asked() -> impl Iterator<Item = &'static Permission> {
    [permissions::ALL, permissions::PROBER, permissions::ALLOWER].into_iter().flatten()
}

/// A cluster with the roles of docs/rbac.yaml, bound to nobody.
async fn stage_with_roles() -> Stage {
    let stage = Stage::of_objects("homelab-clash").await;
    load_roles(&stage);
    stage
}

/// Loads docs/rbac.yaml.
pub(crate) fn load_roles(stage: &Stage) {
    let roles = std::fs::read_to_string(program::workspace().join("docs/rbac.yaml")).unwrap();
    stage.sim().load(&roles).unwrap();
}

/// Binds these roles to a new user, as an administrator would.
pub(crate) fn bind(stage: &Stage, name: &str, roles: &[Role]) -> User {
    for role in roles {
        let (prefix, namespace) = match role {
            Role::Api | Role::Logs | Role::Prober => ("Cluster", ""),
            Role::Exec | Role::Helm => ("", "namespace: kube-system, "),
        };
        let role = role.name();
        let binding = format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: {prefix}RoleBinding, \
             metadata: {{{namespace}name: {name}-{role}}}, \
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {prefix}Role, name: {role}}}, \
             subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {name}}}]}}"
        );
        stage.sim().load(&binding).unwrap();
    }
    User::new(name, &[])
}

/// The permissions of `auth -o json`, and the exit code.
async fn auth(stage: &Stage, user: &User) -> (Vec<Value>, Option<i32>) {
    let run = stage.doctor_as(&stage.kubeconfig_of(user), &["auth", "-o", "json"]).await;
    (serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr)), run.code)
}

fn in_words<'a>(permissions: impl Iterator<Item = &'a Permission>) -> BTreeSet<String> {
    permissions.map(|permission| permission.in_words("kube-system")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_grade_grants_what_the_doctor_wants_it_for() {
    let stage = stage_with_roles().await;
    for grade in 1..=ROLES.len() {
        let roles = &ROLES[..grade];
        let user = bind(&stage, &format!("grade-{grade}"), roles);
        let (entries, _) = auth(&stage, &user).await;
        assert_eq!(entries.len(), asked().count(), "{roles:?}");
        let allowed: BTreeSet<String> = entries
            .iter()
            .filter(|entry| entry["allowed"] == true)
            .map(|entry| entry["permission"].as_str().unwrap().to_owned())
            .collect();
        let wanted = in_words(asked().filter(|wanted| roles.contains(&wanted.role)));
        assert_eq!(allowed, wanted, "{roles:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_roles_together_leave_nothing_unknown() {
    let stage = stage_with_roles().await;
    let (entries, code) = auth(&stage, &bind(&stage, "everything", &ROLES)).await;
    assert_eq!(code, Some(0), "{entries:#?}");
    assert!(entries.iter().all(|entry| entry["allowed"] == true), "{entries:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auth_names_the_role_and_the_rules_that_stay_unknown() {
    let stage = stage_with_roles().await;
    let user = bind(&stage, "reader", &[Role::Api]);
    let (entries, _) = auth(&stage, &user).await;
    let exec = entries
        .iter()
        .find(|entry| entry["permission"] == "create pods/exec in namespace kube-system")
        .unwrap_or_else(|| panic!("{entries:#?}"));
    assert_eq!((&exec["allowed"], &exec["role"]), (&false.into(), &"kcilium-exec".into()));
    let rules = exec["rules"].as_array().unwrap();
    for code in ["RT-01", "RT-06"] {
        assert!(rules.contains(&code.into()), "{exec:#}");
    }

    let table = stage.doctor_as(&stage.kubeconfig_of(&user), &["auth"]).await;
    assert_eq!(table.code, Some(1), "{}", table.stderr);
    let lines: Vec<&str> = table.stdout.lines().rev().take(2).collect();
    assert_eq!(
        lines,
        [
            "The role kcilium-prober is for --allow-policy and --probe.",
            "docs/rbac.yaml grants what is missing, in the roles: kcilium-exec, kcilium-helm, \
             kcilium-logs",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_grade_is_enough_for_what_objects_tell() {
    let stage = stage_with_roles().await;
    let reader = stage.kubeconfig_of(&bind(&stage, "reader", &[Role::Api]));
    let run = stage.doctor_as(&reader, &["-o", "json"]).await;
    // What pods suffer from the clash, objects tell.
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    let report = run.report();
    assert_eq!(report.subjects("POD-01"), ["10.0.0.1"], "{report:#?}");
    // Found by the administrator as well, without exec.
    assert_eq!(report.findings("CIDR-04", "observed").count(), 1, "{report:#?}");
    let unknown = report.unknown();
    assert!(
        unknown.iter().any(|line| line.contains("pods/exec in namespace kube-system")),
        "{unknown:#?}"
    );
    let wanted: BTreeSet<&str> = unknown
        .iter()
        .filter_map(|line| line.split_once("needs "))
        .map(|(_, permission)| permission)
        .filter(|permission| !permission.contains("pods/exec") && !permission.contains("pods/log"))
        .filter(|permission| !permission.contains("secrets"))
        .collect();
    assert_eq!(wanted, BTreeSet::new(), "the role kcilium-api lacks what objects need");

    // Only logs, exec and the release were refused.
    let refused = stage.sim().journal().entries();
    let refused: BTreeSet<String> = refused
        .into_iter()
        .filter(|entry| entry.code == 403)
        .map(|entry| entry.route.split('?').next().unwrap_or_default().to_owned())
        .filter(|path| !path.ends_with("/exec") && !path.ends_with("/log"))
        .filter(|path| !path.contains("/secrets"))
        .collect();
    assert_eq!(refused, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_writes_nothing_and_reads_no_secrets_elsewhere() {
    let stage = stage_with_roles().await;
    let everything = stage.kubeconfig_of(&bind(&stage, "everything", &ROLES));
    let run = stage.doctor_as(&everything, &[]).await;
    assert!(!run.stdout.is_empty(), "{}", run.stderr);
    let entries = stage.sim().journal().entries();
    assert!(
        entries.iter().all(|entry| entry.method == "GET" || entry.route.contains("/exec?")),
        "{entries:#?}"
    );
    let secrets: Vec<&str> = entries
        .iter()
        .map(|entry| &*entry.route)
        .filter(|route| route.contains("/secrets"))
        .collect();
    assert!(!secrets.is_empty(), "{entries:#?}");
    for route in secrets {
        assert!(route.starts_with("/api/v1/namespaces/kube-system/secrets"), "{route}");
    }
}

/// An agent's pod and its configuration, in a namespace that nobody expects.
const ELSEWHERE: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: a-network}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: a-network}
data: {ipam: kubernetes}
---
apiVersion: v1
kind: Pod
metadata: {name: cilium-x, namespace: a-network, labels: {k8s-app: cilium}}
spec:
  nodeName: node1
  containers: [{name: cilium-agent, image: quay.io/cilium/cilium:v1.14.2}]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_see_the_daemonset_finds_cilium_by_its_agents() {
    let stage = Stage::of_objects("homelab-clash").await;
    stage.sim().load(ELSEWHERE).unwrap();
    stage.sim().faults().add(Fault::new("/apis/apps/v1/daemonsets*", Kind::Forbidden));
    let run = stage.doctor(&["--nodes", "none"]).await;
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("IPAM kubernetes"), "{text} {}", run.stderr);
    let asked = stage.sim().journal().entries();
    let home = "/api/v1/namespaces/a-network/configmaps/cilium-config";
    assert!(asked.iter().any(|entry| entry.route == home), "{asked:#?}");
}
