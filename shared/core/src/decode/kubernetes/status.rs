//! `Status`: how the API server says that it did not do what was asked.

use serde::Deserialize;

use super::metadata::nullable;

/// A Status object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// In prose.
    pub message: String,
    /// In a word: `Forbidden`, `Expired` …
    pub reason: String,
    /// HTTP status code; 0 where it is not said.
    pub code: u16,
    /// `details.retryAfterSeconds`; none where there is nothing to wait for.
    pub retry_after_seconds: Option<u32>,
    /// `details.causes`.
    pub causes: Vec<StatusCause>,
}

/// A cause among several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StatusCause {
    /// In a word.
    pub reason: String,
    /// In prose.
    pub message: String,
    /// Field that it is about, such as `spec.clusterIPs[0]`.
    pub field: String,
}

impl Status {
    /// Reads a Status; `None` where the text is something else.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Raw {
            kind: String,
            #[serde(default)]
            message: String,
            #[serde(default)]
            reason: String,
            #[serde(default)]
            code: u16,
            #[serde(default, deserialize_with = "nullable")]
            details: Details,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Details {
            retry_after_seconds: u32,
            #[serde(deserialize_with = "nullable")]
            causes: Vec<StatusCause>,
        }

        let raw: Raw = serde_json::from_slice(json).ok()?;
        (raw.kind == "Status").then(|| Self {
            message: raw.message,
            reason: raw.reason,
            code: raw.code,
            retry_after_seconds: Some(raw.details.retry_after_seconds).filter(|it| *it > 0),
            causes: raw.details.causes,
        })
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.message.as_str(), self.reason.as_str()) {
            ("", "") => write!(f, "status {}", self.code),
            ("", reason) => f.write_str(reason),
            (message, _) => f.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_why_and_when_to_come_back() {
        let forbidden = Status::from_json(
            br#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods is forbidden: User \"a\" cannot list resource \"pods\" in API group \"\" at the cluster scope","reason":"Forbidden","details":{"kind":"pods"},"code":403}"#,
        )
        .unwrap();
        assert_eq!((forbidden.code, forbidden.reason.as_str()), (403, "Forbidden"));
        assert!(forbidden.to_string().starts_with("pods is forbidden"));
        assert_eq!(forbidden.retry_after_seconds, None);

        let busy = br#"{"kind":"Status","details":{"retryAfterSeconds":1,"causes":[{"reason":"a","message":"b","field":"c"}]},"code":429,"reason":"TooManyRequests"}"#;
        let busy = Status::from_json(busy).unwrap();
        assert_eq!((busy.retry_after_seconds, busy.causes.len()), (Some(1), 1));
        assert_eq!(busy.to_string(), "TooManyRequests");
        let bare = Status::from_json(br#"{"kind":"Status","code":500,"details":null}"#).unwrap();
        assert_eq!(bare.to_string(), "status 500");
    }

    #[test]
    fn other_objects_are_no_refusals() {
        for json in [r#"{"kind":"PodList","items":[]}"#, r#"{"kind":"Pod"}"#, "{}", "[]", "", "404"]
        {
            assert_eq!(Status::from_json(json.as_bytes()), None, "{json}");
        }
    }
}
