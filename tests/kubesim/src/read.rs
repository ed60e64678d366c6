//! Getting and listing.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Value, json};

use crate::{
    fields::FieldSelector,
    object::{Object, labels, meta},
    request::{Form, Query},
    resource::{Resource, ServedVersion},
    selector::Selector,
    status::{ApiError, ApiResult, Cause, Subject},
    store::{Key, Store},
    table,
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
    pub(crate) fn matches(&self, object: &Value) -> bool {
        (self.namespace.is_empty() || meta(object, "namespace") == self.namespace)
            && self.labels.matches(labels(object))
            && self.fields.matches(object)
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
    let limit = query.number("limit")?.unwrap_or_default();
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
    let mut matching = snapshot.filter(|(_, object)| filter.matches(object));
    for (key, object) in matching.by_ref() {
        if limit.is_some_and(|limit| page.items.len() == limit) {
            let signed = i64::try_from(version).unwrap_or(i64::MAX);
            page.resume = last.map(|last| token(signed, last));
            page.remaining = (!filter.selects()).then(|| 1 + matching.count());
            break;
        }
        page.items.push(Arc::clone(object));
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

/// The object in the version that is asked for.
pub(crate) fn in_version(object: &Object, resource: &Resource, version: &ServedVersion) -> Object {
    let wanted = resource.api_version(&version.name);
    if object["apiVersion"] == wanted.as_str() {
        return Arc::clone(object);
    }
    let mut converted = Value::clone(object);
    converted["apiVersion"] = json!(wanted);
    Arc::new(converted)
}

/// One object in the form that is asked for.
pub(crate) fn shape(
    object: &Object,
    resource: &Resource,
    version: &ServedVersion,
    form: Form,
) -> Value {
    let object = in_version(object, resource, version);
    match form {
        Form::Table(include) => {
            let rows = std::iter::once(&*object);
            let mut table = table::table(resource, version, rows, include);
            table["metadata"]["resourceVersion"] = json!(meta(&object, "resourceVersion"));
            table
        }
        Form::Partial => table::partial(&object),
        Form::Plain | Form::Discovery(_) => Arc::unwrap_or_clone(object),
    }
}

/// A page as it goes over the wire.
pub(crate) fn page_json(
    page: &Page,
    resource: &Resource,
    version: &ServedVersion,
    form: Form,
) -> serde_json::Result<Vec<u8>> {
    let mut metadata = json!({"resourceVersion": page.version.to_string()});
    if let Some(resume) = &page.resume {
        metadata["continue"] = json!(resume);
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = json!(remaining);
    }
    let objects: Vec<Object> =
        page.items.iter().map(|object| in_version(object, resource, version)).collect();
    if let Form::Table(include) = form {
        let rows = objects.iter().map(|object| &**object);
        let mut table = table::table(resource, version, rows, include);
        table["metadata"] = metadata;
        return serde_json::to_vec(&table);
    }
    let partial = form == Form::Partial;
    let (kind, api_version) = if partial {
        ("PartialObjectMetadataList", "meta.k8s.io/v1".to_owned())
    } else {
        (resource.list_kind.as_str(), resource.api_version(&version.name))
    };
    let items: Vec<Item<'_>> = objects
        .iter()
        .map(|object| Item { object, partial, typed: resource.traits.custom })
        .collect();
    serde_json::to_vec(&List { kind, api_version, metadata, items })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    kind: &'a str,
    api_version: String,
    metadata: Value,
    items: Vec<Item<'a>>,
}

/// Items of built-in lists come without their type, which the list has said.
struct Item<'a> {
    object: &'a Value,
    partial: bool,
    typed: bool,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.partial {
            return table::partial(self.object).serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for (field, value) in self.object.as_object().into_iter().flatten() {
            if self.typed || !matches!(field.as_str(), "apiVersion" | "kind") {
                map.serialize_entry(field, value)?;
            }
        }
        map.end()
    }
}
