//! Objects as they lie in the store: JSON text in sections, parsed by who needs to look inside.
//!
//! A fleet of 150 000 pods is a gigabyte of text and several of parsed values. Lists hand out the
//! text, selectors and the garbage collector look at a small head, and what was made from a mould
//! shares all of its text with its like.

use std::{fmt::Write as _, sync::Arc};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    fields,
    object::{labels, list, meta, terminating, text},
    template::{BadGap, Template},
};

/// An object in the store: shared, never changed in place.
#[derive(Clone, Debug)]
pub struct Object {
    version: u64,
    body: Arc<Body>,
}

#[derive(Debug)]
enum Body {
    Whole(Sections<Box<str>>),
    /// With what fills the mould's gaps, one per line.
    Cast(Arc<Mould>, Box<str>),
}

/// The parts that are needed one without the other.
#[derive(Clone, Debug)]
struct Sections<T> {
    api_version: String,
    kind: String,
    /// A [`Head`] and [`Ties`].
    head: T,
    /// The fields of the metadata, but for the resourceVersion.
    metadata: T,
    /// The other fields.
    rest: T,
}

impl<T> Sections<T> {
    fn try_map<U, E>(self, make: impl Fn(T) -> Result<U, E>) -> Result<Sections<U>, E> {
        Ok(Sections {
            api_version: self.api_version,
            kind: self.kind,
            head: make(self.head)?,
            metadata: make(self.metadata)?,
            rest: make(self.rest)?,
        })
    }
}

/// What selectors look at.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Head {
    /// The labels.
    pub labels: Map<String, Value>,
    /// The fields of a built-in kind that objects can be selected by.
    pub fields: Map<String, Value>,
}

/// What binds an object to others and to life.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Ties {
    /// `metadata.uid`.
    pub uid: Box<str>,
    /// The uids of the owners.
    pub owners: Vec<Box<str>>,
    /// Whether deletion has begun.
    pub terminating: bool,
}

/// [`Head`] and [`Ties`] of an object as one text.
fn head_of(object: &Value) -> Box<str> {
    let owners = list(object, &["metadata", "ownerReferences"]).iter();
    let head = json!({
        "uid": meta(object, "uid"),
        "owners": owners.map(|owner| text(owner, &["uid"])).collect::<Vec<_>>(),
        "labels": labels(object).cloned().unwrap_or_default(),
        "fields": fields::index(object),
        "terminating": terminating(object),
    });
    head.to_string().into()
}

/// The shape that many objects have in common.
///
/// What is printed in tables is worked out once for the mould: a gap must stand for text that
/// columns only copy, not for a time or for anything else that they look into.
#[derive(Debug)]
pub struct Mould {
    gaps: Vec<String>,
    sections: Sections<Template>,
    value: Value,
}

impl Mould {
    /// From an object whose strings have gaps of these names: `{{name}}`, or `{{#name}}` alone for
    /// a number.
    pub fn new(value: Value, gaps: &[&str]) -> Result<Self, BadGap> {
        Ok(Self {
            gaps: gaps.iter().map(|&gap| gap.to_owned()).collect(),
            sections: sections(&value).try_map(|text| Template::parse(&text, gaps))?,
            value,
        })
    }

    /// The object with its gaps as they are.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// A text about this mould's objects, which has their gaps.
    pub(crate) fn template(&self, text: &str) -> Result<Template, BadGap> {
        let gaps: Vec<&str> = self.gaps.iter().map(String::as_str).collect();
        Template::parse(text, &gaps)
    }
}

fn sections(value: &Value) -> Sections<Box<str>> {
    let metadata = value.get("metadata").and_then(Value::as_object);
    Sections {
        api_version: text(value, &["apiVersion"]).to_owned(),
        kind: text(value, &["kind"]).to_owned(),
        head: head_of(value),
        metadata: fields_but(metadata, &["resourceVersion"]),
        rest: fields_but(value.as_object(), &["apiVersion", "kind", "metadata"]),
    }
}

/// The fields as text, without the braces.
fn fields_but(fields: Option<&Map<String, Value>>, left_out: &[&str]) -> Box<str> {
    let mut out = String::new();
    for (name, value) in fields.into_iter().flatten() {
        if !left_out.contains(&name.as_str()) {
            let comma = if out.is_empty() { "" } else { "," };
            // Writing to a String cannot fail.
            let _ = write!(out, "{comma}{}:{value}", Value::from(name.as_str()));
        }
    }
    out.into()
}

impl Object {
    /// From its JSON.
    pub(crate) fn pack(value: &Value) -> Self {
        let version = meta(value, "resourceVersion").parse().unwrap_or_default();
        Self { version, body: Arc::new(Body::Whole(sections(value))) }
    }

    /// From a mould and what fills its gaps, in their order.
    ///
    /// Fillings are written as they are, so they must not need any escaping in JSON.
    pub fn cast(mould: &Arc<Mould>, fillings: &[&str]) -> Self {
        let body = Body::Cast(Arc::clone(mould), fillings.join("\n").into());
        Self { version: 0, body: Arc::new(body) }
    }

    /// The same under another resourceVersion.
    #[must_use]
    pub(crate) fn at_version(&self, version: u64) -> Self {
        Self { version, body: Arc::clone(&self.body) }
    }

    /// The resourceVersion.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The object as JSON, parsed anew each time.
    pub fn value(&self) -> Value {
        let mut text = String::new();
        self.write(&mut text, Some(self.api_version()));
        parse(&text)
    }

    /// `apiVersion` as it is stored.
    pub(crate) fn api_version(&self) -> &str {
        match &*self.body {
            Body::Whole(sections) => &sections.api_version,
            Body::Cast(mould, _) => &mould.sections.api_version,
        }
    }

    /// What selectors look at.
    pub(crate) fn head(&self) -> Head {
        self.read_head()
    }

    /// What binds it to others.
    pub(crate) fn ties(&self) -> Ties {
        self.read_head()
    }

    fn read_head<T: DeserializeOwned + Default>(&self) -> T {
        match &*self.body {
            Body::Whole(sections) => parse(&sections.head),
            Body::Cast(mould, fillings) => {
                let mut text = String::new();
                mould.sections.head.write(&lines(fillings), &mut text);
                parse(&text)
            }
        }
    }

    /// The mould that it was cast from, and what fills its gaps.
    pub(crate) fn mould(&self) -> Option<(&Arc<Mould>, Vec<&str>)> {
        match &*self.body {
            Body::Whole(_) => None,
            Body::Cast(mould, fillings) => Some((mould, lines(fillings))),
        }
    }

    /// Appends the object as JSON, with its type if it is to say one.
    pub(crate) fn write(&self, out: &mut String, api_version: Option<&str>) {
        match &*self.body {
            Body::Whole(sections) => {
                self.write_sections(out, api_version, sections, |text, out| out.push_str(text));
            }
            Body::Cast(mould, fillings) => {
                let fillings = lines(fillings);
                self.write_sections(out, api_version, &mould.sections, |template, out| {
                    template.write(&fillings, out);
                });
            }
        }
    }

    fn write_sections<T>(
        &self,
        out: &mut String,
        api_version: Option<&str>,
        sections: &Sections<T>,
        write: impl Fn(&T, &mut String),
    ) {
        out.push('{');
        if let Some(api_version) = api_version {
            // Kinds and versions are plain words.
            let _ = write!(out, r#""kind":"{}","apiVersion":"{api_version}","#, sections.kind);
        }
        out.push_str("\"metadata\":");
        self.write_metadata(out, |out| write(&sections.metadata, out));
        let end = out.len();
        out.push(',');
        write(&sections.rest, out);
        if out.len() == end + 1 {
            out.truncate(end);
        }
        out.push('}');
    }

    /// Appends the object's metadata as a `PartialObjectMetadata`.
    pub(crate) fn write_partial(&self, out: &mut String) {
        out.push_str(
            r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":"#,
        );
        self.write_metadata(out, |out| match &*self.body {
            Body::Whole(sections) => out.push_str(&sections.metadata),
            Body::Cast(mould, fillings) => mould.sections.metadata.write(&lines(fillings), out),
        });
        out.push('}');
    }

    fn write_metadata(&self, out: &mut String, fields: impl Fn(&mut String)) {
        out.push('{');
        fields(out);
        if self.version > 0 {
            let comma = if out.ends_with('{') { "" } else { "," };
            let _ = write!(out, r#"{comma}"resourceVersion":"{}""#, self.version);
        }
        out.push('}');
    }
}

fn lines(fillings: &str) -> Vec<&str> {
    fillings.split('\n').collect()
}

/// Parses what was written here, so that it cannot fail.
fn parse<T: DeserializeOwned + Default>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{Mould, Object};

    fn written(object: &Object, api_version: Option<&str>) -> String {
        let mut text = String::new();
        object.write(&mut text, api_version);
        text
    }

    #[test]
    fn packing_keeps_everything() {
        for value in [
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "resourceVersion": "7"}, "spec": {"x": [1, "é\"\n"]}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}}),
        ] {
            assert_eq!(Object::pack(&value).value(), value);
        }
    }

    #[test]
    fn lists_leave_the_type_out() {
        let object = Object::pack(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}}));
        assert_eq!(written(&object, None), r#"{"metadata":{}}"#);
        let other = object.at_version(3);
        assert_eq!(
            written(&other, Some("v2")),
            r#"{"kind":"Pod","apiVersion":"v2","metadata":{"resourceVersion":"3"}}"#
        );
    }

    #[test]
    fn what_is_cast_is_like_what_is_whole() {
        let object = |name: &str, id: Value| {
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "uid": "u", "labels": {"app": name}},
                "spec": {"nodeName": name, "id": id},
            })
        };
        let mould = Mould::new(object("{{name}}", json!("{{#id}}")), &["name", "id"]).unwrap();
        let cast = Object::cast(&Arc::new(mould), &["web", "7"]);
        let whole = Object::pack(&object("web", json!(7)));
        assert_eq!(cast.value(), whole.value());
        assert_eq!(cast.head().labels, whole.head().labels);
        assert_eq!(cast.head().fields, whole.head().fields);
        assert_eq!(cast.ties().uid, whole.ties().uid);
    }
}
