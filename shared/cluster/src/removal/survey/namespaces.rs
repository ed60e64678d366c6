//! Namespaces that are Cilium's as a whole: those of its tests, of its copies of Secrets, of SPIRE.

use kcilium_core::removal::{Found, Kept, Meta, ObjectRef, Proof, is_test_namespace};

use super::Surveyor;
use crate::collect::Resource;

/// Workloads of `cilium connectivity test`.
const TEST_WORKLOADS: [&str; 7] = [
    "client",
    "client2",
    "client3",
    "echo-other-node",
    "echo-same-node",
    "host-netns",
    "test-conn-disrupt-client",
];

/// The label of namespaces that newer versions of the command line make.
const CLI: (&str, &str) = ("app.kubernetes.io/name", "cilium-cli");

/// What every namespace has.
const EVERYWHERE: &str = "kube-root-ca.crt";

impl Surveyor<'_> {
    /// Looks through the namespaces. Of those in manifests only the ones that hold nothing else go.
    pub(super) async fn namespaces(&mut self) {
        let of_releases = |found: &Found| found.object.kind == "Namespace";
        let (listed, others) = std::mem::take(&mut self.inventory.objects)
            .into_iter()
            .partition::<Vec<_>, _>(of_releases);
        self.inventory.objects = others;
        let Some(namespaces) = self.metas(Resource::NAMESPACES, None, "").await else { return };
        for namespace in namespaces {
            let name = &namespace.name;
            let proof = listed.iter().find(|it| it.object.name == *name).map(|it| it.proof.clone());
            let foreign = match &**name {
                "cilium-secrets" | "cilium-spire" => self.foreign(&namespace).await,
                name if is_test_namespace(name) => self.no_test(&namespace).await,
                _ if proof.is_some() => Some("it is no namespace that Cilium has alone".into()),
                _ => continue,
            };
            let object = ObjectRef {
                api_version: "v1".into(),
                kind: "Namespace".into(),
                plural: "namespaces".into(),
                namespace: String::new(),
                name: name.clone(),
                uid: namespace.uid.clone(),
            };
            if let Some(why) = foreign {
                self.inventory.kept.push(Kept { what: object.to_string(), why });
                continue;
            }
            let by_name = if is_test_namespace(name) { Proof::TestWorkloads } else { Proof::Name };
            let proof = proof.unwrap_or(by_name);
            self.found(object, &namespace, proof, namespace.is_to_keep());
        }
    }

    /// Why a namespace of that name is not the tests'.
    async fn no_test(&mut self, namespace: &Meta) -> Option<String> {
        if namespace.label(CLI.0) == CLI.1 || namespace.is_terminating {
            return None;
        }
        let home = Some(&*namespace.name);
        let Some(workloads) = self.metas(Resource::DEPLOYMENTS, home, "").await else {
            return Some("whether the tests' workloads are in it could not be seen".into());
        };
        let is_test = |it: &Meta| TEST_WORKLOADS.contains(&&*it.name) || it.label(CLI.0) == CLI.1;
        let has_test = workloads.iter().any(is_test);
        (!has_test).then(|| {
            "named as those of cilium connectivity test, and has none of its workloads".into()
        })
    }

    /// Why a namespace holds more than what Cilium puts there.
    async fn foreign(&mut self, namespace: &Meta) -> Option<String> {
        let home = Some(&*namespace.name);
        let is_spire = namespace.name == "cilium-spire";
        for resource in [Resource::PODS, Resource::CONFIG_MAPS, Resource::SECRETS] {
            let Some(found) = self.metas(resource, home, "").await else {
                return Some(format!("its {} could not be seen", resource.plural));
            };
            let strange = found.iter().find(|it| {
                let is_synced =
                    it.labels.keys().any(|label| label.starts_with("secretsync.cilium.io/"));
                let is_spires = is_spire && it.name.starts_with("spire-");
                let is_helms = it.release().is_some_and(|release| {
                    self.owners.cilium.iter().any(|own| (&*own.0, &*own.1) == release)
                });
                !(is_synced || is_spires || is_helms || it.name == EVERYWHERE)
            });
            if let Some(strange) = strange {
                return Some(format!("it holds {} {}", resource.plural, strange.name));
            }
        }
        None
    }
}
