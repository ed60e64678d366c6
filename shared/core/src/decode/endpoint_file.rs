//! What the agent writes down about an endpoint, to find it again after a restart.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use crate::leftovers::Endpoint;

/// The fields that say whose interface it is.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "IfName", default)]
    link: String,
    #[serde(rename = "K8sPodName", default)]
    pod: String,
    #[serde(rename = "K8sNamespace", default)]
    namespace: String,
}

/// `ep_config.json`. Nothing where it names no interface: the host is an endpoint, too.
pub fn json(id: u32, text: &str) -> Option<Endpoint> {
    let Written { link, pod, namespace } = serde_json::from_str(text).ok()?;
    let pod = (!pod.is_empty()).then(|| format!("{namespace}/{pod}"));
    (!link.is_empty()).then(|| Endpoint { id, link: link.into(), pod })
}

/// `ep_config.h`: C, with the same JSON encoded in a comment behind the agent's version, and the
/// interface in plain words.
pub fn header(id: u32, text: &str) -> Option<Endpoint> {
    const ENCODED: &str = "CILIUM_BASE64_";
    const PLAIN: &str = "* Container interface: ";

    let encoded = || {
        let rest = text.lines().find_map(|line| line.split_once(ENCODED))?.1;
        let (_version, endpoint) = rest.split_once(':')?;
        let bytes = BASE64_STANDARD.decode(endpoint.trim()).ok()?;
        json(id, &String::from_utf8_lossy(&bytes))
    };
    let plain = || {
        let link = text.lines().find_map(|line| line.trim().strip_prefix(PLAIN))?.trim();
        (!link.is_empty()).then(|| Endpoint { id, link: link.into(), pod: None })
    };
    encoded().or_else(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str =
        r#"{"ID":184,"IfName":"lxc0123456789ab","K8sPodName":"cart-0","K8sNamespace":"shop"}"#;

    fn cart(pod: Option<&str>) -> Endpoint {
        let pod = pod.map(Into::into);
        Endpoint { id: 184, link: "lxc0123456789ab".into(), pod }
    }

    #[test]
    fn all_forms_name_interface_and_pod() {
        assert_eq!(json(184, JSON), Some(cart(Some("shop/cart-0"))));
        let encoded = format!("/*\n * CILIUM_BASE64_djE=:{}\n */", BASE64_STANDARD.encode(JSON));
        assert_eq!(header(184, &encoded), Some(cart(Some("shop/cart-0"))));
        let plain = "/*\n * Container ID: 12\n * Container interface: lxc0123456789ab\n */";
        assert_eq!(header(184, plain), Some(cart(None)));
    }

    #[test]
    fn the_host_and_garbage_are_no_endpoints() {
        for text in ["{}", "", "{\"IfName\":\"\"}", "/* CILIUM_BASE64_x:!! */"] {
            assert_eq!(json(1, text), None, "{text}");
            assert_eq!(header(1, text), None, "{text}");
        }
    }
}
