//! Who a request is from.

use hyper::{HeaderMap, header};

use crate::{
    identity::User,
    rbac::{self, Action},
    server::Shared,
    status::{ApiError, ApiResult},
};

/// Who asks, or whom they may act as.
pub(super) fn authenticate(
    shared: &Shared,
    certificate: Option<User>,
    headers: &HeaderMap,
) -> ApiResult<User> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    // A certificate is looked at first, as upstream does.
    let user = match (certificate, bearer) {
        (Some(user), _) => user,
        (None, Some(token)) => {
            shared.bearer(&shared.store(), token).ok_or_else(ApiError::unauthorized)?
        }
        (None, None) => {
            let groups = vec!["system:unauthenticated".to_owned()];
            User { name: "system:anonymous".to_owned(), groups, ..User::default() }
        }
    };
    let Some(other) = User::impersonated(headers) else { return Ok(user) };
    let wanted = std::iter::once(("users", other.name.as_str())).chain(
        other
            .groups
            .iter()
            .filter(|group| *group != "system:authenticated")
            .map(|group| ("groups", group.as_str())),
    );
    let store = shared.store();
    for (resource, name) in wanted {
        let action = Action {
            verb: "impersonate".to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            ..Action::default()
        };
        if !rbac::allowed(&store, &user, &action) {
            return Err(action.denied(&user));
        }
    }
    Ok(other)
}
