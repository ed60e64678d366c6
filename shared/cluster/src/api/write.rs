//! Creating, changing and deleting objects.

use bytes::Bytes;
use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions;
use serde::Serialize;

use super::{Api, ApiError, Ask, Form, JSON};

/// How a patch is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch {
    /// RFC 7386: `null` takes a field away, lists are replaced.
    Merge,
    /// Lists of built-in kinds are merged by their keys; `$patch: delete` takes an item away.
    Strategic,
}

impl Api {
    /// Changes an object; gives what it is then.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn patch(
        &self,
        path: &str,
        kind: Patch,
        change: &impl Serialize,
    ) -> Result<Bytes, ApiError> {
        let content = match kind {
            Patch::Merge => "application/merge-patch+json",
            Patch::Strategic => "application/strategic-merge-patch+json",
        };
        let body = Some(json(change)?);
        self.ask(&Ask { method: Method::PATCH, path, form: Form::Json, body, content }).await
    }

    /// Puts an object in the place of what is there; its `resourceVersion` says of what. Gives what
    /// it is then.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn replace(&self, path: &str, object: &impl Serialize) -> Result<Bytes, ApiError> {
        let body = Some(json(object)?);
        let ask = Ask { method: Method::PUT, path, form: Form::Json, body, content: JSON };
        self.ask(&ask).await
    }

    /// Creates an object where none may be of its name; gives what it is then.
    ///
    /// # Errors
    /// As for [`Self::get`]; [`ApiError::AlreadyExists`] may also mean that an earlier try has done
    /// its work unheard.
    pub async fn add(&self, path: &str, object: &impl Serialize) -> Result<Bytes, ApiError> {
        let body = Some(json(object)?);
        let ask = Ask { method: Method::POST, path, form: Form::Json, body, content: JSON };
        self.ask(&ask).await
    }

    /// Creates an object in a collection such as `/api/v1/namespaces`.
    ///
    /// A failure that may pass is tried again, and the first try may have done its work unheard. So
    /// the name has to be one that nobody else uses: that it exists already is then success.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn create(&self, path: &str, object: &impl Serialize) -> Result<(), ApiError> {
        let body = Some(json(object)?);
        let ask = Ask { method: Method::POST, path, form: Form::Json, body, content: JSON };
        match self.ask(&ask).await {
            Ok(_) | Err(ApiError::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object, or with a label selector all in a collection that have the labels. What is
    /// not there is as good as deleted.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn delete(&self, path: &str, options: &DeleteOptions) -> Result<(), ApiError> {
        let body = Some(json(options)?);
        let ask = Ask { method: Method::DELETE, path, form: Form::Json, body, content: JSON };
        match self.ask(&ask).await {
            Ok(_) | Err(ApiError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn json(object: &impl Serialize) -> Result<Bytes, ApiError> {
    match serde_json::to_vec(object) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(ApiError::Unreadable { reason: error.to_string() }),
    }
}
