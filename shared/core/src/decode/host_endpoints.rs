//! Addresses in a host's own configuration: API server, proxies, registry mirrors.
//!
//! Only addresses count: names are not resolved here, and this host's own addresses (loopback) are
//! of no interest, because no route of any CNI can hide them. User names and passwords in URLs are
//! dropped while they are read.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::facts::{HostEndpoint, HostEndpointKind};

/// Variables that name a proxy, in upper case.
const PROXY_VARIABLES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// The address that a URL leads to, or `host:port` as proxies are written at times: none for a
/// name, for loopback and for the unspecified address.
pub fn address_of(url: &str) -> Option<IpAddr> {
    let url = url.trim();
    let rest = url.split_once("://").map_or(url, |(_scheme, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
    let address: IpAddr = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(['%', ']']).next()?.parse().ok()?,
        // An IPv6 address without brackets cannot have a port.
        None => {
            host.parse().or_else(|_| host.rsplit_once(':').unwrap_or_default().0.parse()).ok()?
        }
    };
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// Those URLs that lead to an address, as endpoints of a kind, named by a file; each address once.
pub fn endpoints(kind: HostEndpointKind, file: &str, urls: &[String]) -> Vec<HostEndpoint> {
    let mut found: Vec<HostEndpoint> = Vec::new();
    for address in urls.iter().filter_map(|url| address_of(url)) {
        if found.iter().all(|endpoint| endpoint.address != address) {
            found.push(HostEndpoint { address, kind, file: file.to_owned() });
        }
    }
    found
}

/// URLs of a containerd `hosts.toml`: the registry itself (`server`), and its mirrors (the tables
/// `[host."URL"]`).
///
/// Reads the few forms that containerd documents, line by line, and is no TOML parser.
pub fn registry_hosts(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_table = false;
    for line in text.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            in_table = true;
            found.extend(mirror_table(table));
        } else if !in_table {
            found.extend(server(line));
        }
    }
    found
}

/// `host."URL"]`, and not the tables below it, such as `host."URL".header]`.
fn mirror_table(table: &str) -> Option<String> {
    let key = table.trim_start().strip_prefix("host")?.trim_start().strip_prefix('.')?;
    let (url, rest) = quoted(key.trim_start())?;
    rest.trim_start().starts_with(']').then(|| url.to_owned())
}

/// `server = "URL"`.
fn server(line: &str) -> Option<String> {
    let value = line.strip_prefix("server")?.trim_start().strip_prefix('=')?;
    let (url, _) = quoted(value.trim_start())?;
    Some(url.to_owned())
}

/// What stands between two quotes of either kind, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split_once(quote)
}

/// The environment that a service is started with, as far as it names proxies.
///
/// Files are read in the order in which systemd applies them; later values replace earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// By the variable's name as written: value, and the file that it is from.
    variables: BTreeMap<String, (String, String)>,
}

impl Environment {
    /// Reads the `Environment=` lines of a systemd unit or drop-in. An empty one takes back what
    /// came before.
    pub fn read_unit(&mut self, file: &str, text: &str) {
        for line in logical_lines(text) {
            let Some(value) = line.trim_start().strip_prefix("Environment") else {
                continue;
            };
            let Some(value) = value.trim_start().strip_prefix('=') else {
                continue;
            };
            if value.trim().is_empty() {
                self.variables.clear();
            }
            for assignment in words(value) {
                self.assign(file, &assignment);
            }
        }
    }

    /// Reads a file of assignments, one per line: `/etc/environment`, `/etc/default/docker`. Both
    /// systemd's form and the shell's (`export NAME="value"`) will do.
    pub fn read_file(&mut self, file: &str, text: &str) {
        for line in logical_lines(text) {
            let line = line.trim_start();
            let assignment = line.strip_prefix("export ").unwrap_or(line);
            if let Some(assignment) = words(assignment).into_iter().next() {
                self.assign(file, &assignment);
            }
        }
    }

    fn assign(&mut self, file: &str, assignment: &str) {
        if let Some((name, value)) = assignment.split_once('=')
            && PROXY_VARIABLES.contains(&name.to_uppercase().as_str())
        {
            self.variables.insert(name.to_owned(), (value.to_owned(), file.to_owned()));
        }
    }

    /// The proxies that are addresses, each once.
    pub fn proxies(&self) -> Vec<HostEndpoint> {
        let mut found: Vec<HostEndpoint> = Vec::new();
        for (url, file) in self.variables.values() {
            if let Some(address) = address_of(url)
                && found.iter().all(|endpoint| endpoint.address != address)
            {
                let kind = HostEndpointKind::Proxy;
                found.push(HostEndpoint { address, kind, file: file.clone() });
            }
        }
        found
    }
}

/// Lines without comments; one that ends in a backslash goes on in the next.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut begun: Option<String> = None;
    for line in text.lines() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let mut whole = begun.take().unwrap_or_default();
        if let Some(part) = line.strip_suffix('\\') {
            whole.push_str(part);
            whole.push(' ');
            begun = Some(whole);
        } else {
            whole.push_str(line);
            lines.push(whole);
        }
    }
    lines.extend(begun);
    lines
}

/// Words as systemd and the shell split them: quotes of either kind hold a word together and are
/// taken away, a backslash takes the next character as it is, except in single quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Option<String> {
        address_of(url).map(|address| address.to_string())
    }

    #[test]
    fn addresses_are_found_in_urls() {
        for (url, expected) in [
            ("https://10.24.0.2:6443", "10.24.0.2"),
            ("http://10.0.0.5", "10.0.0.5"),
            ("10.0.0.5:3128", "10.0.0.5"),
            ("10.0.0.5", "10.0.0.5"),
            ("http://10.0.0.5:5000/v2/?ns=docker.io", "10.0.0.5"),
            ("socks5://user:p@ss@10.0.0.5:1080/", "10.0.0.5"),
            ("https://[2001:db8::1]:6443", "2001:db8::1"),
            ("https://[fe80::1%25eth0]:6443", "fe80::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(address(url).as_deref(), Some(expected), "{url}");
        }
    }

    #[test]
    fn names_and_this_host_are_not() {
        for url in [
            "https://api.example.org:6443",
            "https://127.0.0.1:6443",
            "http://[::1]:3128",
            "http://0.0.0.0",
            "http://localhost",
            "unix:///run/proxy.sock",
            "http://[10.0.0",
            "",
            "@",
            "://",
        ] {
            assert_eq!(address(url), None, "{url}");
        }
    }

    fn proxies(environment: &Environment) -> Vec<(String, String)> {
        let pair = |endpoint: HostEndpoint| (endpoint.address.to_string(), endpoint.file);
        environment.proxies().into_iter().map(pair).collect()
    }

    fn unit(text: &str) -> Vec<String> {
        let mut environment = Environment::default();
        environment.read_unit("proxy.conf", text);
        proxies(&environment).into_iter().map(|(address, _)| address).collect()
    }

    #[test]
    fn drop_ins_name_proxies_in_all_of_systemd_s_forms() {
        let text = "\
[Service]
# Environment=HTTP_PROXY=http://10.0.0.9:1
Environment=\"HTTP_PROXY=http://user:secret@10.0.0.5:3128/\" 'https_proxy=http://10.0.0.6:3128'
Environment = ALL_PROXY=socks5://10.0.0.7 NO_PROXY=10.0.0.0/8,127.0.0.1
EnvironmentFile=-/etc/default/docker
";
        assert_eq!(unit(text), ["10.0.0.7", "10.0.0.5", "10.0.0.6"]);
    }

    #[test]
    fn lines_go_on_after_a_backslash() {
        let text =
            "Environment=\"HTTP_PROXY=http://10.0.0.5:3128\" \\\n  HTTPS_PROXY=10.0.0.6:3128\n";
        assert_eq!(unit(text), ["10.0.0.6", "10.0.0.5"]);
        assert_eq!(unit("Environment=HTTP_PROXY=http://10.0.0.5 \\"), ["10.0.0.5"]);
    }

    #[test]
    fn an_empty_line_takes_back_and_a_later_file_replaces() {
        assert_eq!(unit("Environment=HTTP_PROXY=http://10.0.0.5\nEnvironment=\n"), [""; 0]);

        let mut environment = Environment::default();
        environment.read_unit("10-a.conf", "Environment=HTTP_PROXY=http://10.0.0.5\n");
        environment.read_unit("20-b.conf", "Environment=HTTP_PROXY=http://10.0.0.6\n");
        assert_eq!(proxies(&environment), [("10.0.0.6".to_owned(), "20-b.conf".to_owned())]);
        environment.read_unit("30-c.conf", "Environment=HTTP_PROXY=\n");
        assert_eq!(proxies(&environment), []);
    }

    #[test]
    fn files_of_assignments_may_be_for_the_shell() {
        let mut environment = Environment::default();
        environment.read_file(
            "/etc/default/docker",
            "# Docker\nDOCKER_OPTS=\"--dns 8.8.8.8\"\nexport http_proxy=\"http://10.0.0.5:3128/\"\n",
        );
        environment.read_file("/etc/environment", "PATH=/bin\nHTTPS_PROXY='http://10.0.0.6'\n\n");
        assert_eq!(
            proxies(&environment),
            [
                ("10.0.0.6".to_owned(), "/etc/environment".to_owned()),
                ("10.0.0.5".to_owned(), "/etc/default/docker".to_owned()),
            ]
        );
    }

    #[test]
    fn mirrors_of_containerd_are_found() {
        let text = "\
server = \"https://10.0.0.4\"

[host.\"http://10.0.0.5:5000\"]
  capabilities = [\"pull\", \"resolve\"]
  server = \"https://10.0.0.99\"
  [host.\"http://10.0.0.5:5000\".header]
    authorization = [\"Basic c2VjcmV0\"]
[ host . 'https://mirror.example.org' ]
";
        let found = registry_hosts(text);
        assert_eq!(
            found,
            ["https://10.0.0.4", "http://10.0.0.5:5000", "https://mirror.example.org"]
        );
        let endpoints = endpoints(HostEndpointKind::RegistryMirror, "hosts.toml", &found);
        assert_eq!(endpoints.len(), 2);
        assert_eq!(endpoints[1].address.to_string(), "10.0.0.5");
    }

    #[test]
    fn broken_toml_names_nothing() {
        for text in
            ["[host.", "[host.\"http://10.0.0.5", "server = ", "server = \"", "[", "=", "é\"["]
        {
            assert_eq!(registry_hosts(text), [""; 0], "{text:?}");
        }
    }
}
