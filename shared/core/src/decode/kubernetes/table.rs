//! `Table` (`meta.k8s.io/v1`): rows as the server prints them for `kubectl get`.
//!
//! Asked for with `includeObject=None` a row is a fiftieth of its object. Columns are found by
//! their names: their order and number differ between versions, and custom resources have others.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    list::{ListEnd, ListMetadata},
    metadata::nullable,
    status::Status,
};
use crate::decode::DecodeError;

/// A page of rows. Cells stay where they are until somebody asks for them.
#[derive(Debug)]
pub struct Table<'a> {
    columns: Vec<Cow<'a, str>>,
    rows: Vec<Vec<&'a RawValue>>,
    /// `metadata.continue`: asks for the next page; `None` after the last.
    pub resume: Option<String>,
    /// `metadata.resourceVersion` of the list.
    pub resource_version: String,
}

/// Why there is no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The server does not make tables of this kind, and sent the objects instead.
    #[error("the server sent a {kind} instead of a Table")]
    NotATable {
        /// What it sent.
        kind: String,
    },
    /// The table cannot be read.
    #[error(transparent)]
    Broken(#[from] DecodeError),
}

/// Where a column is.
#[derive(Clone, Copy, Debug)]
pub struct Column<'t> {
    index: usize,
    name: &'t str,
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'t, 'a> {
    number: usize,
    cells: &'t [&'a RawValue],
}

impl<'a> Table<'a> {
    /// Reads a table.
    ///
    /// # Errors
    /// [`TableError::NotATable`] for objects and lists of them, which the caller can decode as
    /// such; otherwise [`TableError::Broken`].
    pub fn from_json(json: &'a [u8]) -> Result<Self, TableError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw<'a> {
            #[serde(default, borrow)]
            kind: Cow<'a, str>,
            #[serde(default, borrow, deserialize_with = "nullable")]
            column_definitions: Vec<Definition<'a>>,
            #[serde(default, borrow, deserialize_with = "nullable")]
            rows: Vec<RawRow<'a>>,
            #[serde(default, deserialize_with = "nullable")]
            metadata: ListMetadata,
        }
        #[derive(Deserialize)]
        struct Definition<'a> {
            #[serde(borrow)]
            name: Cow<'a, str>,
        }
        #[derive(Deserialize)]
        struct RawRow<'a> {
            #[serde(borrow)]
            cells: Vec<&'a RawValue>,
        }

        let raw: Raw<'a> = serde_json::from_slice(json).map_err(DecodeError::from)?;
        if let Some(status) = Status::from_json(json) {
            return Err(DecodeError::new(format!("the API server answered: {status}")).into());
        }
        if raw.kind.is_empty() {
            return Err(DecodeError::new("neither a Table nor a list of objects").into());
        }
        if raw.kind != "Table" {
            return Err(TableError::NotATable { kind: raw.kind.into_owned() });
        }
        let ListEnd { resume, resource_version } = raw.metadata.into();
        Ok(Self {
            columns: raw.column_definitions.into_iter().map(|it| it.name).collect(),
            rows: raw.rows.into_iter().map(|row| row.cells).collect(),
            resume,
            resource_version,
        })
    }

    /// Finds a column by its name, such as `Status`; case does not matter.
    ///
    /// # Errors
    /// When there is none; the error names those that there are.
    pub fn column<'t>(&self, name: &'t str) -> Result<Column<'t>, DecodeError> {
        let index = self.columns.iter().position(|column| column.eq_ignore_ascii_case(name));
        index.map(|index| Column { index, name }).ok_or_else(|| {
            let there = self.columns.join(", ");
            DecodeError::new(format!("the table has no column `{name}`; it has: {there}"))
        })
    }

    /// The rows, in the server's order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_, 'a>> {
        self.rows.iter().enumerate().map(|(index, cells)| Row { number: index + 1, cells })
    }
}

impl<'a> Row<'_, 'a> {
    /// Text of a cell; of a number its digits, of `null` nothing.
    ///
    /// # Errors
    /// When the row is shorter than the table, or when the cell holds a list or an object.
    pub fn text(&self, column: Column<'_>) -> Result<Cow<'a, str>, DecodeError> {
        let Some(cell) = self.cells.get(column.index) else {
            return Err(self.error(column, "is missing"));
        };
        let json = cell.get();
        match json.as_bytes() {
            [b'"', ..] => match serde_json::from_str::<&str>(json) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                // With escapes.
                Err(_) => Ok(Cow::Owned(serde_json::from_str(json)?)),
            },
            [b'[' | b'{', ..] => Err(self.error(column, "is neither text nor a number")),
            b"null" => Ok(Cow::Borrowed("")),
            _ => Ok(Cow::Borrowed(json)),
        }
    }

    /// An error about a cell.
    pub(super) fn error(&self, column: Column<'_>, why: &str) -> DecodeError {
        DecodeError::new(format!("row {}: the cell in column `{}` {why}", self.number, column.name))
    }
}
