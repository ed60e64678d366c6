//! Releases made by the real helm.

use std::path::Path;

use crate::tool::{Cluster, Helm};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chart");

#[test]
fn a_release_lives_and_ends() {
    assert!(Path::new(CHART).is_dir());
    let cluster = Cluster::new();
    let kubectl = cluster.kubectl("1.35");
    for major in [3, 4] {
        let helm = Helm::new(major, &cluster.sim().kubeconfig(), cluster.sim().directory());
        let release = format!("r{major} {CHART} -n home{major}");
        let installed = helm.ok(&format!("install {release} --create-namespace"));
        assert!(installed.contains("STATUS: deployed\nREVISION: 1\n"), "{installed}");
        let names = format!("get configmaps,secrets,widgets,deployments -n home{major} -o name");
        assert_eq!(
            kubectl.ok(&names),
            format!(
                "configmap/hook\nsecret/kept\nsecret/sh.helm.release.v1.r{major}.v1\n\
                 widget.example.com/w\ndeployment.apps/d\n"
            )
        );
        helm.ok(&format!("upgrade {release} --set replicas=2"));
        let replicas = format!("get deployment d -n home{major} -o jsonpath={{.spec.replicas}}");
        assert_eq!(kubectl.ok(&replicas), "2");
        let list = helm.ok("list -A --no-headers");
        assert_eq!(
            list.split_whitespace().take(3).collect::<Vec<_>>(),
            [format!("r{major}"), format!("home{major}"), "2".to_owned()]
        );
        let status = helm.ok(&format!("status r{major} -n home{major}"));
        assert!(status.contains("STATUS: deployed\nREVISION: 2\n"), "{status}");
        helm.ok(&format!("rollback r{major} 1 -n home{major}"));
        assert_eq!(kubectl.ok(&replicas), "1");
        let gone = helm.ok(&format!("uninstall r{major} -n home{major}"));
        assert!(gone.contains("[Secret] kept"), "{gone}");
        assert_eq!(kubectl.ok(&names), "configmap/hook\nsecret/kept\n");
        assert!(kubectl.ok("get crds -o name").contains("widgets.example.com"));
    }
}
