//! Files of sections and assignments, as systemd and GLib's key files have them.

/// An assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Section that it stands in; empty before the first.
    pub(super) section: &'a str,
    /// With an operator at its end where one is written (`unmanaged-devices+`).
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

/// The assignments of a file, in order. Comments begin with `#` or `;`.
pub(super) fn entries(text: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim();
            return None;
        }
        let (key, value) = line.split_once('=')?;
        Some(Entry { section, key: key.trim(), value: value.trim() })
    })
}

/// A boolean as systemd reads it; none where it is none, which systemd passes over.
pub(super) fn boolean(text: &str) -> Option<bool> {
    const TRUE: [&str; 6] = ["1", "yes", "y", "true", "t", "on"];
    const FALSE: [&str; 6] = ["0", "no", "n", "false", "f", "off"];
    let is_among = |words: [&str; 6]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_among(TRUE) { Some(true) } else { is_among(FALSE).then_some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_hold_until_the_next() {
        let text =
            "a=1\n[Network]\n # no\n;b=2\nManageForeignRoutes = no \n[ DHCP ]\nx+=y=z\nword\n";
        let found: Vec<_> = entries(text).map(|it| (it.section, it.key, it.value)).collect();
        assert_eq!(
            found,
            [("", "a", "1"), ("Network", "ManageForeignRoutes", "no"), ("DHCP", "x+", "y=z")]
        );
    }

    #[test]
    fn booleans_are_systemd_s() {
        assert_eq!(
            ["Yes", "OFF", "1", "maybe", ""].map(boolean),
            [Some(true), Some(false), Some(true), None, None]
        );
    }
}
