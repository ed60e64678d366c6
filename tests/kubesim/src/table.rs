//! Objects as rows: what `kubectl get` prints.

use std::{fmt::Write as _, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    columns,
    object::{meta, text},
    packed::{Mould, Object},
    resource::{Resource, ServedVersion},
    template::Template,
};

/// How much of each object its row carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// The metadata.
    #[default]
    Metadata,
    /// Everything.
    Object,
}

/// A column: name, type, format, and 0 if it is always shown, 1 if only with `-o wide`.
pub(crate) type Column = (&'static str, &'static str, &'static str, u8);

/// Writes the objects of one kind as rows.
pub(crate) struct Printer {
    columns: Vec<Value>,
    cells: Cells,
    include: Include,
    api_version: String,
    now: Timestamp,
    /// The cells of the objects of a mould, which differ by what fills its gaps alone.
    moulds: Vec<(Arc<Mould>, Template)>,
}

/// Where a kind's cells come from.
enum Cells {
    Builtin(columns::Cells),
    /// By the columns of a definition, or by none.
    Defined {
        columns: Vec<Value>,
        custom: bool,
    },
}

impl Printer {
    /// For objects of that kind.
    pub(crate) fn new(resource: &Resource, version: &ServedVersion, include: Include) -> Self {
        let (columns, cells) = if let Some((columns, cells)) = columns::of(resource) {
            (columns.iter().map(definition).collect(), Cells::Builtin(cells))
        } else {
            let custom = version.schema.is_some();
            let cells = Cells::Defined { columns: version.columns.clone(), custom };
            (plain_columns(version), cells)
        };
        Self {
            columns,
            cells,
            include,
            api_version: resource.api_version(&version.name),
            now: Timestamp::now(),
            moulds: Vec::new(),
        }
    }

    /// Appends the Table up to its first row.
    pub(crate) fn begin(&self, metadata: &Value, out: &mut String) {
        let columns = Value::from(self.columns.as_slice());
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{metadata},"columnDefinitions":{columns},"rows":["#
        );
    }

    /// Appends the object's row.
    pub(crate) fn row(&mut self, object: &Object, out: &mut String) {
        out.push_str("{\"cells\":");
        match object.mould() {
            Some((mould, fillings)) => self.template(mould).write(&fillings, out),
            None => out.push_str(&self.cells(&object.value())),
        }
        out.push_str(",\"object\":");
        match self.include {
            // Go's `omitempty` does not leave out a struct.
            Include::None => out.push_str("null"),
            Include::Metadata => object.write_partial(out),
            Include::Object => object.write(out, Some(&self.api_version)),
        }
        out.push('}');
    }

    fn cells(&self, object: &Value) -> String {
        let cells = match &self.cells {
            Cells::Builtin(cells) => cells(object, self.now),
            Cells::Defined { columns, custom } => plain_cells(columns, *custom, object, self.now),
        };
        Value::from(cells).to_string()
    }

    fn template(&mut self, mould: &Arc<Mould>) -> &Template {
        let known = self.moulds.iter().position(|(known, _)| Arc::ptr_eq(known, mould));
        let place = known.unwrap_or_else(|| {
            // Columns add no gaps to those that the mould has, so this is no error.
            let cells = mould.template(&self.cells(mould.value())).unwrap_or_default();
            self.moulds.push((Arc::clone(mould), cells));
            self.moulds.len() - 1
        });
        &self.moulds[place].1
    }
}

fn definition(column: &Column) -> Value {
    let (name, kind, format, priority) = column;
    json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
}

fn plain_columns(version: &ServedVersion) -> Vec<Value> {
    let mut columns = vec![definition(&("Name", "string", "name", 0))];
    if version.columns.is_empty() {
        let kind = if version.schema.is_some() { "date" } else { "string" };
        columns.push(definition(&(
            if version.schema.is_some() { "Age" } else { "Created At" },
            kind,
            "",
            0,
        )));
    }
    columns.extend(version.columns.iter().map(|column| {
        json!({
            "name": column["name"],
            "type": column["type"],
            "format": text(column, &["format"]),
            "description": text(column, &["description"]),
            "priority": column["priority"].as_i64().unwrap_or_default(),
        })
    }));
    columns
}

fn plain_cells(columns: &[Value], custom: bool, object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![json!(meta(object, "name"))];
    if columns.is_empty() {
        let created = meta(object, "creationTimestamp");
        let cell = if custom { age(created, now) } else { created.to_owned() };
        cells.push(json!(cell));
    }
    cells.extend(columns.iter().map(|column| {
        let found = select(object, text(column, &["jsonPath"]));
        match text(column, &["type"]) {
            "date" => found
                .first()
                .and_then(|value| value.as_str())
                .map_or(Value::Null, |time| json!(age(time, now))),
            "string" => {
                let parts: Vec<String> = found.into_iter().map(show).collect();
                if parts.is_empty() { Value::Null } else { json!(parts.join(",")) }
            }
            _ => found.first().map_or(Value::Null, |&value| value.clone()),
        }
    }));
    cells
}

fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The values at a JSONPath of the forms that definitions use: `.a.b`, `.a[0]`, `.a[*].b`,
/// `.a[?(@.type=="Ready")].status`, `.a\.b`.
pub(crate) fn select<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').unwrap_or(inner.len());
            let step = &inner[..end];
            rest = inner.get(end + 1..).unwrap_or_default();
            found = found.into_iter().flat_map(|value| items(value, step)).collect();
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let (name, after) = field(name);
            rest = after;
            if !name.is_empty() {
                found = found.into_iter().filter_map(|value| value.get(&name)).collect();
            }
        }
    }
    found
}

/// The field name at the start, with escaped dots.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            '.' | '[' => return (name, &text[i..]),
            c => name.push(c),
        }
    }
    (name, "")
}

fn items<'a>(value: &'a Value, step: &str) -> Vec<&'a Value> {
    let Some(list) = value.as_array() else {
        let name = step.trim_matches(['\'', '"']);
        return value.get(name).into_iter().collect();
    };
    if step == "*" {
        return list.iter().collect();
    }
    if let Ok(index) = step.parse::<usize>() {
        return list.get(index).into_iter().collect();
    }
    let Some((field, wanted)) = step
        .strip_prefix("?(@.")
        .and_then(|filter| filter.strip_suffix(')'))
        .and_then(|filter| filter.split_once("=="))
    else {
        return Vec::new();
    };
    let wanted = wanted.trim().trim_matches(['\'', '"']);
    list.iter().filter(|item| item.get(field.trim()).is_some_and(|v| show(v) == wanted)).collect()
}

/// How long ago that was, as kubectl says it.
pub(crate) fn age(time: &str, now: Timestamp) -> String {
    match time.parse::<Timestamp>() {
        Ok(then) => duration(now.as_second() - then.as_second()),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// Seconds in at most two units, coarser the longer it is.
pub(crate) fn duration(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let two = |big: i64, unit: &str, small: i64, sub: &str| {
        let (whole, rest) = (seconds / big, seconds % big / small);
        if rest == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{rest}{sub}") }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(MINUTE, "m", 1, "s"),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => two(HOUR, "h", MINUTE, "m"),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => two(DAY, "d", HOUR, "h"),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        63_072_000..252_288_000 => two(YEAR, "y", DAY, "d"),
        _ => format!("{}y", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{duration, select};

    #[test]
    fn durations_get_coarser() {
        for (seconds, text) in [
            (5, "5s"),
            (119, "119s"),
            (150, "2m30s"),
            (180, "3m"),
            (3600, "60m"),
            (11_000, "3h3m"),
            (100_000, "27h"),
            (200_000, "2d7h"),
            (800_000, "9d"),
            (70_000_000, "2y80d"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn paths_select() {
        let object =
            json!({"a": {"b.c": 1, "d": [{"type": "x", "v": "1"}, {"type": "y", "v": "2"}]}});
        for (path, wanted) in [
            (".a.b\\.c", json!([1])),
            (".a.d[0].v", json!(["1"])),
            (".a.d[*].v", json!(["1", "2"])),
            (".a.d[?(@.type==\"y\")].v", json!(["2"])),
            (".missing.x", json!([])),
        ] {
            assert_eq!(json!(select(&object, path)), wanted, "{path}");
        }
    }
}
