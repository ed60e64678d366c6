//! Helm's releases, from the Secrets or ConfigMaps that Helm keeps them in.
//!
//! A release is JSON, gzipped since Helm 2, in base64; the API wraps what a Secret holds in base64
//! once more.

use std::{
    borrow::Cow,
    io::{BufReader, Read},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::MultiGzDecoder;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, value::RawValue};

use super::{
    list::{FromApi, Object},
    metadata::{Metadata, nullable},
};
use crate::{decode::DecodeError, facts::Release, redaction};

/// The largest release that is read, bytes. Cilium's has one or two megabytes.
const MAX_RELEASE_BYTES: u64 = 64 << 20;

/// The largest set of values that is read, bytes.
const MAX_VALUES_BYTES: usize = 4 << 20;

/// What a gzip stream begins with.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// `type` of Helm's Secrets.
const SECRET_TYPE: &str = "helm.sh/release.v1";

const KIND: &str = "Helm release in";

impl FromApi for Release {
    const KIND: &'static str = KIND;

    /// `None` for other Secrets and ConfigMaps.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        unwrap(object)?
            .map(|bytes| inflated::<Raw<IgnoredAny, IgnoredAny>>(&bytes)?.release())
            .transpose()
    }
}

/// A release with all that it takes to remove it, and to install it again. It is no fact: its values
/// are not redacted.
#[derive(Clone, PartialEq)]
pub struct ReleaseContents {
    /// What is known of it otherwise, redacted.
    pub release: Release,
    /// What the user set.
    pub values: Value,
    /// The objects that it made, as YAML.
    pub manifest: String,
    /// The objects that Helm makes on the way, as YAML, and does not remove.
    pub hooks: Vec<String>,
}

impl FromApi for ReleaseContents {
    const KIND: &'static str = KIND;

    /// `None` for other Secrets and ConfigMaps.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        let Some(bytes) = unwrap(object)? else { return Ok(None) };
        let mut raw: Raw<String, Vec<Hook>> = inflated(&bytes)?;
        let manifest = std::mem::take(&mut raw.manifest);
        let hooks = raw.hooks.take().unwrap_or_default();
        let hooks = hooks.into_iter().map(|hook| hook.manifest).collect();
        let values = raw.values()?;
        Ok(Some(Self { release: raw.release()?, values, manifest, hooks }))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Hook {
    manifest: String,
}

/// Takes the wrappings off, but for the gzip; `None` for other Secrets and ConfigMaps.
fn unwrap(object: &Object<'_>) -> Result<Option<Vec<u8>>, DecodeError> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        metadata: Metadata,
        #[serde(default, rename = "type")]
        kind: String,
        #[serde(default, borrow, deserialize_with = "nullable")]
        data: Data<'a>,
    }
    #[derive(Default, Deserialize)]
    struct Data<'a> {
        #[serde(default, borrow)]
        release: Option<Cow<'a, str>>,
    }

    let raw: Envelope<'_> = object.read()?;
    let in_secret = raw.kind == SECRET_TYPE;
    let is_helms = raw.metadata.labels.get("owner").is_some_and(|owner| owner == "helm");
    let Some(text) = raw.data.release.filter(|_| in_secret || is_helms) else {
        return if in_secret { Err(DecodeError::new("data.release is missing")) } else { Ok(None) };
    };
    let mut bytes = text.into_owned().into_bytes();
    for _ in 0..if in_secret { 2 } else { 1 } {
        bytes = STANDARD
            .decode(bytes.trim_ascii())
            .map_err(|error| DecodeError::new(format!("data.release: not base64: {error}")))?;
    }
    Ok(Some(bytes))
}

/// With [`IgnoredAny`] for what only those need who take a release apart.
#[derive(Deserialize)]
struct Raw<Text, Hooks> {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    version: u32,
    #[serde(default)]
    info: Info,
    #[serde(default, deserialize_with = "nullable")]
    chart: Chart,
    config: Option<Box<RawValue>>,
    #[serde(default)]
    manifest: Text,
    #[serde(default)]
    hooks: Option<Hooks>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    last_deployed: Option<String>,
    description: String,
    status: String,
}
#[derive(Default, Deserialize)]
#[serde(default)]
struct Chart {
    #[serde(deserialize_with = "nullable")]
    metadata: ChartMetadata,
    /// Hundreds of files, which are skipped one by one.
    #[serde(rename = "templates")]
    _templates: IgnoredAny,
}
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ChartMetadata {
    name: String,
    version: String,
    app_version: String,
}

impl<Text, Hooks> Raw<Text, Hooks> {
    /// What the user set.
    fn values(&self) -> Result<Value, DecodeError> {
        let values = self.config.as_deref().map_or("null", RawValue::get);
        if values.len() > MAX_VALUES_BYTES {
            let limit = MAX_VALUES_BYTES >> 20;
            return Err(error(&format!("its values have more than {limit} MiB")));
        }
        Ok(serde_json::from_str(values)?)
    }

    fn release(self) -> Result<Release, DecodeError> {
        let mut values = self.values()?;
        redaction::tree(&mut values);
        Ok(Release {
            namespace: self.namespace,
            name: self.name,
            revision: self.version,
            status: self.info.status,
            description: redaction::prose(&self.info.description),
            chart: self.chart.metadata.name,
            chart_version: self.chart.metadata.version,
            app_version: self.chart.metadata.app_version,
            deployed: self.info.last_deployed,
            values,
        })
    }
}

/// Reads a release as it is inflated; what is not asked for never stands in memory.
fn inflated<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.starts_with(&GZIP) { read(MultiGzDecoder::new(bytes)) } else { read(bytes) }
}

fn read<T: DeserializeOwned>(json: impl Read) -> Result<T, DecodeError> {
    let mut bounded = json.take(MAX_RELEASE_BYTES);
    let read = serde_json::from_reader(BufReader::new(&mut bounded));
    read.map_err(|why| match bounded.limit() {
        0 => error(&format!("it has more than {} MiB", MAX_RELEASE_BYTES >> 20)),
        _ => error(&why.to_string()),
    })
}

fn error(why: &str) -> DecodeError {
    DecodeError::new(format!("data.release: {why}"))
}
