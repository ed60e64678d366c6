//! Creating and deleting objects.

use bytes::Bytes;
use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions;
use serde::Serialize;

use super::{Api, ApiError, Ask, Form};

impl Api {
    /// Creates an object in a collection such as `/api/v1/namespaces`.
    ///
    /// A failure that may pass is tried again, and the first try may have done its work unheard. So
    /// the name has to be one that nobody else uses: that it exists already is then success.
    ///
    /// # Errors
    /// As for [`Self::get`].
    pub async fn create(&self, path: &str, object: &impl Serialize) -> Result<(), ApiError> {
        let body = Some(json(object)?);
        let ask = Ask { method: Method::POST, path, form: Form::Json, body };
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
        let ask = Ask { method: Method::DELETE, path, form: Form::Json, body };
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
