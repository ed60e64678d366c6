//! Mirrors in the `registries.yaml` of k3s and RKE2.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
struct Registries {
    #[serde(default)]
    mirrors: Option<BTreeMap<String, Option<Mirror>>>,
}

#[derive(Deserialize)]
struct Mirror {
    #[serde(default)]
    endpoint: Option<Vec<String>>,
}

/// `mirrors.*.endpoint[]`, as written.
pub(super) fn endpoints(text: &str) -> Result<Vec<String>, &'static str> {
    // The parser's own message would quote the file, which may hold passwords.
    let registries: Option<Registries> =
        serde_saphyr::from_str(text).map_err(|_| "not a registries.yaml")?;
    let mirrors = registries.and_then(|registries| registries.mirrors).unwrap_or_default();
    Ok(mirrors.into_values().flatten().filter_map(|mirror| mirror.endpoint).flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::endpoints;

    #[test]
    fn endpoints_of_all_mirrors_are_found() {
        let text = "\
mirrors:
  docker.io:
    endpoint:
      - \"http://10.0.0.5:5000\"
      - https://mirror.example.org
  quay.io:
  ghcr.io:
    endpoint: [https://10.0.0.6]
configs:
  10.0.0.5:5000:
    auth: {username: u, password: p}
";
        assert_eq!(
            endpoints(text).unwrap(),
            ["http://10.0.0.5:5000", "https://mirror.example.org", "https://10.0.0.6"]
        );
    }

    #[test]
    fn empty_files_name_nothing() {
        for text in ["", "# nothing yet\n", "mirrors:\n", "configs: {}\n"] {
            assert_eq!(endpoints(text).unwrap(), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_an_error() {
        assert!(endpoints("mirrors: [").is_err());
        assert!(endpoints("mirrors: everything").is_err());
    }
}
