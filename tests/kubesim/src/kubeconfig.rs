//! Kubeconfig files for the server's users.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::tls::Identity;

/// How a user proves who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A client certificate.
    Certificate(Identity),
    /// A bearer token.
    Token(String),
    /// Not at all.
    None,
}

/// The text of a kubeconfig with one cluster, user and context, all named `kubesim`.
pub(crate) fn text(
    server: &str,
    authority: &str,
    credential: &Credential,
    namespace: &str,
) -> String {
    let user = match credential {
        Credential::Certificate(identity) => json!({
            "client-certificate-data": STANDARD.encode(&identity.certificate),
            "client-key-data": STANDARD.encode(&identity.key),
        }),
        Credential::Token(token) => json!({"token": token}),
        Credential::None => json!({}),
    };
    let mut context = json!({"cluster": "kubesim", "user": "kubesim"});
    if !namespace.is_empty() {
        context["namespace"] = json!(namespace);
    }
    let config: Value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubesim", "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{"name": "kubesim", "user": user}],
        "contexts": [{"name": "kubesim", "context": context}],
        "current-context": "kubesim",
    });
    // JSON is YAML, and nobody edits this by hand.
    format!("{config:#}\n")
}
