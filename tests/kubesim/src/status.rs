//! Errors as an API server words them: `Status` objects, and the few that are plain text.

use serde_json::{Map, Value, json};

/// What a request failed with.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// The HTTP status code.
    pub code: u16,
    /// The machine-readable reason, empty for none.
    pub reason: String,
    /// The text that kubectl prints after "Error from server (Reason): ".
    pub message: String,
    /// `details` of the Status.
    pub details: Map<String, Value>,
    /// `metadata.continue` of the Status: where an expired list may be taken up again.
    pub resume: Option<String>,
    /// Sent as plain text: what the router answers before any API is asked.
    pub plain: bool,
}

/// The result of everything that answers requests.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// A kind of object in messages: `deployments.apps`, or `pods` in the core group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The API group, empty for core.
    pub group: &'a str,
    /// The plural name, or the kind where upstream says so.
    pub resource: &'a str,
    /// The object's name, possibly empty.
    pub name: &'a str,
}

impl Subject<'_> {
    fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.resource.to_owned()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    fn details(&self) -> Map<String, Value> {
        let mut details = Map::new();
        for (field, value) in [("name", self.name), ("group", self.group), ("kind", self.resource)]
        {
            if !value.is_empty() {
                details.insert(field.to_owned(), json!(value));
            }
        }
        details
    }
}

/// One reason why an object is not valid.
#[derive(Clone, Debug)]
pub struct Cause {
    /// `FieldValueRequired`, `FieldValueInvalid`, …
    pub reason: &'static str,
    /// The message without the field's name.
    pub message: String,
    /// The path of the field.
    pub field: String,
}

impl Cause {
    /// The field must be given.
    pub fn required(field: &str, detail: &str) -> Self {
        let message = if detail.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {detail}")
        };
        Self { reason: "FieldValueRequired", message, field: field.to_owned() }
    }

    /// The field's value is wrong.
    pub fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        let message = format!("Invalid value: {value}: {detail}");
        Self { reason: "FieldValueInvalid", message, field: field.to_owned() }
    }

    /// The field may not be changed.
    pub fn forbidden(field: &str, detail: &str) -> Self {
        let message = format!("Forbidden: {detail}");
        Self { reason: "FieldValueForbidden", message, field: field.to_owned() }
    }

    /// The field's value is none of the known ones.
    pub fn unsupported(field: &str, value: &Value, known: &[&str]) -> Self {
        let known: Vec<_> = known.iter().map(|word| format!("{word:?}")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", known.join(", "));
        Self { reason: "FieldValueNotSupported", message, field: field.to_owned() }
    }
}

impl ApiError {
    /// An error with a Status that says no more than this.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            message: message.into(),
            details: Map::new(),
            resume: None,
            plain: false,
        }
    }

    fn about(code: u16, reason: &str, message: String, subject: &Subject<'_>) -> Self {
        Self { details: subject.details(), ..Self::new(code, reason, message) }
    }

    /// Nobody we know.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// The request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// `pods "x" not found`.
    pub fn not_found(subject: &Subject<'_>) -> Self {
        let message = format!("{} {:?} not found", subject.qualified(), subject.name);
        Self::about(404, "NotFound", message, subject)
    }

    /// `pods "x" already exists`.
    pub fn already_exists(subject: &Subject<'_>) -> Self {
        let message = format!("{} {:?} already exists", subject.qualified(), subject.name);
        Self::about(409, "AlreadyExists", message, subject)
    }

    /// Somebody else changed the object meanwhile, or a precondition does not hold.
    pub fn conflict(subject: &Subject<'_>, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {:?}: {why}",
            subject.qualified(),
            subject.name
        );
        Self::about(409, "Conflict", message, subject)
    }

    /// The usual conflict: an old resourceVersion.
    pub fn modified(subject: &Subject<'_>) -> Self {
        Self::conflict(
            subject,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// `pods "x" is forbidden: why`, or `pods is forbidden: why` without a name.
    pub fn forbidden(subject: &Subject<'_>, why: &str) -> Self {
        let message = match (subject.resource.is_empty(), subject.name.is_empty()) {
            (true, _) => format!("forbidden: {why}"),
            (false, true) => format!("{} is forbidden: {why}", subject.qualified()),
            (false, false) => {
                format!("{} {:?} is forbidden: {why}", subject.qualified(), subject.name)
            }
        };
        Self::about(403, "Forbidden", message, subject)
    }

    /// The object is not valid: `subject.resource` is the *kind* here, as upstream has it.
    pub fn invalid(subject: &Subject<'_>, causes: &[Cause]) -> Self {
        let texts: Vec<_> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let list = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} {:?} is invalid: {list}", subject.qualified(), subject.name);
        let mut error = Self::about(422, "Invalid", message, subject);
        let causes: Vec<_> = causes
            .iter()
            .map(|c| json!({"reason": c.reason, "message": c.message, "field": c.field}))
            .collect();
        error.details.insert("causes".to_owned(), Value::Array(causes));
        error
    }

    /// What was asked for is older than what the server remembers.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// None of the content types that the client accepts can be given.
    pub fn not_acceptable() -> Self {
        Self::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml",
        )
    }

    /// The body comes in a form nobody reads here.
    pub fn unsupported_media(accepted: &[&str]) -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                accepted.join(", ")
            ),
        )
    }

    /// The asked-for resourceVersion lies in the future.
    pub fn too_new(asked: u64, current: u64) -> Self {
        let mut error = Self::new(
            504,
            "Timeout",
            format!("Timeout: Too large resource version: {asked}, current: {current}"),
        );
        error.details.insert(
            "causes".to_owned(),
            json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]),
        );
        error.details.insert("retryAfterSeconds".to_owned(), json!(1));
        error
    }

    /// Something broke inside.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        let mut error =
            Self::new(500, "InternalError", format!("Internal error occurred: {message}"));
        error.details.insert("causes".to_owned(), json!([{"message": message.to_string()}]));
        error
    }

    /// What a server behind this one refused, when it did not say so in a Status.
    pub fn backend(code: u16, resource: &str, name: &str) -> Self {
        let (reason, message) = match code {
            403 => ("Forbidden", "the server does not allow access to the requested resource"),
            404 => ("NotFound", "the server could not find the requested resource"),
            _ => ("", "the server rejected our request for an unknown reason"),
        };
        // The blank is where a verb would stand.
        let message = format!("{message} ( {resource} {name})");
        Self::about(code, reason, message, &Subject { group: "", resource, name })
    }

    /// Too many have asked too much; `seconds` until it may be tried again, 0 for unknown.
    pub fn too_many(message: &str, seconds: u64) -> Self {
        let error = Self::new(429, "TooManyRequests", message);
        if seconds == 0 { error } else { error.retry_after(seconds) }
    }

    /// Adds a cause that is no field's.
    #[must_use]
    pub fn because(mut self, reason: &str, message: &str) -> Self {
        let causes = json!([{"reason": reason, "message": message}]);
        self.details.insert("causes".to_owned(), causes);
        self
    }

    /// What the mux says of a path nobody serves.
    pub fn no_such_path() -> Self {
        Self { plain: true, ..Self::new(404, "", "404 page not found\n") }
    }

    /// What the router of a built-in API says of a path that it does not have.
    pub fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    /// What the router says of a method that the path does not have.
    pub fn no_such_method() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message)
    }

    /// Adds how long the client should wait, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.details.insert("retryAfterSeconds".to_owned(), json!(seconds));
        self
    }

    /// Seconds to wait before trying again, for the `Retry-After` header.
    pub fn wait(&self) -> Option<u64> {
        self.details.get("retryAfterSeconds").and_then(Value::as_u64)
    }

    /// The `Status` object.
    pub fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_empty() {
            status["details"] = Value::Object(self.details.clone());
        }
        if let Some(resume) = &self.resume {
            status["metadata"]["continue"] = json!(resume);
        }
        status
    }
}
