//! All pods of a cluster in little memory.

use std::{collections::HashSet, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::PodRow;
use crate::facts::NodeName;

/// Rows of pods that share their namespaces, nodes and statuses: 150 000 take about 25 MB.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    rows: Vec<PodRow>,
    words: HashSet<Arc<str>>,
}

impl Pods {
    /// Adds a row.
    pub fn push(&mut self, row: PodRow) {
        let row = PodRow {
            namespace: self.word(&row.namespace),
            status: self.word(&row.status),
            node: row.node.map(|node| NodeName::shared(self.word(node.as_str()))),
            ..row
        };
        self.rows.push(row);
    }

    /// The rows, in the order in which they were added.
    pub fn rows(&self) -> &[PodRow] {
        &self.rows
    }

    /// Puts the rows into the order of namespaces and names.
    pub fn sort(&mut self) {
        self.rows.sort_unstable_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    }

    /// The same text in memory that it shares with all who said it before.
    pub(crate) fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.words.get(text) {
            return Arc::clone(known);
        }
        let word: Arc<str> = text.into();
        self.words.insert(Arc::clone(&word));
        word
    }
}

impl Extend<PodRow> for Pods {
    fn extend<T: IntoIterator<Item = PodRow>>(&mut self, rows: T) {
        rows.into_iter().for_each(|row| self.push(row));
    }
}

impl FromIterator<PodRow> for Pods {
    fn from_iter<T: IntoIterator<Item = PodRow>>(rows: T) -> Self {
        let mut pods = Self::default();
        pods.extend(rows);
        pods
    }
}

impl IntoIterator for Pods {
    type Item = PodRow;
    type IntoIter = std::vec::IntoIter<PodRow>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl PartialEq for Pods {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl Serialize for Pods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rows.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pods {
    /// Row by row, so that no two rows hold the same text twice for longer than one row.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> de::Visitor<'de> for Rows {
            type Value = Pods;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of pods")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Pods, A::Error> {
                let mut pods = Pods::default();
                while let Some(row) = list.next_element()? {
                    pods.push(row);
                }
                Ok(pods)
            }
        }

        deserializer.deserialize_seq(Rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(namespace: &str, name: &str, node: &str) -> PodRow {
        PodRow {
            namespace: namespace.into(),
            name: name.into(),
            node: Some(node.into()),
            address: Some("10.0.0.1".parse().unwrap()),
            status: "Running".into(),
            ready: 1,
            containers: 1,
            restarts: 0,
        }
    }

    /// With a name of 40 bytes and the allocator's rounding a row has 165 bytes at most.
    #[test]
    fn a_row_is_small() {
        assert!(size_of::<PodRow>() <= 104, "{}", size_of::<PodRow>());
    }

    #[test]
    fn rows_share_what_they_have_in_common() {
        let pods: Pods =
            [row("default", "a", "node1"), row("default", "b", "node1")].into_iter().collect();
        let json = serde_json::to_string(&pods).unwrap();
        let read: Pods = serde_json::from_str(&json).unwrap();
        assert_eq!(read, pods);
        for pods in [pods, read] {
            let [a, b] = pods.rows() else { panic!("{pods:?}") };
            assert!(Arc::ptr_eq(&a.namespace, &b.namespace));
            assert!(Arc::ptr_eq(&a.status, &b.status));
            let node = |row: &PodRow| row.node.as_ref().unwrap().as_str().as_ptr();
            assert_eq!(node(a), node(b));
        }
    }
}
