//! Corefiles: what CoreDNS, and the cache that stands on each node, do with which names.

use std::net::IpAddr;

/// A server block: zones, and what is done with questions about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerBlock {
    /// Zones, as written: `.:53`, `cluster.local:53`, `tls://.:853`.
    pub zones: Vec<String>,
    /// Plugins, with the arguments on their line; what stands in braces after it is left out.
    pub plugins: Vec<(String, Vec<String>)>,
}

/// Where a server asks others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A server.
    Address {
        /// Its address.
        address: IpAddr,
        /// Its port.
        port: u16,
    },
    /// Servers that a file names, which is of the pod's own file system.
    File(String),
    /// Something else, such as a placeholder that the pod itself fills in.
    Other(String),
}

/// The server blocks of a file. Snippets (`(name) { … }`) are no servers, and what `import` brings is
/// not known.
pub fn blocks(text: &str) -> Vec<ServerBlock> {
    let mut blocks = Vec::new();
    let mut block = ServerBlock::default();
    let mut depth = 0_usize;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let words = || line.split([' ', '\t', '\r', ',']).filter(|word| !word.is_empty());
        let named = words().filter(|word| !matches!(*word, "{" | "}")).map(str::to_owned);
        match depth {
            // The brace may hang on the zone: `.:53{`.
            0 => block.zones.extend(named.map(|word| word.trim_end_matches('{').to_owned())),
            1 => {
                let mut named = named;
                block.plugins.extend(named.next().map(|plugin| (plugin, named.collect())));
            }
            _ => {}
        }
        for letter in line.chars() {
            match letter {
                '{' => depth += 1,
                '}' => {
                    if depth == 1 {
                        blocks.push(std::mem::take(&mut block));
                    }
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
        }
    }
    blocks.retain(|block| !block.zones.iter().any(|zone| zone.starts_with('(')));
    blocks
}

impl ServerBlock {
    /// Whether a plugin is in use.
    pub fn has(&self, plugin: &str) -> bool {
        self.plugins.iter().any(|(name, _)| name == plugin)
    }

    /// Port that it listens on.
    pub fn port(&self) -> u16 {
        let zone = self.zones.first().map_or("", String::as_str);
        zone.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(53)
    }

    /// Addresses that it listens on; none for all of them.
    pub fn bound_to(&self) -> impl Iterator<Item = IpAddr> {
        let bound = self.plugins.iter().filter(|(name, _)| name == "bind");
        bound.flat_map(|(_, addresses)| addresses).filter_map(|text| text.parse().ok())
    }

    /// Servers that are asked. CoreDNS before 1.5 had `proxy` in place of `forward`.
    pub fn upstreams(&self) -> impl Iterator<Item = Upstream> {
        let forwards =
            self.plugins.iter().filter(|(name, _)| matches!(&**name, "forward" | "proxy"));
        forwards.flat_map(|(_, words)| words.iter().skip(1)).map(|word| upstream(word))
    }
}

fn upstream(word: &str) -> Upstream {
    if word.starts_with('/') {
        return Upstream::File(word.to_owned());
    }
    let (scheme, rest) = word.split_once("://").unwrap_or(("dns", word));
    let usual = if scheme == "tls" { 853 } else { 53 };
    // With a server name for TLS: `tls://9.9.9.9%dns.quad9.net`.
    let rest = rest.split('%').next().unwrap_or_default();
    let found = rest.parse().map(|address| (address, usual)).ok().or_else(|| {
        let (host, port) = rest.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some((host.parse().ok()?, port.parse().ok()?))
    });
    found.map_or_else(
        || Upstream::Other(word.to_owned()),
        |(address, port)| Upstream::Address { address, port },
    )
}

#[cfg(test)]
mod tests {
    use super::{ServerBlock, Upstream, blocks};

    /// As kubeadm writes it, with a second zone.
    const COREFILE: &str = "\
.:53 {
    errors
    health {
       lameduck 5s
    }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure # forward . 9.9.9.9
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    loop
}
(shared) {
    cache 30
}
corp.example:5353, lan {
    bind 169.254.20.10 10.96.0.10
    forward . 10.0.0.1 tls://9.9.9.9%dns.quad9.net [2001:db8::1]:5353 __PILLAR__DNS__
}
";

    fn first(text: &str) -> ServerBlock {
        blocks(text).into_iter().next().unwrap()
    }

    #[test]
    fn blocks_have_zones_and_plugins() {
        let [main, corp] = &blocks(COREFILE)[..] else { panic!("{:#?}", blocks(COREFILE)) };
        assert_eq!(main.zones, [".:53"]);
        let names: Vec<&str> = main.plugins.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["errors", "health", "kubernetes", "forward", "loop"]);
        assert!(main.has("loop") && !corp.has("loop"));
        let upstreams: Vec<Upstream> = main.upstreams().collect();
        assert_eq!(upstreams, [Upstream::File("/etc/resolv.conf".into())]);
        assert_eq!(corp.zones, ["corp.example:5353", "lan"]);
        assert_eq!((main.port(), corp.port()), (53, 5353));
    }

    #[test]
    fn upstreams_are_told_apart() {
        let corp = blocks(COREFILE).pop().unwrap();
        let address = |text: &str, port| Upstream::Address { address: text.parse().unwrap(), port };
        let expected = [
            address("10.0.0.1", 53),
            address("9.9.9.9", 853),
            address("2001:db8::1", 5353),
            Upstream::Other("__PILLAR__DNS__".into()),
        ];
        assert_eq!(corp.upstreams().collect::<Vec<_>>(), expected);
        let bound: Vec<String> = corp.bound_to().map(|address| address.to_string()).collect();
        assert_eq!(bound, ["169.254.20.10", "10.96.0.10"]);
    }

    #[test]
    fn what_is_no_corefile_is_no_server() {
        assert_eq!(blocks(""), []);
        assert_eq!(blocks("}}}{{{"), []);
        assert_eq!(first(".:53{\n proxy . 1.1.1.1\n}\n").upstreams().count(), 1);
    }
}
