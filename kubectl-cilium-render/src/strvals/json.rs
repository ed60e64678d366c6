//! JSON values inside an argument, as Go's `encoding/json` reads them.

use super::error::Problem;
use crate::layers::{Map, Node, Number, Origin, Value};

/// Levels of objects and arrays.
const MAX_DEPTH: usize = 100;

/// Reads a JSON value at the beginning of `text`, and gives what follows it. `start` is the number
/// of characters before `text`, for messages.
pub(super) fn prefix<'a>(
    text: &'a str,
    origin: &Origin,
    start: usize,
) -> Result<(Value, &'a str), Problem> {
    let mut reader = Reader { text, rest: text, origin, start };
    let value = reader.value(0)?;
    Ok((value, reader.rest))
}

/// Reads a text that is one JSON value.
pub(super) fn whole(text: &str, origin: &Origin) -> Result<Value, Problem> {
    let mut reader = Reader { text, rest: text, origin, start: 0 };
    let value = reader.value(0)?;
    reader.skip_blanks();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.error("something after the end")) }
}

struct Reader<'a, 'o> {
    text: &'a str,
    rest: &'a str,
    origin: &'o Origin,
    start: usize,
}

impl Reader<'_, '_> {
    fn value(&mut self, depth: usize) -> Result<Value, Problem> {
        if depth > MAX_DEPTH {
            return Err(self.error("too many levels"));
        }
        self.skip_blanks();
        match self.rest.chars().next() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('"') => Ok(Value::String(self.string()?)),
            Some('-' | '0'..='9') => self.number(),
            _ => {
                for (word, value) in [
                    ("null", Value::Null),
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                ] {
                    if self.take(word) {
                        return Ok(value);
                    }
                }
                Err(self.error("no value"))
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut map = Map::new();
        self.take("{");
        self.skip_blanks();
        if self.take("}") {
            return Ok(Value::Map(map));
        }
        loop {
            self.skip_blanks();
            let key = self.string()?;
            self.skip_blanks();
            self.expect(":", "no `:` after a key")?;
            let value = self.value(depth + 1)?;
            map.insert(key, Node::new(value, self.origin.clone()));
            self.skip_blanks();
            if self.take("}") {
                return Ok(Value::Map(map));
            }
            self.expect(",", "neither `,` nor `}` after a value")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        self.take("[");
        self.skip_blanks();
        if self.take("]") {
            return Ok(Value::List(items));
        }
        loop {
            let value = self.value(depth + 1)?;
            items.push(Node::new(value, self.origin.clone()));
            self.skip_blanks();
            if self.take("]") {
                return Ok(Value::List(items));
            }
            self.expect(",", "neither `,` nor `]` after a value")?;
        }
    }

    fn string(&mut self) -> Result<String, Problem> {
        self.expect("\"", "no key in quotes")?;
        let mut text = String::new();
        loop {
            let mut characters = self.rest.chars();
            let character = characters.next().ok_or_else(|| self.error("no closing quote"))?;
            if character < ' ' {
                return Err(self.error("a control character"));
            }
            self.rest = characters.as_str();
            match character {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let mut characters = self.rest.chars();
        let character = characters.next().ok_or_else(|| self.error("no closing quote"))?;
        let plain = match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            _ => return Err(self.error("an unknown escape")),
        };
        self.rest = characters.as_str();
        Ok(plain)
    }

    /// Reads `uXXXX`, or two of it for one character; half of a pair becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, Problem> {
        let unit = self.rest.strip_prefix('u').and_then(hex);
        let (unit, rest) = unit.ok_or_else(|| self.error("no four hexadecimal digits"))?;
        self.rest = rest;
        if let Some((low, rest)) = rest.strip_prefix("\\u").and_then(hex)
            && let Some(Ok(pair)) = char::decode_utf16([unit, low]).next()
            && pair.len_utf16() == 2
        {
            self.rest = rest;
            return Ok(pair);
        }
        Ok(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let text = self.rest;
        let mut end = usize::from(text.starts_with('-'));
        end += match &text[end..] {
            rest if rest.starts_with('0') => 1,
            rest => digits(rest),
        };
        if let Some(fraction) = text[end..].strip_prefix('.') {
            end += 1 + self.some(digits(fraction))?;
        }
        if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
            let sign = usize::from(exponent.starts_with(['+', '-']));
            end += 1 + sign + self.some(digits(&exponent[sign..]))?;
        }
        let number = text[..end].parse().ok().filter(|number: &f64| number.is_finite());
        let number = number.ok_or_else(|| self.error("a number that is none, or too large"))?;
        self.rest = &text[end..];
        Ok(Value::Number(Number::Float(number)))
    }

    fn some(&self, count: usize) -> Result<usize, Problem> {
        if count == 0 { Err(self.error("a number without digits")) } else { Ok(count) }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn take(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, word: &str, otherwise: &'static str) -> Result<(), Problem> {
        if self.take(word) { Ok(()) } else { Err(self.error(otherwise)) }
    }

    fn error(&self, what: &'static str) -> Problem {
        let before = &self.text[..self.text.len() - self.rest.len()];
        Problem::Json { what, at: self.start + before.chars().count() + 1 }
    }
}

fn hex(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((all.then(|| u16::from_str_radix(digits, 16).ok())??, rest))
}
