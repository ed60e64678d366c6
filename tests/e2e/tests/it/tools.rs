//! Real tools.

use std::env;
use std::path::PathBuf;

/// kubectl, such as `kubectl-1.35`.
pub(crate) fn kubectl(version: &str) -> PathBuf {
    tool(version, "kubectl")
}

/// What `tests/setup` installed.
pub(crate) fn tool(folder: &str, name: &str) -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let tools = set("KCILIUM_TOOLS").unwrap_or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        cache.expect("HOME is set").join("kcilium/tools")
    });
    let tool = tools.join(folder).join(name);
    assert!(tool.is_file(), "{} is missing: run tests/setup", tool.display());
    tool
}
