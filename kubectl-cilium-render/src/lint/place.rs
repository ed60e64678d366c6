//! Where a value stands that a finding is about.

use crate::layers::{Map, Node, Origin};

/// What is said behind a finding about a value that came from there.
pub(crate) fn suffix(origin: Option<&Origin>) -> String {
    match origin {
        None | Some(Origin::ChartDefault) => String::new(),
        Some(Origin::Detected { source, .. }) => format!(" (detected from {source})"),
        Some(origin) => format!(" ({origin})"),
    }
}

/// Where the value of a key came from; none where nobody gave it.
pub(super) fn of<'a>(values: &'a Map, key: &str) -> Option<&'a Origin> {
    node(values, key).map(|node| &node.origin)
}

/// Follows a key, a path with dots; dots within a name are written `\.`.
fn node<'a>(values: &'a Map, key: &str) -> Option<&'a Node> {
    let mut names = names(key).into_iter();
    let first = values.get(&names.next()?)?;
    names.try_fold(first, |node, name| node.as_map()?.get(&name))
}

fn names(key: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut characters = key.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, names.last_mut()) {
            ('\\', Some(name)) if characters.peek() == Some(&'.') => {
                characters.next();
                name.push('.');
            }
            ('.', _) => names.push(String::new()),
            (other, Some(name)) => name.push(other),
            (_, None) => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{names, of};
    use crate::layers::yaml;

    #[test]
    fn dots_separate_unless_escaped() {
        assert_eq!(names("a.b"), ["a", "b"]);
        assert_eq!(names("a\\.b.c"), ["a.b", "c"]);
    }

    #[test]
    fn values_are_found_where_they_begin() {
        let document = yaml::read("v.yaml", b"a:\n  b: 1\nc.d: 2\n").unwrap();
        let place = |key| of(&document.values, key).map(ToString::to_string);
        assert_eq!(place("a.b").as_deref(), Some("v.yaml:2:6"));
        assert_eq!(place("c\\.d").as_deref(), Some("v.yaml:3:6"));
        assert_eq!(place("a.x"), None);
        assert_eq!(place("a.b.c"), None);
    }
}
