//! Pods from the server's own rows.

use std::{borrow::Cow, sync::Arc};

use super::table::{Column, Row, Table};
use crate::{
    decode::DecodeError,
    facts::{NodeName, PodRow, Pods},
};

/// Adds the pods of a table. With `includeObject=None` rows do not say their namespace, so a table
/// must be of one.
///
/// # Errors
/// When a column is missing, or when a cell does not hold what its column says; the error names
/// them. Rows before that one have been added.
pub fn add_pods(pods: &mut Pods, table: &Table<'_>, namespace: &str) -> Result<(), DecodeError> {
    let name = table.column("Name")?;
    let ready = table.column("Ready")?;
    let status = table.column("Status")?;
    let restarts = table.column("Restarts")?;
    let address = table.column("IP")?;
    let node = table.column("Node")?;
    let namespace = pods.word(namespace);
    for row in table.rows() {
        let (ready, containers) = fraction(&row.text(ready)?)
            .ok_or_else(|| row.error(ready, "is not of the form `1/2`"))?;
        let restarts = leading_number(&row.text(restarts)?)
            .ok_or_else(|| row.error(restarts, "does not begin with a number"))?;
        let address = set(&row, address)?
            .map(|text| text.parse().map_err(|_| row.error(address, "is not an address")))
            .transpose()?;
        let node = set(&row, node)?.map(NodeName::from);
        let status = row.text(status)?;
        pods.push(PodRow {
            namespace: Arc::clone(&namespace),
            name: row.text(name)?.into(),
            node,
            address,
            status: status.into(),
            ready,
            containers,
            restarts,
        });
    }
    Ok(())
}

/// The text of a cell that says something.
fn set<'a>(row: &Row<'_, 'a>, column: Column<'_>) -> Result<Option<Cow<'a, str>>, DecodeError> {
    let text = row.text(column)?;
    Ok((text != "<none>" && !text.is_empty()).then_some(text))
}

fn fraction(text: &str) -> Option<(u16, u16)> {
    let (ready, all) = text.split_once('/')?;
    Some((ready.parse().ok()?, all.parse().ok()?))
}

/// `4 (77s ago)`; before 1.22 a number alone.
fn leading_number(text: &str) -> Option<u32> {
    text.split(' ').next()?.parse().ok()
}
