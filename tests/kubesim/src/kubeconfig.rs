//! Kubeconfig files for the server's users.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

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

/// Where a server is, and what its administrator proves himself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `https://127.0.0.1:PORT`.
    pub server: String,
    /// The certificate of the server's authority, in PEM.
    pub authority: String,
    /// The client certificate.
    pub identity: Identity,
}

impl Access {
    /// The text of a kubeconfig for it.
    pub fn kubeconfig(&self) -> String {
        let credential = Credential::Certificate(self.identity.clone());
        text(&self.server, &self.authority, &credential, "")
    }
}

/// Writes a file that only its owner may read: helm warns of any other kubeconfig.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
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
