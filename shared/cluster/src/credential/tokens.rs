//! Bearer tokens from a file or a plugin, kept until they are old.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use http::HeaderValue;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use super::Issued;
use crate::{
    PluginError,
    kubeconfig::{ExecPlugin, KubeconfigError, Place},
};

/// How long a token out of a file is kept; kubelets renew such files long before they expire.
const FILE_PERIOD: Duration = Duration::from_mins(1);

/// A token that runs out before a request is through is of no use.
const MARGIN: Duration = Duration::from_secs(10);

/// Why there is no token to send.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error(transparent)]
    File(#[from] KubeconfigError),
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error(transparent)]
    Unfit(#[from] UnfitToken),
}

/// A token that cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("{place}: the token holds characters that no token has")]
pub struct UnfitToken {
    /// Who gives it.
    place: Place,
}

/// The `Authorization` header for a token.
pub(crate) fn header(token: &SecretString, place: &Place) -> Result<HeaderValue, UnfitToken> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| UnfitToken { place: place.clone() })?;
    header.set_sensitive(true);
    Ok(header)
}

/// Where tokens come from, and the one in use. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Source {
    File { path: PathBuf, place: Place },
    Plugin(ExecPlugin),
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    /// Counts tokens.
    number: u64,
    /// The token follows one that the server refused.
    after_refusal: bool,
}

#[derive(Debug)]
struct Token {
    text: SecretString,
    expires: Option<Timestamp>,
}

/// An `Authorization` header, and which token is in it.
pub(crate) struct Bearer {
    pub(crate) header: HeaderValue,
    pub(crate) number: u64,
}

impl Tokens {
    /// Tokens out of a file.
    pub(crate) fn in_file(path: PathBuf, place: Place) -> Self {
        Self::new(Source::File { path, place }, None)
    }

    /// Tokens of a plugin, which has given one already.
    pub(crate) fn of_plugin(
        plugin: ExecPlugin,
        text: SecretString,
        expires: Option<Timestamp>,
    ) -> Self {
        Self::new(Source::Plugin(plugin), Some(Token { text, expires }))
    }

    fn new(source: Source, token: Option<Token>) -> Self {
        let state = State { token, ..State::default() };
        Self(Arc::new(Inner { source, state: Mutex::new(state) }))
    }

    /// The token in use, or a new one if that is old.
    pub(crate) async fn bearer(&self) -> Result<Bearer, TokenError> {
        let mut state = self.0.state.lock().await;
        let fresh = state.token.take_if(|token| {
            token.expires.is_none_or(|expires| Timestamp::now() + MARGIN < expires)
        });
        let token = if let Some(token) = fresh {
            token
        } else {
            // What follows an old token may be refused once more.
            state.after_refusal &= state.token.is_none();
            let token = self.0.source.fetch().await?;
            state.number += 1;
            token
        };
        let header = header(&token.text, self.0.source.place());
        state.token = Some(token);
        Ok(Bearer { header: header?, number: state.number })
    }

    /// Takes note that the server refuses a token. Whether there is, or may be, another one.
    pub(crate) async fn refuse(&self, number: u64) -> bool {
        let mut state = self.0.state.lock().await;
        if state.number != number {
            // Another request has met the same, and there is a new token since.
            return true;
        }
        // The one that follows a refused one is all that there is to be had: no plugin is run for
        // each request that fails.
        let may_renew = !state.after_refusal;
        if may_renew {
            state.token = None;
            state.after_refusal = true;
        }
        may_renew
    }
}

impl Source {
    async fn fetch(&self) -> Result<Token, TokenError> {
        match self {
            Self::File { path, place } => {
                let unusable = |source| KubeconfigError::File {
                    place: place.clone(),
                    what: "token",
                    path: path.clone(),
                    source,
                };
                let text = tokio::fs::read_to_string(path).await.map_err(unusable)?;
                // Editors end files with a line feed.
                let text = text.trim();
                if text.is_empty() {
                    let empty = io::Error::new(io::ErrorKind::InvalidData, "it is empty");
                    return Err(unusable(empty).into());
                }
                let expires = Some(Timestamp::now() + FILE_PERIOD);
                Ok(Token { text: SecretString::from(text), expires })
            }
            Self::Plugin(plugin) => {
                let Issued { token, expires, .. } = plugin.run().await?;
                let text = token.ok_or_else(|| plugin.nonsense("it has no token any more"))?;
                Ok(Token { text, expires })
            }
        }
    }

    fn place(&self) -> &Place {
        match self {
            Self::File { place, .. } => place,
            Self::Plugin(plugin) => &plugin.place,
        }
    }
}
