//! Getting and listing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    fields::FieldSelector,
    packed::Object,
    request::{Form, Query},
    resource::{Resource, ServedVersion},
    selector::Selector,
    status::{ApiError, ApiResult, Cause, Subject},
    store::{Key, Store},
    table::Printer,
};

/// What a list or watch is restricted to.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// The namespace, empty for all.
    pub namespace: String,
    labels: Selector,
    fields: FieldSelector,
}

impl Filter {
    /// From the query.
    pub(crate) fn parse(
        resource: &Resource,
        version: &ServedVersion,
        namespace: &str,
        query: &Query,
    ) -> ApiResult<Self> {
        Ok(Self {
            namespace: namespace.to_owned(),
            labels: Selector::parse(query.get("labelSelector"))?,
            fields: FieldSelector::parse(query.get("fieldSelector"), resource, version)?,
        })
    }

    /// Whether the object is asked for.
    pub(crate) fn matches(&self, key: &Key, object: &Object) -> bool {
        if !self.namespace.is_empty() && key.namespace != self.namespace {
            return false;
        }
        if !self.selects() {
            return true;
        }
        let head = object.head();
        self.labels.matches(Some(&head.labels)) && self.fields.matches(key, object, &head)
    }

    fn selects(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// The objects.
    pub items: Vec<Object>,
    /// The resourceVersion that the whole list is of.
    pub version: u64,
    /// Where the next page begins.
    pub resume: Option<String>,
    /// How many objects the coming pages hold, if that is known.
    pub remaining: Option<usize>,
}

fn token(version: i64, key: &Key) -> String {
    let start = json!({"v": "meta.k8s.io/v1", "rv": version, "start": format!("{}/{}\0", key.namespace, key.name)});
    URL_SAFE_NO_PAD.encode(start.to_string())
}

fn read_token(text: &str) -> ApiResult<(i64, Key)> {
    let bad = |why: &str| ApiError::bad_request(format!("continue key is not valid: {why}"));
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| bad(&error.to_string()))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| bad(&error.to_string()))?;
    if value["v"] != "meta.k8s.io/v1" {
        return Err(bad("server does not recognize this encoded version"));
    }
    let start = value["start"].as_str().unwrap_or_default().trim_end_matches('\0');
    let (namespace, name) = start.split_once('/').ok_or_else(|| bad("no start"))?;
    Ok((value["rv"].as_i64().unwrap_or_default(), Key::new(namespace, name)))
}

const TOO_OLD: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// Lists what the query asks for.
pub(crate) fn list(
    store: &Store,
    resource: &Resource,
    filter: &Filter,
    query: &Query,
) -> ApiResult<Page> {
    let limit = match query.number("limit")?.unwrap_or_default() {
        // "Any version" comes from the watch cache, which knew no pages.
        _ if query.get("resourceVersion") == "0" && query.get("continue").is_empty() => 0,
        limit => limit,
    };
    let (version, after) = match query.get("continue") {
        "" => (wanted_version(store, query, limit > 0)?, None),
        text => {
            if !matches!(query.get("resourceVersion"), "" | "0") {
                return Err(ApiError::bad_request(
                    "specifying resource version is not allowed when using continue",
                ));
            }
            let (version, key) = read_token(text)?;
            // A negative version means: whatever is there now, consistent or not.
            let version = u64::try_from(version).unwrap_or_else(|_| store.version());
            if version < store.compacted() {
                let mut error = ApiError::expired(TOO_OLD);
                error.resume = Some(token(-1, &key));
                return Err(error);
            }
            (version, Some(key))
        }
    };
    let snapshot = store
        .snapshot(&resource.id, &filter.namespace, after.as_ref(), version)
        .map_err(|_| ApiError::expired("The resourceVersion for the provided list is too old."))?;
    let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0);
    let mut page = Page { items: Vec::new(), version, resume: None, remaining: None };
    let mut last: Option<&Key> = None;
    let mut matching = snapshot.filter(|(key, object)| filter.matches(key, object));
    for (key, object) in matching.by_ref() {
        if limit.is_some_and(|limit| page.items.len() == limit) {
            let signed = i64::try_from(version).unwrap_or(i64::MAX);
            page.resume = last.map(|last| token(signed, last));
            page.remaining = (!filter.selects()).then(|| 1 + matching.count());
            break;
        }
        page.items.push(object.clone());
        last = Some(key);
    }
    Ok(page)
}

fn wanted_version(store: &Store, query: &Query, limited: bool) -> ApiResult<u64> {
    let (text, how) = (query.get("resourceVersion"), query.get("resourceVersionMatch"));
    let invalid = |cause| {
        let subject = Subject { group: "meta.k8s.io", resource: "ListOptions", name: "" };
        Err(ApiError::invalid(&subject, &[cause]))
    };
    if text.is_empty() {
        if how.is_empty() {
            return Ok(store.version());
        }
        return invalid(Cause::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ));
    }
    let asked = parse_version(text)?;
    if how == "Exact" && asked == 0 {
        return invalid(Cause::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ));
    }
    if !matches!(how, "" | "Exact" | "NotOlderThan") {
        let known = &["Exact", "NotOlderThan", ""];
        return invalid(Cause::unsupported("resourceVersionMatch", &json!(how), known));
    }
    if asked > store.version() {
        return Err(ApiError::too_new(asked, store.version()));
    }
    let exact = how == "Exact" || (how.is_empty() && limited && asked > 0);
    Ok(if exact { asked } else { store.version() })
}

/// Reads a resourceVersion.
pub(crate) fn parse_version(text: &str) -> ApiResult<u64> {
    text.parse().map_err(|_| {
        ApiError::bad_request(format!(
            "Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    })
}

/// One object, as JSON, in the form that is asked for.
pub(crate) fn shape(
    object: &Object,
    resource: &Resource,
    version: &ServedVersion,
    form: Form,
) -> String {
    let mut out = String::new();
    match form {
        Form::Table(include) => {
            let metadata = json!({"resourceVersion": object.version().to_string()});
            let mut printer = Printer::new(resource, version, include);
            printer.begin(&metadata, &mut out);
            printer.row(object, &mut out);
            out.push_str("]}");
        }
        Form::Partial => object.write_partial(&mut out),
        Form::Plain | Form::Discovery(_) => {
            object.write(&mut out, Some(&resource.api_version(&version.name)));
        }
    }
    out
}

/// A page as it goes over the wire, made piece by piece as it is sent.
pub(crate) struct Sheet {
    items: std::vec::IntoIter<Object>,
    begin: Option<String>,
    close: &'static str,
    writer: Writer,
    first: bool,
    ended: bool,
}

/// How the items of a page are written.
enum Writer {
    Rows(Printer),
    Partial,
    /// Items of built-in lists come without their type, which the list has said.
    Plain {
        api_version: Option<String>,
    },
}

/// The pieces are about that large, in bytes.
const PIECE: usize = 128 * 1024;

impl Sheet {
    /// The page in that form.
    pub(crate) fn new(
        page: Page,
        resource: &Resource,
        version: &ServedVersion,
        form: Form,
    ) -> Self {
        let mut metadata = json!({"resourceVersion": page.version.to_string()});
        if let Some(resume) = &page.resume {
            metadata["continue"] = json!(resume);
        } else if resource.traits.custom && matches!(form, Form::Plain | Form::Discovery(_)) {
            // Lists of custom resources are no Go structs, and say that nothing follows.
            metadata["continue"] = json!("");
        }
        if let Some(remaining) = page.remaining {
            metadata["remainingItemCount"] = json!(remaining);
        }
        // Upstream gathers metadata in a slice of Go's that is nil until something comes.
        let nil = form == Form::Partial && page.items.is_empty();
        let (open, close) = if nil { ("null", "}\n") } else { ("[", "]}\n") };
        let list = |kind: &str, api_version: &str| {
            format!(
                r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{metadata},"items":{open}"#
            )
        };
        let (begin, writer) = match form {
            Form::Table(include) => {
                let printer = Printer::new(resource, version, include);
                let mut begin = String::new();
                printer.begin(&metadata, &mut begin);
                (begin, Writer::Rows(printer))
            }
            Form::Partial => (list("PartialObjectMetadataList", "meta.k8s.io/v1"), Writer::Partial),
            Form::Plain | Form::Discovery(_) => {
                let api_version = resource.api_version(&version.name);
                let begin = list(&resource.list_kind, &api_version);
                let api_version = resource.traits.custom.then_some(api_version);
                (begin, Writer::Plain { api_version })
            }
        };
        let items = page.items.into_iter();
        Self { items, begin: Some(begin), close, writer, first: true, ended: false }
    }
}

impl Iterator for Sheet {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        let mut out = self.begin.take().unwrap_or_default();
        while out.len() < PIECE {
            let Some(object) = self.items.next() else {
                out.push_str(self.close);
                self.ended = true;
                break;
            };
            if !std::mem::take(&mut self.first) {
                out.push(',');
            }
            match &mut self.writer {
                Writer::Rows(printer) => printer.row(&object, &mut out),
                Writer::Partial => object.write_partial(&mut out),
                Writer::Plain { api_version } => object.write(&mut out, api_version.as_deref()),
            }
        }
        Some(out)
    }
}
