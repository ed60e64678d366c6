//! Subresources of pods that are answered by the kubelet.

use std::sync::Arc;

use hyper::{Method, Response, upgrade::OnUpgrade};

use super::Asked;
use crate::{
    fault::Kind,
    kubelet,
    rbac::{self, Action},
    reply::Body,
    request::Target,
    server::Shared,
    status::{ApiError, ApiResult, Subject},
};

/// Since then a GET that becomes a connection needs `create` too: the feature
/// AuthorizePodWebsocketUpgradeCreatePermission.
const CREATE_SINCE: u32 = 35;

/// Asks the kubelet.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    asked: &Asked,
    target: &Target,
    upgrade: OnUpgrade,
    fault: Option<&Kind>,
) -> ApiResult<Response<Body>> {
    let streams = target.subresource != "log";
    match asked.method {
        Method::GET | Method::HEAD => {}
        Method::POST if streams => {}
        _ => return Err(ApiError::no_such_method()),
    }
    if target.version != "v1" {
        return Err(ApiError::no_such_path());
    }
    if target.namespace.is_empty() {
        return Err(ApiError::no_such_method());
    }
    if !streams {
        return kubelet::log(shared, target, &asked.query).await;
    }
    if shared.config.minor() >= CREATE_SINCE {
        let action = Action { verb: "create".to_owned(), ..super::action(asked) };
        if !rbac::allowed(&shared.store(), &asked.user, &action) {
            // Upstream gives the authorizer's reason, and RBAC has none.
            let pod = Subject { group: "", resource: "pods", name: &target.name };
            return Err(ApiError::forbidden(&pod, ""));
        }
    }
    if target.subresource == "attach" {
        return Err(ApiError::new(501, "NotImplemented", "kubesim does not attach to containers"));
    }
    let client = kubelet::Client {
        method: &asked.method,
        headers: &asked.headers,
        upgrade,
        fault: fault.cloned(),
    };
    kubelet::exec(shared, target, &asked.query, client).await
}
