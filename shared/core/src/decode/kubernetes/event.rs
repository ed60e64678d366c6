//! Events of `v1` and of `events.k8s.io/v1`: one kind, two spellings.

use serde::Deserialize;

use super::{
    list::{FromApi, Object},
    metadata::nullable,
};
use crate::{
    decode::DecodeError,
    facts::{Event, ObjectReference},
    redaction,
};

impl FromApi for Event {
    const KIND: &'static str = "Event";

    fn from_api(object: &Object<'_>) -> Result<Option<Self>, DecodeError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            #[serde(default, rename = "type")]
            kind: String,
            #[serde(default)]
            reason: String,
            #[serde(default, alias = "note")]
            message: String,
            #[serde(alias = "regarding")]
            involved_object: ObjectReference,
            #[serde(default, alias = "deprecatedCount")]
            count: u32,
            #[serde(default, alias = "deprecatedFirstTimestamp")]
            first_timestamp: Option<String>,
            #[serde(default, alias = "deprecatedLastTimestamp")]
            last_timestamp: Option<String>,
            event_time: Option<String>,
            series: Option<Series>,
            #[serde(default, alias = "deprecatedSource", deserialize_with = "nullable")]
            source: Source,
            #[serde(default, alias = "reportingController")]
            reporting_component: String,
            #[serde(default)]
            reporting_instance: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Series {
            #[serde(default)]
            count: u32,
            last_observed_time: Option<String>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Source {
            component: String,
            host: String,
        }

        let raw: Raw = object.read()?;
        let (series_count, series_time) =
            raw.series.map_or((0, None), |series| (series.count, series.last_observed_time));
        let or = |text: String, other: String| if text.is_empty() { other } else { text };
        Ok(Some(Self {
            kind: raw.kind,
            reason: raw.reason,
            message: redaction::prose(&raw.message),
            count: raw.count.max(series_count).max(1),
            first_seen: raw.first_timestamp.or_else(|| raw.event_time.clone()),
            last_seen: series_time.or(raw.last_timestamp).or(raw.event_time),
            object: raw.involved_object,
            source: or(raw.source.component, raw.reporting_component),
            host: or(raw.source.host, raw.reporting_instance),
        }))
    }
}
