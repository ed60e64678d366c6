//! What follows an index.

use super::{
    error::{MAX_BRACKETS, MAX_INDEX, Problem},
    parser::{Flow, Parser, take_list},
};
use crate::layers::{Map, Node, Value};

impl Parser<'_> {
    /// Reads an index and the bracket after it.
    pub(super) fn index(&mut self) -> Result<i64, Problem> {
        match self.until(&[']']) {
            (_, None) => Err(Problem::OpenIndex),
            (text, Some(_)) => text.parse().map_err(|_| Problem::Index(text)),
        }
    }

    /// Reads what follows an index, and sets the item.
    ///
    /// At the end of the argument the item is left as it was, as Helm leaves it.
    pub(super) fn list_item(
        &mut self,
        list: &mut Vec<Node>,
        index: i64,
        level: usize,
        brackets: usize,
    ) -> Result<Flow, Problem> {
        if index < 0 {
            return Err(Problem::NegativeIndex(index));
        }
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return Err(Problem::AfterIndex(text));
        }
        match stop {
            Some('=') => {
                let (value, _) = self.value()?;
                let item = self.node(value);
                self.slot(list, index)?.replace(item);
                Ok(Flow::More)
            }
            Some('[') => {
                if brackets == MAX_BRACKETS {
                    return Err(Problem::TooManyBrackets);
                }
                let next = self.index()?;
                let existing = existing(list, index).filter(|node| node.value != Value::Null);
                let mut inner = take_list(existing, &format!("[{index}]"))?;
                let flow = self.list_item(&mut inner, next, level, brackets + 1)?;
                if flow == Flow::More || existing_list(list, index) {
                    self.slot(list, index)?.value = Value::List(inner);
                }
                Ok(flow)
            }
            Some('.') => {
                let is_there = existing(list, index).is_some();
                let mut inner = match existing(list, index) {
                    Some(Node { value: Value::Map(map), .. }) => std::mem::take(map),
                    _ => Map::new(),
                };
                let flow = self.key(&mut inner, level)?;
                if flow == Flow::More || is_there {
                    self.slot(list, index)?.value = Value::Map(inner);
                }
                Ok(flow)
            }
            _ => Ok(Flow::End),
        }
    }

    /// The item at an index; missing ones up to it become null.
    fn slot<'l>(&mut self, list: &'l mut Vec<Node>, index: i64) -> Result<&'l mut Node, Problem> {
        let position = usize::try_from(index).ok().filter(|position| *position <= MAX_INDEX);
        let position = position.ok_or(Problem::LargeIndex(index))?;
        if list.len() <= position {
            self.reserve(position + 1 - list.len())?;
            list.resize(position + 1, self.node(Value::Null));
        }
        Ok(&mut list[position])
    }
}

fn existing(list: &mut [Node], index: i64) -> Option<&mut Node> {
    list.get_mut(usize::try_from(index).ok()?)
}

fn existing_list(list: &mut [Node], index: i64) -> bool {
    existing(list, index).is_some_and(|node| matches!(node.value, Value::List(_)))
}
