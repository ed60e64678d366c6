//! YAML of several documents.

/// The documents of a manifest that have anything in them. Helm puts `---` before each.
pub(super) fn documents(manifest: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(manifest);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut end = 0;
        for line in text.split_inclusive('\n') {
            if line.trim_end() == "---" {
                rest = Some(&text[end + line.len()..]);
                return Some(&text[..end]);
            }
            end += line.len();
        }
        rest = None;
        Some(text)
    })
    .filter(|text| {
        text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    })
}

#[cfg(test)]
mod tests {
    use super::documents;

    #[test]
    fn documents_are_told_apart() {
        let text = "---\n# Source: a\n---\na: 1---\n--- \nb: |\n  c\n---\n\n";
        assert_eq!(documents(text).collect::<Vec<_>>(), ["a: 1---\n", "b: |\n  c\n"]);
        assert_eq!(documents("").count(), 0);
    }
}
