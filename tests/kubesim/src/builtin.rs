//! The kinds that every API server has, as one table.

use serde_json::json;

use crate::resource::{GroupResource, Resource, ServedVersion, Traits};

const ALL: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const NO_COLLECTION: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
const CREATE: &[&str] = &["create"];

/// A row of the table.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "a table of marks")]
struct Row {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    all: bool,
    extra_category: Option<&'static str>,
    namespaced: bool,
    verbs: &'static [&'static str],
    status: bool,
    scale: bool,
    traits: Traits,
}

impl Row {
    const fn new(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Self {
        let traits =
            Traits { generation: false, returns_deleted: false, orphans: false, custom: false };
        Self {
            group,
            version,
            kind,
            plural,
            short: &[],
            all: false,
            extra_category: None,
            namespaced: true,
            verbs: ALL,
            status: false,
            scale: false,
            traits,
        }
    }

    const fn short(mut self, short: &'static [&'static str]) -> Self {
        self.short = short;
        self
    }

    /// In the category `all`, which `kubectl get all` asks for.
    const fn all(mut self) -> Self {
        self.all = true;
        self
    }

    const fn category(mut self, category: &'static str) -> Self {
        self.extra_category = Some(category);
        self
    }

    const fn cluster(mut self) -> Self {
        self.namespaced = false;
        self
    }

    const fn verbs(mut self, verbs: &'static [&'static str]) -> Self {
        self.verbs = verbs;
        self
    }

    const fn status(mut self) -> Self {
        self.status = true;
        self
    }

    const fn scale(mut self) -> Self {
        self.scale = true;
        self
    }

    const fn generation(mut self) -> Self {
        self.traits.generation = true;
        self
    }

    const fn returns_deleted(mut self) -> Self {
        self.traits.returns_deleted = true;
        self
    }

    const fn orphans(mut self) -> Self {
        self.traits.orphans = true;
        self
    }

    fn resource(&self) -> Resource {
        let mut categories: Vec<String> = Vec::new();
        if self.all {
            categories.push("all".to_owned());
        }
        categories.extend(self.extra_category.map(str::to_owned));
        Resource {
            id: GroupResource::new(self.group, self.plural),
            versions: vec![ServedVersion {
                name: self.version.to_owned(),
                status: self.status,
                scale: self.scale.then(|| json!({"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"})),
                ..ServedVersion::default()
            }],
            kind: self.kind.to_owned(),
            list_kind: format!("{}List", self.kind),
            singular: self.kind.to_lowercase(),
            short_names: self.short.iter().map(|&s| s.to_owned()).collect(),
            categories,
            namespaced: self.namespaced,
            verbs: self.verbs.iter().map(|&s| s.to_owned()).collect(),
            traits: self.traits,
        }
    }
}

const fn core(kind: &'static str, plural: &'static str) -> Row {
    Row::new("", "v1", kind, plural)
}

const APPS: &str = "apps";
const RBAC: &str = "rbac.authorization.k8s.io";
const NET: &str = "networking.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const AUTHZ: &str = "authorization.k8s.io";
const AUTHN: &str = "authentication.k8s.io";

const TABLE: &[Row] = &[
    core("ConfigMap", "configmaps").short(&["cm"]),
    core("Endpoints", "endpoints").short(&["ep"]),
    core("Event", "events").short(&["ev"]),
    core("LimitRange", "limitranges").short(&["limits"]),
    core("Namespace", "namespaces").short(&["ns"]).cluster().verbs(NO_COLLECTION).status(),
    core("Node", "nodes").short(&["no"]).cluster().status(),
    core("PersistentVolumeClaim", "persistentvolumeclaims")
        .short(&["pvc"])
        .status()
        .returns_deleted(),
    core("PersistentVolume", "persistentvolumes")
        .short(&["pv"])
        .cluster()
        .status()
        .returns_deleted(),
    core("Pod", "pods").short(&["po"]).all().status().returns_deleted(),
    core("PodTemplate", "podtemplates").returns_deleted(),
    core("ReplicationController", "replicationcontrollers")
        .short(&["rc"])
        .all()
        .status()
        .scale()
        .generation()
        .orphans(),
    core("ResourceQuota", "resourcequotas").short(&["quota"]).status().returns_deleted(),
    core("Secret", "secrets"),
    core("ServiceAccount", "serviceaccounts").short(&["sa"]).returns_deleted(),
    core("Service", "services").short(&["svc"]).all().status().returns_deleted(),
    Row::new(APPS, "v1", "ControllerRevision", "controllerrevisions"),
    Row::new(APPS, "v1", "DaemonSet", "daemonsets").short(&["ds"]).all().status().generation(),
    Row::new(APPS, "v1", "Deployment", "deployments")
        .short(&["deploy"])
        .all()
        .status()
        .scale()
        .generation(),
    Row::new(APPS, "v1", "ReplicaSet", "replicasets")
        .short(&["rs"])
        .all()
        .status()
        .scale()
        .generation(),
    Row::new(APPS, "v1", "StatefulSet", "statefulsets")
        .short(&["sts"])
        .all()
        .status()
        .scale()
        .generation(),
    Row::new(AUTHN, "v1", "SelfSubjectReview", "selfsubjectreviews").cluster().verbs(CREATE),
    Row::new(AUTHN, "v1", "TokenReview", "tokenreviews").cluster().verbs(CREATE),
    Row::new(AUTHZ, "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews").verbs(CREATE),
    Row::new(AUTHZ, "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews")
        .cluster()
        .verbs(CREATE),
    Row::new(AUTHZ, "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews")
        .cluster()
        .verbs(CREATE),
    Row::new(AUTHZ, "v1", "SubjectAccessReview", "subjectaccessreviews").cluster().verbs(CREATE),
    Row::new("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
        .short(&["hpa"])
        .all()
        .status(),
    Row::new("batch", "v1", "CronJob", "cronjobs").short(&["cj"]).all().status().generation(),
    Row::new("batch", "v1", "Job", "jobs").all().status().generation().orphans(),
    Row::new(
        "certificates.k8s.io",
        "v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
    )
    .short(&["csr"])
    .cluster()
    .status(),
    Row::new(NET, "v1", "IngressClass", "ingressclasses").cluster().generation(),
    Row::new(NET, "v1", "Ingress", "ingresses").short(&["ing"]).status().generation(),
    Row::new(NET, "v1", "IPAddress", "ipaddresses").short(&["ip"]).cluster(),
    Row::new(NET, "v1", "NetworkPolicy", "networkpolicies").short(&["netpol"]).generation(),
    Row::new(NET, "v1", "ServiceCIDR", "servicecidrs").cluster().status(),
    Row::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
        .short(&["pdb"])
        .status()
        .generation(),
    Row::new(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings").cluster(),
    Row::new(RBAC, "v1", "ClusterRole", "clusterroles").cluster(),
    Row::new(RBAC, "v1", "RoleBinding", "rolebindings"),
    Row::new(RBAC, "v1", "Role", "roles"),
    Row::new(STORAGE, "v1", "CSIDriver", "csidrivers").cluster(),
    Row::new(STORAGE, "v1", "CSINode", "csinodes").cluster(),
    Row::new(STORAGE, "v1", "StorageClass", "storageclasses").short(&["sc"]).cluster(),
    Row::new(STORAGE, "v1", "VolumeAttachment", "volumeattachments").cluster().status(),
    Row::new(ADMISSION, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations")
        .category("api-extensions")
        .cluster()
        .generation(),
    Row::new(ADMISSION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations")
        .category("api-extensions")
        .cluster()
        .generation(),
    Row::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
        .short(&["crd", "crds"])
        .category("api-extensions")
        .cluster()
        .status()
        .generation(),
    Row::new("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses")
        .short(&["pc"])
        .cluster(),
    Row::new("coordination.k8s.io", "v1", "Lease", "leases"),
    Row::new("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses").cluster(),
    Row::new("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices").generation(),
];

/// Every built-in kind.
pub(crate) fn resources() -> Vec<Resource> {
    TABLE
        .iter()
        .map(|row| {
            let mut resource = row.resource();
            // The list of endpoints is the only built-in one whose singular is not its kind's.
            if row.kind == "Endpoints" {
                "endpoints".clone_into(&mut resource.singular);
            }
            resource
        })
        .collect()
}

/// A part of an object with a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subresource {
    /// `status`, `exec`, …
    pub name: &'static str,
    /// Group, version and kind of what it takes and gives, if that is not its object's kind.
    pub kind: Option<(&'static str, &'static str, &'static str)>,
    /// What can be done with it.
    pub verbs: &'static [&'static str],
}

impl Subresource {
    /// The state that controllers write.
    pub const STATUS: Self = Self::new("status", None, &["get", "patch", "update"]);
    /// The number of replicas.
    pub const SCALE: Self =
        Self::new("scale", Some(("autoscaling", "v1", "Scale")), &["get", "patch", "update"]);

    const fn new(
        name: &'static str,
        kind: Option<(&'static str, &'static str, &'static str)>,
        verbs: &'static [&'static str],
    ) -> Self {
        Self { name, kind, verbs }
    }
}

/// A connection is made with a POST, or with a GET by who speaks WebSocket.
const CONNECT: &[&str] = &["create", "get"];
const OF_PODS: &[Subresource] = &[
    Subresource::new("attach", Some(("", "v1", "PodAttachOptions")), CONNECT),
    Subresource::new("binding", Some(("", "v1", "Binding")), CREATE),
    Subresource::new("eviction", Some(("policy", "v1", "Eviction")), CREATE),
    Subresource::new("exec", Some(("", "v1", "PodExecOptions")), CONNECT),
    Subresource::new("log", None, &["get"]),
];
const OF_NAMESPACES: &[Subresource] = &[Subresource::new("finalize", None, &["update"])];
const OF_SERVICE_ACCOUNTS: &[Subresource] =
    &[Subresource::new("token", Some((AUTHN, "v1", "TokenRequest")), CREATE)];

/// Subresources that only some built-in kinds have.
pub(crate) fn extra_subresources(id: &GroupResource) -> &'static [Subresource] {
    match (&*id.group, &*id.plural) {
        ("", "namespaces") => OF_NAMESPACES,
        ("", "pods") => OF_PODS,
        ("", "serviceaccounts") => OF_SERVICE_ACCOUNTS,
        _ => &[],
    }
}
