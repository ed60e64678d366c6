//! Text with gaps: many objects of one shape, each kept as no more than what fills its gaps.

use thiserror::Error;

/// A gap that nobody fills, or one that does not end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no such gap: {{{{{0}")]
pub struct BadGap(String);

#[derive(Clone, Debug)]
enum Piece {
    Text(Box<str>),
    Gap(usize),
}

/// Compact JSON with gaps.
///
/// `{{name}}` inside of a string is a gap; a string that is nothing but `{{#name}}` is one that is
/// filled with a number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template(Vec<Piece>);

impl Template {
    /// Reads a text whose gaps have these names; fillings come in the same order.
    pub(crate) fn parse(text: &str, gaps: &[&str]) -> Result<Self, BadGap> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or_else(|| BadGap(after.to_owned()))?;
            let (before, name, after) = match name.strip_prefix('#') {
                Some(name) => {
                    let unquoted = before.strip_suffix('"').zip(after.strip_prefix('"'));
                    let (before, after) = unquoted.ok_or_else(|| BadGap(name.to_owned()))?;
                    (before, name, after)
                }
                None => (before, name, after),
            };
            let gap = gaps.iter().position(|gap| *gap == name);
            pieces.push(Piece::Text(before.into()));
            pieces.push(Piece::Gap(gap.ok_or_else(|| BadGap(name.to_owned()))?));
            rest = after;
        }
        pieces.push(Piece::Text(rest.into()));
        Ok(Self(pieces))
    }

    /// Appends the text with its gaps filled.
    pub(crate) fn write(&self, fillings: &[&str], out: &mut String) {
        for piece in &self.0 {
            out.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Gap(gap) => fillings.get(*gap).copied().unwrap_or_default(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn gaps_are_filled() {
        let template =
            Template::parse(r#"{"a":"x-{{name}}","b":"{{#id}}"}"#, &["id", "name"]).unwrap();
        let mut text = String::new();
        template.write(&["7", "web"], &mut text);
        assert_eq!(text, r#"{"a":"x-web","b":7}"#);
    }

    #[test]
    fn unknown_gaps_are_refused() {
        for text in ["{{other}}", "{{name", "{{#name}}"] {
            assert!(Template::parse(text, &["name"]).is_err(), "{text}");
        }
    }
}
