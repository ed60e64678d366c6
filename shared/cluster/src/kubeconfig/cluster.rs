//! The cluster's half of a connection: where, and whose certificate to trust.

use kube::config::Cluster;
use rustls::pki_types::ServerName;

use super::{ConnectionFlags, KubeconfigError, choice::Choice, files::Place, pem::Pem};

/// A cluster entry with the flags laid over it.
#[derive(Clone, Debug)]
pub(crate) struct ClusterSettings {
    /// As it was written.
    pub(crate) server: String,
    /// Who says so.
    pub(crate) server_place: Place,
    /// The authorities whose certificates are trusted, DER; none for those of the system.
    pub(crate) authorities: Option<Vec<Vec<u8>>>,
    /// The same as PEM, for credential plugins.
    pub(crate) authorities_pem: Option<Vec<u8>>,
    /// Who gives them.
    pub(crate) authorities_place: Option<Place>,
    /// Whether any certificate will do.
    pub(crate) insecure: bool,
    /// The name that the certificate must be for, if not the host's.
    pub(crate) tls_server_name: Option<String>,
    /// `proxy-url`, and who says so.
    pub(crate) proxy_url: Option<(String, Place)>,
    /// Whether answers shall come uncompressed.
    pub(crate) disable_compression: bool,
    /// The entry's extension for credential plugins.
    pub(crate) exec_extension: Option<serde_json::Value>,
}

/// What the certificates are, in messages.
const AUTHORITY: &str = "certificate authority";

/// Name of the extension that is handed to credential plugins.
const EXEC_EXTENSION: &str = "client.authentication.k8s.io/exec";

impl ClusterSettings {
    pub(super) fn resolve(
        choice: &Choice,
        flags: &ConnectionFlags,
    ) -> Result<Self, KubeconfigError> {
        let (cluster, place) = match &choice.cluster {
            Some(entry) => (entry.value.clone(), entry.place.clone()),
            None => (Cluster::default(), Place::Flag("--server")),
        };
        let (server, server_place) = match &flags.server {
            Some(server) => (server.clone(), Place::Flag("--server")),
            None => (cluster.server.clone().unwrap_or_default(), place.clone()),
        };
        let by_flag = flags.certificate_authority.as_deref();
        let authority = match by_flag {
            Some(path) => {
                Some(Pem::of_file(path, AUTHORITY, Place::Flag("--certificate-authority"))?)
            }
            None if flags.insecure_skip_tls_verify => None,
            None => Pem::of_entry(
                "certificate-authority",
                AUTHORITY,
                cluster.certificate_authority_data.as_deref(),
                cluster.certificate_authority.as_deref(),
                &place,
            )?,
        };
        // As in client-go, the flag for an authority takes back that the file checks none.
        let insecure = flags.insecure_skip_tls_verify
            || (by_flag.is_none() && cluster.insecure_skip_tls_verify.unwrap_or(false));
        if insecure && authority.is_some() {
            return Err(if flags.insecure_skip_tls_verify {
                KubeconfigError::Setting {
                    place: Place::Flag("--insecure-skip-tls-verify"),
                    reason: "it does not go with --certificate-authority".into(),
                }
            } else {
                KubeconfigError::Setting {
                    place,
                    reason:
                        "a certificate authority and insecure-skip-tls-verify exclude each other"
                            .into(),
                }
            });
        }
        let authorities = authority.as_ref().map(Pem::authorities).transpose()?;
        let tls_server_name = tls_server_name(&cluster, &place, flags)?;
        let exec_extension = cluster
            .extensions
            .into_iter()
            .flatten()
            .find(|extension| extension.name == EXEC_EXTENSION)
            .map(|extension| extension.extension);
        Ok(Self {
            server,
            server_place,
            authorities,
            authorities_place: authority.as_ref().map(|pem| pem.place.clone()),
            authorities_pem: authority.map(|pem| pem.text),
            insecure,
            tls_server_name,
            proxy_url: cluster.proxy_url.filter(|url| !url.is_empty()).map(|url| (url, place)),
            disable_compression: flags
                .disable_compression
                .unwrap_or_else(|| cluster.disable_compression.unwrap_or(false)),
            exec_extension,
        })
    }
}

fn tls_server_name(
    cluster: &Cluster,
    place: &Place,
    flags: &ConnectionFlags,
) -> Result<Option<String>, KubeconfigError> {
    let (name, place) = match (&flags.tls_server_name, &flags.server) {
        (Some(name), _) => (name, Place::Flag("--tls-server-name")),
        // A server that is given by flag has a name of its own.
        (None, Some(_)) => return Ok(None),
        (None, None) => match &cluster.tls_server_name {
            Some(name) if !name.is_empty() => (name, place.clone()),
            _ => return Ok(None),
        },
    };
    match ServerName::try_from(name.as_str()) {
        Ok(_) => Ok(Some(name.clone())),
        Err(_) => Err(KubeconfigError::Setting {
            place,
            reason: format!("the TLS server name \"{name}\" is not a host name"),
        }),
    }
}
