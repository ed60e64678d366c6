//! Errors of the operating system, as reasons for a missing fact.

use std::io::{self, ErrorKind};

use kcilium_core::facts::Unavailable;

/// Why `what` is missing, told from the error that its source gave.
pub(crate) fn unavailable(what: impl Into<String>, error: &io::Error) -> Unavailable {
    let why = plain(error);
    match error.kind() {
        ErrorKind::PermissionDenied => Unavailable::forbidden(what, why),
        ErrorKind::NotFound => Unavailable::absent(what, why),
        _ => Unavailable::failed(what, why),
    }
}

/// The system's text for an error, without Rust's `(os error 13)`.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use kcilium_core::facts::UnavailableKind;
    use rustix::io::Errno;

    use super::unavailable;

    #[test]
    fn the_kind_follows_the_error_number() {
        let kind = |errno: Errno| unavailable("x", &errno.into()).kind;
        assert_eq!(kind(Errno::ACCESS), UnavailableKind::Forbidden);
        assert_eq!(kind(Errno::PERM), UnavailableKind::Forbidden);
        assert_eq!(kind(Errno::NOENT), UnavailableKind::Absent);
        assert_eq!(kind(Errno::NOBUFS), UnavailableKind::Failed);
    }

    #[test]
    fn the_text_is_a_fragment_for_a_sentence() {
        let error = unavailable("/etc/kubernetes/kubelet.conf", &Errno::ACCESS.into());
        assert_eq!(error.to_string(), "/etc/kubernetes/kubelet.conf: permission denied");
    }
}
