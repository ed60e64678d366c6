//! Who asks: bearer tokens, client certificates, impersonation.

use std::collections::BTreeMap;

use hyper::HeaderMap;
use serde_json::{Value, json};

/// Somebody the server knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The uid, possibly empty.
    pub uid: String,
    /// The groups; `system:authenticated` is added to them.
    pub groups: Vec<String>,
    /// Whatever else the authenticator said.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The group that RBAC does not apply to.
pub const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";

impl User {
    /// A user with these groups.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        Self { name: name.to_owned(), groups, ..Self::default() }.authenticated()
    }

    /// A ServiceAccount.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::new(
            &format!("system:serviceaccount:{namespace}:{name}"),
            &["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}")],
        )
    }

    fn authenticated(mut self) -> Self {
        if self.name != "system:anonymous" && !self.groups.iter().any(|g| g == AUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }

    /// From a certificate's subject: CN is the name, each O a group.
    pub fn from_certificate(der: &[u8]) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        let subject = certificate.subject();
        let name = subject.iter_common_name().next()?.as_str().ok()?;
        let groups: Vec<&str> =
            subject.iter_organization().filter_map(|group| group.as_str().ok()).collect();
        Some(Self::new(name, &groups))
    }

    /// The user that the headers ask to act as, if they do.
    pub fn impersonated(headers: &HeaderMap) -> Option<Self> {
        let value = |name: &str| {
            headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
        };
        let name = value("impersonate-user");
        if name.is_empty() {
            return None;
        }
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (header, value) in headers {
            if let Some(key) = header.as_str().strip_prefix("impersonate-extra-") {
                let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
                let value = value.to_str().unwrap_or_default().to_owned();
                extra.entry(key.into_owned()).or_default().push(value);
            }
        }
        let groups = headers
            .get_all("impersonate-group")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(str::to_owned)
            .collect();
        Some(Self { name, uid: value("impersonate-uid"), groups, extra }.authenticated())
    }

    /// As the authentication API shows it.
    pub fn info(&self) -> Value {
        let mut info = json!({"username": self.name, "groups": self.groups});
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
        }
        if !self.extra.is_empty() {
            info["extra"] = json!(self.extra);
        }
        info
    }
}
