//! What the server shows before any request.

use std::time::Duration;

use kcilium_core::facts::{ServerCertificate, Unavailable};
use tokio::time::Instant;

use crate::{
    certificate::{self, Trust},
    kubeconfig::Connection,
};

const WHAT: &str = "certificate of the API server";

/// How long the handshake may take; the requests beside it have no more to wait for.
const TIME: Duration = Duration::from_secs(5);

/// Where the server is, and who has to stand for it.
pub(super) struct Gate {
    host: String,
    port: u16,
    authorities: Option<Vec<Vec<u8>>>,
    /// What is in the way of a look.
    hidden: Option<&'static str>,
}

impl Gate {
    pub(super) fn of(connection: &Connection) -> Self {
        let hidden = if !connection.server.is_tls() {
            Some("the server is asked without TLS")
        } else if connection.proxy().is_some() {
            Some("the server is behind a proxy")
        } else {
            None
        };
        Self {
            host: connection.server.host().to_owned(),
            port: connection.server.port(),
            authorities: connection.authorities().map(<[_]>::to_vec),
            hidden,
        }
    }

    pub(super) async fn certificate(
        &self,
        deadline: Instant,
    ) -> Result<ServerCertificate, Unavailable> {
        if let Some(why) = self.hidden {
            return Err(Unavailable::absent(WHAT, why));
        }
        let time = TIME.min(deadline.saturating_duration_since(Instant::now()));
        let authorities = self.authorities.as_deref();
        let shown = certificate::certificate(&self.host, self.port, authorities, time).await;
        let shown = shown.map_err(|error| Unavailable::failed(WHAT, error.to_string()))?;
        match shown.trust {
            // Anything else may be a gateway before the server, with a certificate of its own.
            Trust::Trusted => Ok(shown.names),
            Trust::NotJudged | Trust::Refused(_) => {
                Err(Unavailable::absent(WHAT, "what is shown is not of the cluster's authority"))
            }
        }
    }
}
