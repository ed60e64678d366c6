//! `serviceaccounts/token`: bearer tokens that are made on request and run out.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    identity::User,
    object::{list, meta, stamp},
    resource::GroupResource,
    status::{ApiError, ApiResult, Cause, Subject},
    store::{Key, Store},
};

/// Seconds that a token lives if nobody says.
const DEFAULT: i64 = 3600;
const SHORTEST: i64 = 600;
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// A token that was issued.
#[derive(Clone, Debug)]
struct Issued {
    account: Key,
    /// The account's: one that is made anew under the old name is another one.
    uid: String,
    expires: Timestamp,
}

/// The tokens that were issued.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<BTreeMap<String, Issued>>);

impl Tokens {
    /// Answers a TokenRequest for an account.
    pub(crate) fn issue(&self, account: &Value, mut request: Value) -> ApiResult<Value> {
        let (namespace, name) = (meta(account, "namespace"), meta(account, "name"));
        let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(DEFAULT);
        if seconds < SHORTEST {
            let subject =
                Subject { group: "authentication.k8s.io", resource: "TokenRequest", name };
            let why = "may not specify a duration less than 10 minutes";
            let cause = Cause::invalid("spec.expirationSeconds", &json!(seconds), why);
            return Err(ApiError::invalid(&subject, &[cause]));
        }
        let now = Timestamp::now();
        let expires = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        let mut audiences = list(&request, &["spec", "audiences"]).to_vec();
        if audiences.is_empty() {
            audiences.push(json!(ISSUER));
        }
        let token = text_of(&json!({
            "aud": audiences,
            "exp": expires.as_second(),
            "iat": now.as_second(),
            "iss": ISSUER,
            "jti": uuid::Uuid::new_v4().to_string(),
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": {"name": name, "uid": meta(account, "uid")},
            },
            "nbf": now.as_second(),
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
        }));
        let issued = Issued {
            account: Key::new(namespace, name),
            uid: meta(account, "uid").to_owned(),
            expires,
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), issued);
        request["kind"] = json!("TokenRequest");
        request["apiVersion"] = json!("authentication.k8s.io/v1");
        request["metadata"] =
            json!({"name": name, "namespace": namespace, "creationTimestamp": stamp(now)});
        request["spec"]["audiences"] = json!(audiences);
        request["spec"]["expirationSeconds"] = json!(seconds);
        request["status"] = json!({"token": token, "expirationTimestamp": stamp(expires)});
        Ok(request)
    }

    /// Whose token that is, if it has not run out and its account is still there.
    pub(crate) fn holder(&self, store: &Store, token: &str) -> Option<User> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Issued { account, uid, expires } = tokens.get(token)?;
        let object = store.get(&GroupResource::new("", "serviceaccounts"), account)?;
        if *expires < Timestamp::now() || *object.ties().uid != **uid {
            return None;
        }
        let user = User::service_account(&account.namespace, &account.name);
        Some(User { uid: uid.clone(), ..user })
    }
}

/// A token's text: a JWT in form, since clients look into it. Nobody here checks the signature.
fn text_of(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(&json!({"alg": "RS256", "kid": "kubesim"}));
    let signature = URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes());
    format!("{header}.{}.{signature}", part(claims))
}
