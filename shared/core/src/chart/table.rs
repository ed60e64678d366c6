//! The table of keys, made from the charts by `examples/chart_keys.rs`.

use std::sync::LazyLock;

use super::{ChartVersion, Nearness, suggest};

const TABLE: &str = include_str!("keys.tsv");

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::parse(TABLE));

struct Keys {
    versions: Vec<ChartVersion>,
    /// Sorted by key, then by version.
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    key: &'static str,
    first: usize,
    last: usize,
    entry: Entry,
}

/// What a chart says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    types: &'static str,
    default: &'static str,
}

/// What is known of a key in one version of the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// The chart has it.
    Has(Entry),
    /// It lies within a map or list that holds whatever the user wants.
    Within(&'a str),
    /// Only older charts have it; this is the newest of those known.
    Gone(&'static ChartVersion),
    /// Only newer charts have it; this is the oldest of those known.
    Later(&'static ChartVersion),
    /// No chart has it; these keys of this chart are like it, the likest first.
    Unknown(Vec<&'static str>),
}

/// The keys of one version of the chart.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    index: usize,
    nearness: Nearness,
}

/// The versions whose charts the table was made from, the oldest first.
pub fn known_versions() -> &'static [ChartVersion] {
    &KEYS.versions
}

impl Keys {
    fn parse(text: &'static str) -> Self {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let index = |name: &str| names.iter().position(|other| *other == name);
        let rows = lines.filter_map(|line| {
            let mut fields = line.split('\t');
            let (key, span) = (fields.next()?, fields.next()?);
            let (first, last) = span.split_once("..").unwrap_or((span, span));
            let entry = Entry { types: fields.next()?, default: fields.next()? };
            Some(Row { key, first: index(first)?, last: index(last)?, entry })
        });
        let rows = rows.collect();
        Self { versions: names.iter().filter_map(|name| name.parse().ok()).collect(), rows }
    }

    fn of(&self, key: &str) -> &[Row] {
        let start = self.rows.partition_point(|row| row.key < key);
        let count = self.rows[start..].partition_point(|row| row.key == key);
        &self.rows[start..start + count]
    }
}

impl Chart {
    /// The known chart that is most like a version's.
    pub fn of(version: &ChartVersion) -> Self {
        let found = version.nearest(&KEYS.versions);
        let (index, nearness) =
            found.map_or((0, Nearness::Older), |(index, _, nearness)| (index, nearness));
        Self { index, nearness }
    }

    /// The version that the table has.
    pub fn version(&self) -> &'static ChartVersion {
        &KEYS.versions[self.index]
    }

    /// How the version asked for lies to it.
    pub fn nearness(&self) -> Nearness {
        self.nearness
    }

    /// What the chart says of a key, given as a path with dots.
    pub fn entry(&self, key: &str) -> Option<Entry> {
        let rows = KEYS.of(key).iter();
        rows.filter(|row| self.has(row)).map(|row| row.entry).next()
    }

    /// What is known of a key.
    pub fn look_up<'a>(&self, key: &'a str) -> Known<'a> {
        if let Some(entry) = self.entry(key) {
            return Known::Has(entry);
        }
        let parents = key.rmatch_indices('.').map(|(at, _)| &key[..at]);
        let mut within =
            parents.filter(|parent| self.entry(parent).is_some_and(|entry| !entry.is_map()));
        if let Some(parent) = within.next() {
            return Known::Within(parent);
        }
        let rows = KEYS.of(key);
        let older = rows.iter().rev().find(|row| row.last < self.index);
        let newer = rows.iter().find(|row| row.first > self.index);
        match (older, newer) {
            (Some(row), _) => Known::Gone(&KEYS.versions[row.last]),
            (None, Some(row)) => Known::Later(&KEYS.versions[row.first]),
            (None, None) => Known::Unknown(suggest::alike(key, self.keys())),
        }
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        KEYS.rows.iter().filter(|row| self.has(row)).map(|row| row.key)
    }

    fn has(&self, row: &Row) -> bool {
        (row.first..=row.last).contains(&self.index)
    }
}

impl Entry {
    /// The types that the chart's schema allows, or that of the default where there is no schema:
    /// `boolean`, `integer`, `number`, `string`, `list`, `map` (with keys of its own), `open` (with
    /// any), `null`, `any`.
    pub fn types(&self) -> impl Iterator<Item = &'static str> {
        let is_enum = self.types.starts_with("enum:");
        (if is_enum { "string" } else { self.types }).split('|')
    }

    /// The values that the chart's schema allows, if it names them.
    pub fn values(&self) -> Option<impl Iterator<Item = &'static str>> {
        self.types.strip_prefix("enum:").map(|values| values.split('|'))
    }

    /// The default as JSON. None for maps, for what the chart only has in a comment, and for image
    /// tags, which differ with every release.
    pub fn default(&self) -> Option<&'static str> {
        let is_json = !(self.default.is_empty() || self.default.starts_with(['(', '…']));
        is_json.then_some(self.default)
    }

    /// Whether it is a map with keys of its own.
    pub fn is_map(self) -> bool {
        // A comment in the chart has maps too; `()` stands for nothing after the colon.
        self.types == "map" || (self.types == "any" && self.default == "()")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(version: &str) -> Chart {
        Chart::of(&version.parse().unwrap())
    }

    #[test]
    fn the_table_is_whole() {
        let keys = &*KEYS;
        assert_eq!(keys.versions.len(), 11);
        assert_eq!(keys.rows.len() + 2, TABLE.lines().count());
        assert!(keys.rows.is_sorted_by_key(|row| (row.key, row.first)));
        assert!(keys.versions.is_sorted());
        for row in &keys.rows {
            assert!(row.first <= row.last);
            for kind in row.entry.types() {
                let kinds = "any boolean integer list map null number open string";
                assert!(kinds.split(' ').any(|known| known == kind), "{row:?}");
            }
        }
    }

    #[test]
    fn keys_come_and_go() {
        assert!(matches!(chart("1.14.2").look_up("tunnel"), Known::Has(_)));
        let Known::Gone(last) = chart("1.16.19").look_up("tunnel") else { panic!() };
        assert_eq!(last.to_string(), "1.14.19");
        let Known::Later(first) = chart("1.13.18").look_up("routingMode") else { panic!() };
        assert_eq!(first.to_string(), "1.14.2");
    }

    #[test]
    fn maps_of_the_user_are_open() {
        let chart = chart("1.16.19");
        for key in [
            "nodeSelector.kubernetes.io/os",
            "podAnnotations.a.b",
            "resources.limits.cpu",
            "extraConfig.x",
            "tolerations.0.key",
        ] {
            assert!(matches!(chart.look_up(key), Known::Within(_)), "{key}");
        }
        assert!(matches!(chart.look_up("hubble.nonsense"), Known::Unknown(_)));
        assert!(matches!(chart.look_up("kubeProxyReplacement"), Known::Has(_)));
    }

    #[test]
    fn types_and_defaults() {
        let entry = |version: &str, key: &str| chart(version).entry(key).unwrap();
        let types = |version, key| entry(version, key).types().collect::<Vec<_>>();
        assert_eq!(types("1.16.19", "k8sServicePort"), ["integer", "string"]);
        assert_eq!(types("1.14.2", "operator.replicas"), ["integer"]);
        assert_eq!(entry("1.14.2", "operator.replicas").default(), Some("2"));
        assert_eq!(entry("1.14.2", "image.tag").default(), None);
        assert_eq!(entry("1.14.2", "kubeProxyReplacement").default(), None);
        let mode = entry("1.19.6", "identityManagementMode");
        assert_eq!(mode.values().unwrap().collect::<Vec<_>>(), ["agent", "operator", "both"]);
        assert_eq!(
            entry("1.20.0", "ipam.operator.clusterPoolIPv4PodCIDRList").default(),
            Some(r#"["10.0.0.0/8"]"#)
        );
    }

    #[test]
    fn suggestions() {
        let alike = |key: &'static str| match chart("1.16.19").look_up(key) {
            Known::Unknown(alike) => alike,
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(alike("hubble.relay.enable")[0], "hubble.relay.enabled");
        assert_eq!(
            alike("ipam.operator.clusterPoolIPv4PodCIDRlist")[0],
            "ipam.operator.clusterPoolIPv4PodCIDRList"
        );
        assert_eq!(
            alike("clusterPoolIPv4PodCIDRList")[0],
            "ipam.operator.clusterPoolIPv4PodCIDRList"
        );
        assert_eq!(
            alike("ipam.clusterPoolIPv4PodCIDRList")[0],
            "ipam.operator.clusterPoolIPv4PodCIDRList"
        );
        assert_eq!(alike("kubeproxyreplacement")[0], "kubeProxyReplacement");
        assert_eq!(alike("clusterName"), ["cluster.name"]);
        assert!(alike("somethingElseEntirely").is_empty());
    }
}
