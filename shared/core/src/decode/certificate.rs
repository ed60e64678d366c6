//! What `openssl x509 -noout -ext subjectAltName` prints.

use super::DecodeError;
use crate::facts::ServerCertificate;

/// The names and addresses of a certificate.
///
/// # Errors
/// When there are none: OpenSSL says `No extensions matching ...`, or nothing.
pub fn server_certificate(text: &str) -> Result<ServerCertificate, DecodeError> {
    let entries = text.split([',', '\n']).map(str::trim);
    let names = entries.filter_map(|entry| {
        let name = entry.strip_prefix("DNS:").or_else(|| entry.strip_prefix("IP Address:"))?;
        Some(name.to_owned())
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return Err(DecodeError::new("no subject alternative name"));
    }
    Ok(ServerCertificate { names })
}
