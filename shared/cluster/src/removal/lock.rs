//! A Lease, so that no two runs remove at once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kcilium_core::facts::Unavailable;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{Api, ApiError, Form};

/// Where it is.
const COLLECTION: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";

/// What it is called.
const NAME: &str = "kubectl-cilium-uninstall";

/// How long a run is taken to be alive after it last said so. One that was killed keeps others
/// waiting for as long.
const LIFE: Duration = Duration::from_secs(15);

/// How often it says so.
const BEAT: Duration = Duration::from_secs(4);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run is at it.
    #[error("another run is removing Cilium from this cluster: {holder}")]
    Taken {
        /// Who runs it.
        holder: String,
    },
    /// It cannot be had.
    #[error("cannot take the Lease kube-system/{NAME}")]
    Api(#[from] ApiError),
}

/// The lock, while it is held. The future of [`Lock::hold`] keeps it; [`Lock::release`] gives it up.
pub struct Lock {
    holder: String,
}

impl Lock {
    /// Takes the lock. Where another run has it, it is waited for a sign of life: without one the run
    /// was killed. Times are by the server's clock. `wait` is told if it has to be waited.
    ///
    /// # Errors
    /// When another run is alive, or when Leases cannot be written.
    pub async fn take(
        api: &Api,
        holder: String,
        wait: &(dyn Fn(&str) + Sync),
    ) -> Result<Self, LockError> {
        let mut seen: Option<String> = None;
        loop {
            let Some(lease) = read(api).await? else {
                match api.add(COLLECTION, &lease(api, &holder, None)).await {
                    Err(ApiError::AlreadyExists { .. }) => continue,
                    outcome => outcome?,
                };
                return Ok(Self { holder });
            };
            let text = |path| lease_text(&lease, path);
            let (other, renewed) = (text("/spec/holderIdentity"), text("/spec/renewTime"));
            if other == holder {
                return Ok(Self { holder });
            }
            let left = renewed.parse::<Timestamp>().ok().map(|at| {
                SignedDuration::try_from(LIFE).unwrap_or_default()
                    - api.server_time().duration_since(at)
            });
            let is_alive = left.is_some_and(|left| left.is_positive());
            if is_alive && seen.as_ref().is_some_and(|seen| *seen != renewed) {
                return Err(LockError::Taken { holder: other });
            }
            if is_alive {
                if seen.is_none() {
                    wait(&format!("waiting for a sign of life of another run ({other})"));
                }
                seen = Some(renewed);
                sleep(Duration::from_secs(1)).await;
                continue;
            }
            let version = text("/metadata/resourceVersion");
            let path = format!("{COLLECTION}/{NAME}");
            match api.replace(&path, &lease_of(api, &holder, &version)).await {
                // Somebody was quicker.
                Err(ApiError::Status { code: 409, .. } | ApiError::NotFound { .. }) => {}
                outcome => {
                    outcome?;
                    return Ok(Self { holder });
                }
            }
        }
    }

    /// Says again and again that this run is alive; ends when somebody else has taken the lock, or
    /// when it could not be said for so long that somebody may.
    pub async fn hold(&self, api: &Api) -> Unavailable {
        let mut failures = 0;
        loop {
            sleep(BEAT).await;
            let why = match self.renew(api).await {
                Ok(()) => {
                    failures = 0;
                    continue;
                }
                Err(LockError::Taken { holder }) => format!("{holder} has taken it"),
                Err(LockError::Api(error)) => {
                    failures += 1;
                    if BEAT * failures < LIFE {
                        continue;
                    }
                    error.to_string()
                }
            };
            return Unavailable::failed(format!("Lease kube-system/{NAME}"), why);
        }
    }

    async fn renew(&self, api: &Api) -> Result<(), LockError> {
        let path = format!("{COLLECTION}/{NAME}");
        let lease = read(api).await?.unwrap_or_default();
        let holder = lease_text(&lease, "/spec/holderIdentity");
        if holder != self.holder {
            let holder = if holder.is_empty() { "somebody".into() } else { holder };
            return Err(LockError::Taken { holder });
        }
        let version = lease_text(&lease, "/metadata/resourceVersion");
        api.replace(&path, &lease_of(api, &self.holder, &version)).await?;
        Ok(())
    }

    /// Gives it up. Where that fails it ends by itself.
    pub async fn release(self, api: &Api) {
        let Ok(Some(lease)) = read(api).await else { return };
        if lease_text(&lease, "/spec/holderIdentity") != self.holder {
            return;
        }
        let version = lease_text(&lease, "/metadata/resourceVersion");
        let options = super::execute::options(None, Some(version));
        if let Err(error) = api.delete(&format!("{COLLECTION}/{NAME}"), &options).await {
            tracing::debug!(%error, "the lease ends by itself");
        }
    }
}

async fn read(api: &Api) -> Result<Option<Value>, ApiError> {
    match api.get(&format!("{COLLECTION}/{NAME}"), Form::Json).await {
        Err(ApiError::NotFound { .. }) => Ok(None),
        body => serde_json::from_slice(&body?)
            .map(Some)
            .map_err(|error| ApiError::Unreadable { reason: error.to_string() }),
    }
}

fn lease_text(lease: &Value, path: &str) -> String {
    lease.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn lease_of(api: &Api, holder: &str, version: &str) -> Value {
    lease(api, holder, Some(version))
}

fn lease(api: &Api, holder: &str, version: Option<&str>) -> Value {
    let now = api.server_time().strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
    let mut lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME, "namespace": "kube-system"},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": LIFE.as_secs(),
            "renewTime": now,
        },
    });
    if let Some(version) = version {
        lease["metadata"]["resourceVersion"] = json!(version);
    }
    lease
}
