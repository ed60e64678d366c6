//! What a request asks for, read from its path, query and headers.

use std::collections::HashMap;

use hyper::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;

use crate::{
    rbac::Action,
    status::{ApiError, ApiResult},
    table::Include,
};

/// The query of a URL, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(HashMap<String, Vec<String>>);

impl Query {
    /// Reads `a=b&c=d`.
    pub(crate) fn parse(query: &str) -> Self {
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
        };
        let mut found: HashMap<String, Vec<String>> = HashMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            found.entry(decode(name)).or_default().push(decode(value));
        }
        Self(found)
    }

    /// The first value of that name, or "".
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// All values of that name.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether the value says yes.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1")
    }

    /// The value as a number, if there is one.
    pub(crate) fn number(&self, name: &str) -> ApiResult<Option<i64>> {
        let text = self.get(name);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| {
            ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
        })
    }
}

/// A path under `/api` or `/apis`, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// The API group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The namespace, possibly empty.
    pub namespace: String,
    /// The plural name.
    pub resource: String,
    /// The object's name, possibly empty.
    pub name: String,
    /// The subresource, possibly empty.
    pub subresource: String,
}

impl Target {
    /// Takes the path apart; none if it names no resource.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts: Vec<String> = path
            .trim_matches('/')
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let (group, version, rest) = match parts.first().map(String::as_str) {
            Some("api") if parts.len() > 2 => (String::new(), parts[1].clone(), parts.split_off(2)),
            Some("apis") if parts.len() > 3 => {
                (parts[1].clone(), parts[2].clone(), parts.split_off(3))
            }
            _ => return None,
        };
        let mut target = Self { group, version, ..Self::default() };
        let mut rest = rest.into_iter().peekable();
        let first = rest.next()?;
        // Three parts or more after "namespaces" can only be something in a namespace, but for
        // the two subresources that namespaces have.
        let mut fields = vec![first];
        fields.extend(rest);
        let inside = fields[0] == "namespaces"
            && fields.len() > 2
            && !matches!(fields[2].as_str(), "status" | "finalize");
        if inside {
            target.namespace.clone_from(&fields[1]);
            fields.drain(..2);
        }
        let mut fields = fields.into_iter();
        target.resource = fields.next().unwrap_or_default();
        target.name = fields.next().unwrap_or_default();
        target.subresource = fields.next().unwrap_or_default();
        if target.resource == "namespaces" && target.group.is_empty() {
            target.namespace.clone_from(&target.name);
        }
        fields.next().is_none().then_some(target)
    }

    /// The verb that RBAC knows the request by.
    pub(crate) fn verb(&self, method: &Method, query: &Query) -> &'static str {
        let named = !self.name.is_empty();
        match *method {
            Method::GET | Method::HEAD if named => "get",
            Method::GET | Method::HEAD if query.flag("watch") => "watch",
            Method::GET | Method::HEAD => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if named => "delete",
            Method::DELETE => "deletecollection",
            _ => "",
        }
    }

    /// Whether this is answered by the kubelet of a pod's node.
    pub(crate) fn at_kubelet(&self) -> bool {
        self.group.is_empty()
            && self.resource == "pods"
            && matches!(self.subresource.as_str(), "attach" | "exec" | "log")
    }

    /// What RBAC is asked.
    pub(crate) fn action(&self, verb: &str) -> Action {
        Action {
            verb: verb.to_owned(),
            group: self.group.clone(),
            resource: self.resource.clone(),
            subresource: self.subresource.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            path: String::new(),
        }
    }
}

/// The form in which objects are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Plain,
    /// As rows.
    Table(Include),
    /// Their metadata.
    Partial,
    /// As an aggregated discovery document, in `v2` or `v2beta1`.
    Discovery(&'static str),
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// The form of the objects.
    pub form: Form,
    /// YAML rather than JSON.
    pub yaml: bool,
}

/// Picks the first of the accepted types that can be given.
pub(crate) fn negotiate(headers: &HeaderMap, query: &Query) -> ApiResult<Negotiated> {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("*/*");
    for choice in accept.split(',') {
        let mut parts = choice.split(';').map(str::trim);
        let yaml = match parts.next().unwrap_or_default() {
            "application/json" | "*/*" | "application/*" => false,
            "application/yaml" => true,
            _ => continue,
        };
        let mut wanted = HashMap::new();
        for parameter in parts {
            if let Some((name, value)) = parameter.split_once('=') {
                wanted.insert(name, value);
            }
        }
        let (group, version) =
            (wanted.get("g").copied().unwrap_or(""), wanted.get("v").copied().unwrap_or(""));
        let form = match (wanted.get("as").copied(), group, version) {
            (None, ..) => Form::Plain,
            (Some("Table"), "meta.k8s.io", "v1") => Form::Table(match query.get("includeObject") {
                "None" => Include::None,
                "Object" => Include::Object,
                "" | "Metadata" => Include::Metadata,
                other => {
                    return Err(ApiError::bad_request(format!(
                        "unrecognized includeObject value: {other:?}"
                    )));
                }
            }),
            (Some("PartialObjectMetadata" | "PartialObjectMetadataList"), "meta.k8s.io", "v1") => {
                Form::Partial
            }
            (Some("APIGroupDiscoveryList"), "apidiscovery.k8s.io", "v2") => Form::Discovery("v2"),
            (Some("APIGroupDiscoveryList"), "apidiscovery.k8s.io", "v2beta1") => {
                Form::Discovery("v2beta1")
            }
            _ => continue,
        };
        return Ok(Negotiated { form, yaml });
    }
    Err(ApiError::not_acceptable())
}
