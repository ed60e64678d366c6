//! Bearer tokens from a file or a plugin, kept until they are old.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, header::AUTHORIZATION};
use jiff::Timestamp;
use kube::client::Body;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tower::{BoxError, filter::AsyncPredicate};

use super::Issued;
use crate::kubeconfig::{ExecPlugin, KubeconfigError, Place};

/// How long a token out of a file is kept; kubelets renew such files long before they expire.
const FILE_PERIOD: Duration = Duration::from_mins(1);

/// A token that runs out before a request is through is of no use.
const MARGIN: Duration = Duration::from_secs(10);

/// Where tokens come from, and the one in use. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
enum Source {
    File { path: PathBuf, place: Place },
    Plugin(ExecPlugin),
}

#[derive(Debug)]
struct Current {
    token: SecretString,
    expires: Option<Timestamp>,
}

impl Tokens {
    /// Tokens out of a file.
    pub(crate) fn in_file(path: PathBuf, place: Place) -> Self {
        Self::new(Source::File { path, place }, None)
    }

    /// Tokens of a plugin, which has given one already.
    pub(crate) fn of_plugin(
        plugin: ExecPlugin,
        token: SecretString,
        expires: Option<Timestamp>,
    ) -> Self {
        Self::new(Source::Plugin(plugin), Some(Current { token, expires }))
    }

    fn new(source: Source, current: Option<Current>) -> Self {
        Self(Arc::new(Inner { source, current: Mutex::new(current) }))
    }

    /// Forgets the token, because the server does not take it. Whether there can be another one.
    pub(crate) async fn refuse(&self) -> bool {
        let mut current = self.0.current.lock().await;
        current.take().is_some()
    }

    async fn header(&self) -> Result<HeaderValue, BoxError> {
        let mut current = self.0.current.lock().await;
        let is_fresh = current.as_ref().is_some_and(|current| {
            current.expires.is_none_or(|expires| Timestamp::now() + MARGIN < expires)
        });
        if !is_fresh {
            *current = Some(self.0.source.fetch().await?);
        }
        let token = current.as_ref().map_or("", |current| current.token.expose_secret());
        let mut header = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| "the token holds characters that no token has")?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl Source {
    async fn fetch(&self) -> Result<Current, BoxError> {
        match self {
            Self::File { path, place } => {
                let text = tokio::fs::read_to_string(path).await.map_err(|source| {
                    KubeconfigError::File {
                        place: place.clone(),
                        what: "token",
                        path: path.clone(),
                        source,
                    }
                })?;
                // Editors end files with a line feed.
                let token = SecretString::from(text.trim().to_owned());
                Ok(Current { token, expires: Some(Timestamp::now() + FILE_PERIOD) })
            }
            Self::Plugin(plugin) => {
                let Issued { token, expires, .. } = plugin.run().await?;
                let token = token.ok_or("the credential plugin has stopped giving tokens")?;
                Ok(Current { token, expires })
            }
        }
    }
}

impl AsyncPredicate<Request<Body>> for Tokens {
    type Future = BoxFuture<'static, Result<Request<Body>, BoxError>>;
    type Request = Request<Body>;

    fn check(&mut self, mut request: Request<Body>) -> Self::Future {
        let tokens = self.clone();
        Box::pin(async move {
            let header = tokens.header().await?;
            request.headers_mut().insert(AUTHORIZATION, header);
            Ok(request)
        })
    }
}
