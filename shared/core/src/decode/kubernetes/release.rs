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
use serde::{Deserialize, de::IgnoredAny};
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

impl FromApi for Release {
    const KIND: &'static str = "Helm release in";

    /// `None` for other Secrets and ConfigMaps.
    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        struct Raw<'a> {
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

        let raw: Raw<'_> = object.read()?;
        let in_secret = raw.kind == SECRET_TYPE;
        let is_helms = raw.metadata.labels.get("owner").is_some_and(|owner| owner == "helm");
        let Some(text) = raw.data.release.filter(|_| in_secret || is_helms) else {
            return if in_secret {
                Err(DecodeError::new("data.release is missing"))
            } else {
                Ok(None)
            };
        };
        let mut bytes = text.into_owned().into_bytes();
        for _ in 0..if in_secret { 2 } else { 1 } {
            bytes = STANDARD
                .decode(bytes.trim_ascii())
                .map_err(|error| DecodeError::new(format!("data.release: not base64: {error}")))?;
        }
        let release = if bytes.starts_with(&GZIP) {
            read(MultiGzDecoder::new(&bytes[..]))
        } else {
            read(&bytes[..])
        };
        release.map(Some)
    }
}

/// Reads a release as it is inflated; manifest and templates never stand in memory.
fn read(json: impl Read) -> Result<Release, DecodeError> {
    #[derive(Deserialize)]
    struct Raw {
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

    let error = |why: String| DecodeError::new(format!("data.release: {why}"));
    let mut bounded = json.take(MAX_RELEASE_BYTES);
    let read: Result<Raw, _> = serde_json::from_reader(BufReader::new(&mut bounded));
    let raw = read.map_err(|why| {
        error(match bounded.limit() {
            0 => format!("it has more than {} MiB", MAX_RELEASE_BYTES >> 20),
            _ => why.to_string(),
        })
    })?;
    let values = raw.config.as_deref().map_or("null", RawValue::get);
    if values.len() > MAX_VALUES_BYTES {
        return Err(error(format!("its values have more than {} MiB", MAX_VALUES_BYTES >> 20)));
    }
    let mut values: Value = serde_json::from_str(values)?;
    redaction::tree(&mut values);
    Ok(Release {
        namespace: raw.namespace,
        name: raw.name,
        revision: raw.version,
        status: raw.info.status,
        description: redaction::prose(&raw.info.description),
        chart: raw.chart.metadata.name,
        chart_version: raw.chart.metadata.version,
        app_version: raw.chart.metadata.app_version,
        deployed: raw.info.last_deployed,
        values,
    })
}
