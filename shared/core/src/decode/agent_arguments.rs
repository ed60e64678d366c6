//! Arguments of the agent: options of `cilium-config` that are given on its command line.

use std::collections::BTreeMap;

/// Options by name. What stands on the command line wins over the ConfigMap; of one option the
/// last counts. `--debug` alone means true, and `--config-dir PATH` takes the next argument.
pub fn options<'a>(arguments: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        let Some(option) = argument.strip_prefix("--") else { continue };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value),
            None => match arguments.next_if(|next| !next.starts_with('-')) {
                Some(value) => (option, value),
                None => (option, "true"),
            },
        };
        if !name.is_empty() {
            options.insert(name.to_owned(), value.to_owned());
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn every_form_of_an_option() {
        let found = options([
            "cilium-agent",
            "--config-dir",
            "/tmp/cilium/config-map",
            "--debug",
            "--tunnel-protocol=vxlan",
            "--ipam=a=b",
            "--tunnel-protocol=geneve",
            "--",
            "--enable-ipv6",
        ]);
        let found: Vec<String> =
            found.into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            found,
            [
                "config-dir: /tmp/cilium/config-map",
                "debug: true",
                "enable-ipv6: true",
                "ipam: a=b",
                "tunnel-protocol: geneve",
            ]
        );
    }
}
