//! The real Helm, as the judge.

use std::{path::PathBuf, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;

/// The versions that everything is tried with.
pub(crate) const VERSIONS: [u32; 2] = [3, 4];

/// A chart with one template, in a directory of its own.
pub(crate) struct Chart {
    directory: TempDir,
}

impl Chart {
    /// Prints all values as one JSON text.
    pub(crate) fn of_values() -> Self {
        Self::new("all: {{ toJson .Values | b64enc }}\n")
    }

    /// For every text in `.Values.cases`: what Helm reads in it as YAML, as JSON.
    pub(crate) fn reading() -> Self {
        Self::each("fromYaml . | toJson")
    }

    /// For every value in `.Values.cases`: `toYaml` of it.
    pub(crate) fn writing() -> Self {
        Self::each("toYaml .")
    }

    /// What is printed is a manifest, which has to be YAML: base64 is, whatever is in it.
    fn each(expression: &str) -> Self {
        Self::new(&format!(
            "{{{{ range .Values.cases }}}}case: {{{{ {expression} | b64enc }}}}\n{{{{ end }}}}"
        ))
    }

    fn new(template: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let chart = "apiVersion: v2\nname: probe\nversion: 0.1.0\n";
        std::fs::write(path("Chart.yaml"), chart).unwrap();
        std::fs::create_dir(path("templates")).unwrap();
        std::fs::write(path("templates/probe.yaml"), template).unwrap();
        Self { directory }
    }

    /// Keeps a file in the chart's directory, where Helm runs.
    pub(crate) fn file(&self, name: &str, content: &[u8]) {
        std::fs::write(self.directory.path().join(name), content).unwrap();
    }

    /// What the template prints with these arguments, or what Helm complains of.
    pub(crate) fn render(&self, version: u32, arguments: &[&str]) -> Result<Vec<String>, String> {
        let output = Command::new(tools().join(format!("helm-{version}/helm")))
            .args(["template", "probe", "."])
            .args(arguments)
            .current_dir(self.directory.path())
            .output()
            .expect("helm; has tests/setup run?");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let encoded = text.lines().filter_map(|line| line.split_once(": "));
        let decoded = encoded.filter(|(key, _)| matches!(*key, "case" | "all")).map(|(_, text)| {
            String::from_utf8(STANDARD.decode(text.trim_matches('"')).unwrap()).unwrap()
        });
        Ok(decoded.collect())
    }
}

/// Where tests/setup keeps the programs.
pub(crate) fn tools() -> PathBuf {
    let directory = |name: &str| std::env::var_os(name).map(PathBuf::from);
    directory("KCILIUM_TOOLS").unwrap_or_else(|| {
        let cache = directory("XDG_CACHE_HOME")
            .or_else(|| directory("HOME").map(|home| home.join(".cache")))
            .expect("a home directory");
        cache.join("kcilium/tools")
    })
}
