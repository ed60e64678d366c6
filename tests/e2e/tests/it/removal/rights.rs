//! The role kcilium-uninstaller of docs/rbac.yaml.

use std::fs;

use kubesim::User;

use super::land::{Land, PEOPLES, REMAINS, mark_node};
use crate::program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_is_enough() {
    let land = Land::new("homelab-healthy", &format!("{PEOPLES}---{REMAINS}")).await;
    mark_node(&land, "node2");
    let roles = fs::read_to_string(program::workspace().join("docs/rbac.yaml")).unwrap();
    land.sim().load(&roles).unwrap();
    land.sim()
        .load(
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, \
             metadata: {name: remover}, \
             roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, \
             name: kcilium-uninstaller}, \
             subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: remover}]}",
        )
        .unwrap();
    let kubeconfig = land.cluster().certificate_kubeconfig(&User::new("remover", &[])).unwrap();
    let file = land.folder().join("remover.kubeconfig");
    fs::write(&file, kubeconfig).unwrap();
    let mut command = std::process::Command::new(program::uninstall());
    command
        .args(["--yes", "--scope", "cluster", "--kubeconfig"])
        .arg(&file)
        .current_dir(land.folder());
    let run = crate::doctor::Run::of(&mut command);
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    let refused: Vec<_> =
        land.sim().journal().entries().into_iter().filter(|entry| entry.code == 403).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
