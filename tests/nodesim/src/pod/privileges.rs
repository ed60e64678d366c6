//! What a container may do: its security context as options of `setpriv`.

use k8s_openapi::api::core::v1::{Container, PodSpec};

/// What containerd leaves to containers that say nothing.
const DEFAULT: [&str; 14] = [
    "chown",
    "dac_override",
    "fsetid",
    "fowner",
    "mknod",
    "net_raw",
    "setgid",
    "setuid",
    "setfcap",
    "setpcap",
    "net_bind_service",
    "sys_chroot",
    "kill",
    "audit_write",
];

/// The options for a container.
pub(super) fn options(spec: &PodSpec, container: &Container) -> Vec<String> {
    let mut options = Vec::new();
    let own = container.security_context.clone().unwrap_or_default();
    let pod = spec.security_context.clone().unwrap_or_default();
    let (user, group) =
        (own.run_as_user.or(pod.run_as_user), own.run_as_group.or(pod.run_as_group));
    if let Some(user) = user {
        options.push(format!("--reuid={user}"));
    }
    if user.is_some() || group.is_some() {
        options.push(format!("--regid={}", group.unwrap_or(0)));
        options.push("--clear-groups".to_owned());
    }
    if own.allow_privilege_escalation == Some(false) {
        options.push("--no-new-privs".to_owned());
    }
    if own.privileged == Some(true) {
        return options;
    }
    let changes = own.capabilities.unwrap_or_default();
    let (add, drop) = (changes.add.unwrap_or_default(), changes.drop.unwrap_or_default());
    let all = |list: &[String]| list.iter().any(|name| name.eq_ignore_ascii_case("all"));
    let short = |name: &String| name.to_lowercase().trim_start_matches("cap_").to_owned();
    let mut set = Vec::new();
    if all(&add) {
        set.push("+all".to_owned());
    } else {
        set.push("-all".to_owned());
        if !all(&drop) {
            set.extend(DEFAULT.map(|name| format!("+{name}")));
        }
        set.extend(add.iter().map(|name| format!("+{}", short(name))));
    }
    let single = drop.iter().filter(|name| !name.eq_ignore_ascii_case("all"));
    set.extend(single.map(|name| format!("-{}", short(name))));
    options.push(format!("--bounding-set={}", set.join(",")));
    options
}
