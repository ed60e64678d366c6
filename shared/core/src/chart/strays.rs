//! Keys that the user gave and the chart does not take.

use serde_json::Value;

use super::{Advice, ChartValues, ChartVersion, Entry, Known, advice};

/// A key that the user gave and that the chart does not take, or not for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The key, a path with dots.
    pub key: String,
    /// What is known of it.
    pub kind: StrayKind,
}

/// What is known of a key that the chart does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrayKind {
    /// What became of it.
    Advised(Advice),
    /// Only older charts have it; this is the newest of those known.
    Gone(&'static ChartVersion),
    /// Only newer charts have it; this is the oldest of those known.
    Later(&'static ChartVersion),
    /// No chart has it; these keys of this chart are like it.
    Unknown(Vec<&'static str>),
}

/// Keys that the chart does not take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// The first of them.
    pub shown: Vec<Stray>,
    /// How many more there are.
    pub more: usize,
}

/// Strays that are looked at; a file that is for something else altogether has thousands.
const MOST: usize = 50;

impl ChartValues<'_> {
    /// Calls for every key that the user gave, with what the chart says of it: maps before what
    /// lies in them. What lies in maps that the chart does not know, or that hold whatever the user
    /// wants, is left out; so is null, which only takes defaults away.
    pub fn walk<'v>(&'v self, mut visit: impl FnMut(&str, &'v Value, Option<Entry>)) {
        self.walk_map("", self.all_given(), &mut visit);
    }

    fn walk_map<'v>(
        &'v self,
        prefix: &str,
        map: &'v Value,
        visit: &mut impl FnMut(&str, &'v Value, Option<Entry>),
    ) {
        for (name, value) in map.as_object().into_iter().flatten() {
            let key = join(prefix, name);
            let entry = self.chart().entry(&key);
            if !value.is_null() {
                visit(&key, value, entry);
            }
            if entry.is_some_and(Entry::is_map) {
                self.walk_map(&key, value, visit);
            }
        }
    }

    /// The keys that the user gave and the chart does not take.
    pub fn strays(&self) -> Strays {
        let mut strays = Strays::default();
        self.walk(|key, value, entry| match entry {
            Some(entry) if entry.is_map() && value.is_object() => {}
            Some(_) => self.add_advised(key, &mut strays),
            None => self.add(key, value, &mut strays),
        });
        strays
    }

    /// Adds what is said of a key, if something is.
    fn add_advised(&self, key: &str, strays: &mut Strays) {
        if let Some(advice) = advice(key, self.version()) {
            strays.push(key, || StrayKind::Advised(advice));
        }
    }

    fn add(&self, key: &str, value: &Value, strays: &mut Strays) {
        if advice(key, self.version()).is_some() {
            return self.add_advised(key, strays);
        }
        // What was removed may lie deeper in a map that went with it.
        if let Some(map) = value.as_object() {
            let before = strays.shown.len() + strays.more;
            for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                let key = join(key, name);
                if value.is_object() || advice(&key, self.version()).is_some() {
                    self.add_removed_below(&key, value, strays);
                }
            }
            // Helm hands `global` to every chart.
            if strays.shown.len() + strays.more > before || key == "global" {
                return;
            }
        }
        strays.push(key, || match self.chart().look_up(key) {
            Known::Gone(version) => StrayKind::Gone(version),
            Known::Later(version) => StrayKind::Later(version),
            Known::Unknown(alike) => StrayKind::Unknown(alike),
            Known::Has(_) | Known::Within(_) => StrayKind::Unknown(Vec::new()),
        });
    }

    fn add_removed_below(&self, key: &str, value: &Value, strays: &mut Strays) {
        if advice(key, self.version()).is_some() {
            return self.add_advised(key, strays);
        }
        for (name, value) in value.as_object().into_iter().flatten() {
            self.add_removed_below(&join(key, name), value, strays);
        }
    }
}

impl Strays {
    fn push(&mut self, key: &str, kind: impl FnOnce() -> StrayKind) {
        if self.shown.len() < MOST {
            self.shown.push(Stray { key: key.to_owned(), kind: kind() });
        } else {
            self.more += 1;
        }
    }
}

/// A name with dots of its own is no path.
fn join(prefix: &str, name: &str) -> String {
    let name = name.replace('.', "\\.");
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::StrayKind;
    use crate::chart::{ChartValues, Effect};

    fn strays(chart: &str, values: &Value) -> Vec<(String, String)> {
        let version = chart.parse().unwrap();
        let strays = ChartValues::new(values, &version).strays();
        assert_eq!(strays.more, 0);
        let word = |kind| match kind {
            StrayKind::Advised(advice) if advice.effect == Effect::Deprecated => {
                "deprecated".into()
            }
            StrayKind::Advised(advice) => format!("{:?}: {}", advice.effect, advice.instead),
            StrayKind::Gone(version) => format!("gone since {version}"),
            StrayKind::Later(version) => format!("not before {version}"),
            StrayKind::Unknown(alike) => format!("unknown: {}", alike.join(", ")),
        };
        strays.shown.into_iter().map(|stray| (stray.key, word(stray.kind))).collect()
    }

    #[track_caller]
    fn only(chart: &str, values: &Value) -> (String, String) {
        let mut strays = strays(chart, values);
        assert_eq!(strays.len(), 1, "{strays:?}");
        strays.remove(0)
    }

    #[test]
    fn what_the_chart_knows_is_no_stray() {
        let values = json!({
            "hubble": {"relay": {"enabled": true}},
            "nodeSelector": {"my.label/x": "y"},
            "extraConfig": {"a-b": "c"},
            "tolerations": [{"key": "x"}],
            "global": {"imageRegistry": "example.com"},
            "tunnel": null,
        });
        assert_eq!(strays("1.16.19", &values), []);
    }

    #[test]
    fn the_uppermost_unknown_key_is_named() {
        let (key, word) = only("1.16.19", &json!({"hubbel": {"relay": {"enabled": true}}}));
        assert_eq!((key.as_str(), word.as_str()), ("hubbel", "unknown: hubble"));
        let (key, _) = only("1.16.19", &json!({"a.b": 1}));
        assert_eq!(key, "a\\.b");
    }

    #[test]
    fn keys_of_other_charts() {
        let tls = json!({"clustermesh": {"apiserver": {"tls": {"ca": {"cert": "x"}}}}});
        let (key, word) = only("1.15.7", &tls);
        assert_eq!(key, "clustermesh.apiserver.tls.ca.cert");
        assert_eq!(word, "Ignored: `tls.ca.cert` and `tls.ca.key`");
        let old = json!({"global": {"nativeRoutingCIDR": "10.0.0.0/8"}});
        assert_eq!(only("1.14.2", &old).0, "global.nativeRoutingCIDR");
        assert_eq!(only("1.14.19", &json!({"tunnel": "vxlan"})).1, "deprecated");
        assert_eq!(only("1.13.18", &json!({"routingMode": "native"})).1, "Ignored: `tunnel`");
        assert_eq!(only("1.12.19", &json!({"envoy": {"enabled": true}})).1, "not before 1.14.2");
    }

    #[test]
    fn a_file_for_something_else_is_cut_short() {
        let values: Value = (0..1000).map(|number| (format!("x{number}"), json!(1))).collect();
        let version = "1.16.19".parse().unwrap();
        let strays = ChartValues::new(&values, &version).strays();
        assert_eq!((strays.shown.len(), strays.more), (50, 950));
    }
}
