//! What must not leave a cluster: passwords, tokens, keys and certificates are replaced before they
//! become facts.
//!
//! Two things give a secret away: the name that stands before it ([`KEYS`]), and its own form (PEM,
//! JSON web tokens, credentials in URLs). Switches are no secrets, whatever they are called, so
//! booleans and empty values are kept. Too much is taken away rather than too little.

mod log;

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

pub use log::log;

/// Stands where something was taken away.
pub const REDACTED: &str = "(redacted)";

/// How an entry of [`KEYS`] is compared with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Anywhere in the name, without regard to case and punctuation: `apikey` is in `X-API-Key`.
    /// Numbers are taken away as well.
    Within,
    /// A word of the name, or its plural: `key` is a word of `tls.keyFile`, but not of `monkey`.
    /// Such names are also given to counts and durations, so numbers are kept.
    Word,
    /// The whole name.
    Whole,
}

/// Names whose values are taken away, with everything that lies below them.
pub const KEYS: [(&str, Match); 26] = [
    ("password", Match::Within),
    ("passwd", Match::Within),
    ("passphrase", Match::Within),
    ("secret", Match::Within),
    ("token", Match::Within),
    ("credential", Match::Within),
    ("bearer", Match::Within),
    ("cookie", Match::Within),
    ("authorization", Match::Within),
    ("basicauth", Match::Within),
    ("apikey", Match::Within),
    ("accesskey", Match::Within),
    ("privatekey", Match::Within),
    ("encryptionkey", Match::Within),
    ("signingkey", Match::Within),
    ("sharedkey", Match::Within),
    ("dockerconfig", Match::Within),
    ("kubeconfig", Match::Within),
    ("connectionstring", Match::Within),
    ("key", Match::Word),
    ("cert", Match::Word),
    ("certificate", Match::Word),
    ("crt", Match::Word),
    ("pem", Match::Word),
    ("psk", Match::Word),
    ("auth", Match::Whole),
];

/// The key of a taint, which everybody sees on Nodes, and which tells what keeps pods off them:
/// `agent-not-ready-taint-key` of `cilium-config`, and the Helm value that it is made of.
const TAINT_KEY: &str = "agentnotreadytaintkey";

/// Environment variables whose values are kept, where a `*` ends the name of a family.
const ENVIRONMENT: [&str; 9] = [
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "CILIUM_*",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    // Where the init containers put binaries and mount the cgroup root.
    "BIN_PATH",
    "CGROUP_ROOT",
    "K8S_NODE_NAME",
];

/// How much a name gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suspicion {
    None,
    /// What stands here is a secret unless it is a number.
    Text,
    /// What stands here is a secret.
    Any,
}

fn suspicion(name: &str) -> Suspicion {
    let squeezed: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if squeezed == TAINT_KEY {
        return Suspicion::None;
    }
    KEYS.iter()
        .map(|(key, how)| match how {
            Match::Within if squeezed.contains(key) => Suspicion::Any,
            Match::Whole if squeezed == *key => Suspicion::Any,
            Match::Word if words(name).any(|word| is_word(&word, key)) => Suspicion::Text,
            _ => Suspicion::None,
        })
        .max()
        .unwrap_or(Suspicion::None)
}

/// `certs` is the plural of `cert`.
fn is_word(word: &str, key: &str) -> bool {
    word.strip_prefix(key).is_some_and(|rest| matches!(rest, "" | "s"))
}

/// Words of a name in any spelling: `tls.keyFile`, `TLS_KEY_FILE`, `tls-key-file`.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && after_lower) {
            words.push(String::new());
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        if c.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.into_iter()
}

/// A value that is no secret under any name.
fn is_switch(text: &str) -> bool {
    text.is_empty() || text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// The value that stands under a name, fit to be shown.
pub fn named(name: &str, text: &str) -> String {
    let is_secret = match suspicion(name) {
        Suspicion::None => false,
        Suspicion::Text => !is_switch(text) && text.parse::<u32>().is_err(),
        Suspicion::Any => !is_switch(text),
    };
    if is_secret { REDACTED.to_owned() } else { without_userinfo(name, log(text)) }
}

/// A proxy may be named without a scheme: `user:password@proxy:3128`.
fn without_userinfo(name: &str, text: String) -> String {
    let is_proxy = name.to_ascii_lowercase().ends_with("proxy");
    match text.rsplit_once('@') {
        Some((_, host)) if is_proxy && !text.contains("://") => format!("{REDACTED}@{host}"),
        _ => text,
    }
}

/// The values of a flat map, such as a ConfigMap's data.
pub fn map(map: &mut BTreeMap<String, String>) {
    for (name, text) in map {
        *text = named(name, text);
    }
}

/// The value of an environment variable; nothing where it may not be shown.
pub fn environment(name: &str, text: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    let is_known = ENVIRONMENT.iter().any(|known| match known.strip_suffix('*') {
        Some(family) => upper.starts_with(family),
        None => upper == *known,
    });
    is_known.then(|| named(name, text)).filter(|text| text != REDACTED)
}

/// A command's words: of `--name=value` the value is judged by its name, of `--name value` too.
pub fn command(words: &[String]) -> Vec<String> {
    let mut name_before = "";
    words
        .iter()
        .map(|word| {
            let name = std::mem::take(&mut name_before);
            if !word.starts_with('-') {
                return named(name, word);
            }
            if let Some((name, value)) = word.split_once('=') {
                return format!("{name}={}", named(name, value));
            }
            name_before = word;
            word.clone()
        })
        .collect()
}

/// A tree of values, such as Helm's.
pub fn tree(value: &mut Value) {
    branch(value, Suspicion::None);
}

/// A value of a tree, by the names above it.
pub fn at<'a>(path: impl DoubleEndedIterator<Item = &'a str>, value: Value) -> Value {
    let names: Vec<&str> = path.collect();
    let nest = |inner: Value, name: &&str| serde_json::json!({ *name: inner });
    let mut root = names.iter().rev().fold(value, nest);
    tree(&mut root);
    names.iter().fold(root, |mut outer, name| outer[*name].take())
}

fn branch(value: &mut Value, above: Suspicion) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) if above < Suspicion::Any => {}
        Value::Number(_) => *value = REDACTED.into(),
        // Configuration within configuration, such as JSON in a text, has names and values too.
        Value::String(text) if above == Suspicion::None => *text = log(text),
        Value::String(text) if is_switch(text) => {}
        Value::String(text) => REDACTED.clone_into(text),
        Value::Array(elements) => {
            for element in elements {
                branch(element, above);
            }
        }
        Value::Object(fields) => {
            // In a toleration, a taint and a selector `key` is the name of a label.
            let is_selector = fields.contains_key("operator") || fields.contains_key("effect");
            let variable = fields.get("name").and_then(Value::as_str).map(str::to_owned);
            for (name, field) in fields {
                if let (Some(variable), "value", Value::String(text), Suspicion::None) =
                    (&variable, name.as_str(), &mut *field, above)
                {
                    *text = environment(variable, text).unwrap_or_else(|| REDACTED.to_owned());
                    continue;
                }
                if is_selector && name == "key" {
                    branch(field, above);
                    continue;
                }
                let own = suspicion(name);
                match field {
                    Value::String(text) if own.max(above) == Suspicion::None => {
                        *text = named(name, text);
                    }
                    _ => branch(field, own.max(above)),
                }
            }
        }
    }
}

/// Text in which a secret may stand by its own form: PEM blocks, JSON web tokens, credentials in
/// URLs, `password=…`, `Bearer …`.
pub fn prose(text: &str) -> String {
    let text = without_pem(text);
    let text = without_credentials_in_urls(&text);
    let mut out = String::with_capacity(text.len());
    let mut after_scheme = false;
    for piece in text.split_inclusive(is_separator) {
        let (word, separator) = match piece.char_indices().last() {
            Some((at, c)) if is_separator(c) => piece.split_at(at),
            _ => (piece, ""),
        };
        let is_credential = after_scheme && word.len() >= 16;
        if !word.is_empty() {
            after_scheme = ["bearer", "basic"].iter().any(|it| word.eq_ignore_ascii_case(it));
        }
        out.push_str(&if is_credential { Cow::Borrowed(REDACTED) } else { shown_word(word) });
        out.push_str(separator);
    }
    out
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || "\"'`,;&?()[]{}<>".contains(c)
}

fn shown_word(word: &str) -> Cow<'_, str> {
    if let Some((name, value)) = word.split_once(['=', ':'])
        && !value.starts_with("//")
        && suspicion(name) == Suspicion::Any
        && !is_switch(value)
    {
        return Cow::Owned(format!("{}{REDACTED}", &word[..=name.len()]));
    }
    let is_web_token = word.contains("eyJ") && word.matches('.').count() >= 2;
    // `-----BEGIN` in base64, as Secrets and Helm values carry PEM.
    if is_web_token || word.contains("LS0tLS1CRUdJTi") {
        return Cow::Borrowed(REDACTED);
    }
    Cow::Borrowed(word)
}

/// Cuts PEM blocks out; one without an end reaches to the end of the text.
fn without_pem(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    if !text.contains(BEGIN) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, block)) = rest.split_once(BEGIN) {
        out.push_str(before);
        out.push_str(REDACTED);
        // `-----END CERTIFICATE-----`
        let after = block.split_once(END).and_then(|(_, end)| end.split_once("-----"));
        rest = after.map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `scheme://user:password@host` loses what stands before the `@`.
fn without_credentials_in_urls(text: &str) -> Cow<'_, str> {
    const SCHEME_END: &str = "://";
    if !text.contains(SCHEME_END) || !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(SCHEME_END) {
        let (scheme, url) = rest.split_at(at + SCHEME_END.len());
        out.push_str(scheme);
        let end = url.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c));
        let (url, after) = url.split_at(end.unwrap_or(url.len()));
        match end_of_userinfo(url) {
            Some(at) => {
                out.push_str(REDACTED);
                out.push_str(&url[at..]);
            }
            None => out.push_str(url),
        }
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the `@` of the userinfo stands. A password may carry an unescaped `/`, although it must
/// not: what follows a `:` and is no port belongs to it.
fn end_of_userinfo(url: &str) -> Option<usize> {
    let authority = url.split(['/', '?', '#']).next().unwrap_or(url);
    if let Some(at) = authority.rfind('@') {
        return Some(at);
    }
    let (_, port) = authority.rsplit_once(':')?;
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if is_port { None } else { url.rfind('@') }
}

/// A text of directives, such as a Corefile: what follows the name of a secret on its line goes.
pub fn directives(text: &str) -> String {
    let shown = |line: &str| {
        let end = line.trim_end_matches(['\n', '\r']);
        let (indent, rest) = end.split_at(end.len() - end.trim_start().len());
        match rest.split_once(char::is_whitespace) {
            Some((name, _)) if suspicion(name) == Suspicion::Any => {
                format!("{indent}{name} {REDACTED}{}", &line[end.len()..])
            }
            _ => line.to_owned(),
        }
    };
    prose(&text.split_inclusive('\n').map(shown).collect::<String>())
}
