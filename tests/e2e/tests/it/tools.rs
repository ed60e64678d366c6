//! Real tools.

use std::env;
use std::path::PathBuf;

/// What `tests/setup` installed.
pub(crate) fn kubectl(version: &str) -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let tools = set("KCILIUM_TOOLS").unwrap_or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        cache.expect("HOME is set").join("kcilium/tools")
    });
    let kubectl = tools.join(version).join("kubectl");
    assert!(kubectl.is_file(), "{} is missing: run tests/setup", kubectl.display());
    kubectl
}
