//! Waiting for pods to end.

use std::time::Duration;

use kcilium_core::decode::kubernetes::Table;
use tokio::time::{Instant, sleep};

use super::{Event, Failure, PAUSE, Work, words};
use crate::{ApiError, Form, PageSize, Pages, collect::Resource};

/// How long pods have to end: the operator's have 30 s of grace, agents a few.
const PODS: Duration = Duration::from_secs(90);

/// How many are named.
const NAMED: usize = 3;

/// A pod, and its node.
pub(super) type Place = (String, String);

impl Work<'_> {
    /// Waits until pods are gone for good, and not only told to go. Those on nodes that nobody hears
    /// of cannot be seen to end; nor can they reach the API server to make anything again.
    pub(super) async fn await_pods(
        &self,
        namespaces: &[String],
        selectors: &[String],
        what: &str,
    ) -> Result<(), Failure> {
        let until = Instant::now() + PODS;
        loop {
            let mut left = Vec::new();
            for namespace in namespaces {
                for selector in selectors {
                    left.extend(self.pods(namespace, selector).await.map_err(|it| words(&it))?);
                }
            }
            left.retain(|(_, node)| !self.silent_nodes.contains(node));
            if left.is_empty() {
                return Ok(());
            }
            let (first, node) = &left[0];
            (self.tell)(&Event::Waiting {
                what: format!("{what}: {} left, such as {first} on {node}", left.len()),
            });
            if self.is_stopped() {
                return Err("interrupted".into());
            }
            if Instant::now() >= until {
                return Err(named(&left));
            }
            sleep(PAUSE).await;
        }
    }

    pub(super) async fn pods(
        &self,
        namespace: &str,
        selector: &str,
    ) -> Result<Vec<Place>, ApiError> {
        let path = Resource::PODS.path(Some(namespace));
        let query = [("labelSelector", selector), ("includeObject", "None")];
        let pages = Pages { path: &path, query: &query, form: Form::Table, size: PageSize::Rows };
        self.api
            .list(&pages, |json| {
                let table = Table::from_json(json).map_err(|error| unreadable(&error))?;
                let name = table.column("Name").map_err(|error| unreadable(&error))?;
                let node = table.column("Node").map_err(|error| unreadable(&error))?;
                let text = |row: &kcilium_core::decode::kubernetes::Row<'_, '_>, column| {
                    row.text(column).map(std::borrow::Cow::into_owned)
                };
                let places = table
                    .rows()
                    .map(|row| Ok((text(&row, name)?, text(&row, node)?)))
                    .collect::<Result<Vec<Place>, kcilium_core::decode::DecodeError>>();
                Ok((places.map_err(|error| unreadable(&error))?, table.resume.clone()))
            })
            .await
    }
}

fn named(left: &[Place]) -> String {
    let named: Vec<String> =
        left.iter().take(NAMED).map(|(pod, node)| format!("{pod} on {node}")).collect();
    let more = match left.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("after {} s there are still {}{more}", PODS.as_secs(), named.join(", "))
}

fn unreadable(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::Unreadable { reason: error.to_string() }
}
