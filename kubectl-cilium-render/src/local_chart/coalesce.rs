//! Values over a chart's own, as Helm lays them.

use crate::layers::{Map, Node, Value};

/// The values that templates see and that the schema is held against: the given ones, and where
/// nothing is given the chart's own. Null takes a default away
/// (`CoalesceValues` in Helm's `pkg/chart/.../util/coalesce.go`).
pub fn coalesce(given: &Map, defaults: &Map) -> Map {
    let mut values = given.clone();
    lay_over(&mut values, defaults);
    values
}

fn lay_over(given: &mut Map, defaults: &Map) {
    for (key, default) in defaults {
        match given.get_mut(key) {
            None => {
                given.insert(key.clone(), default.clone());
            }
            Some(Node { value: Value::Null, .. }) => {
                given.remove(key);
            }
            Some(Node { value: Value::Map(inner), .. }) => {
                let nothing = Map::new();
                lay_over(inner, default.as_map().unwrap_or(&nothing));
            }
            Some(_) => {}
        }
    }
}
