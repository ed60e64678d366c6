//! Where the programs are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// A program, and the package that it is in.
struct Program {
    package: &'static str,
    /// `bin`, or `example`.
    kind: &'static str,
    name: &'static str,
    path: OnceLock<PathBuf>,
}

static DOCTOR: Program = Program::new("kubectl-cilium-doctor", "kubectl-cilium_doctor");
static RENDER: Program = Program::new("kubectl-cilium-render", "kubectl-cilium_render");
static UNINSTALL: Program = Program::new("kubectl-cilium-uninstall", "kubectl-cilium_uninstall");

static AGENT: Program = Program::new("kcilium-node-agent", "kcilium-node-agent");

static SAMPLE: Program = Program::new("kcilium-cli", "sample-plugin");

static NAMES: Program = Program::new("netlab", "names");

static DEMO: Program =
    Program { package: "e2e", kind: "example", name: "demo", path: OnceLock::new() };

static HELLO: Program = Program::new("netlab", "hello");

/// The doctor, built from the sources as they are now.
pub(crate) fn doctor() -> &'static Path {
    DOCTOR.path()
}

/// The renderer of values.
pub(crate) fn render() -> &'static Path {
    RENDER.path()
}

/// The uninstaller.
pub(crate) fn uninstall() -> &'static Path {
    UNINSTALL.path()
}

/// What is put on nodes.
pub(crate) fn agent() -> &'static Path {
    AGENT.path()
}

/// The smallest plugin, which puts programs on nodes.
pub(crate) fn sample() -> &'static Path {
    SAMPLE.path()
}

/// A DNS server.
pub(crate) fn names() -> &'static Path {
    NAMES.path()
}

/// What answers in health endpoints.
pub(crate) fn hello() -> &'static Path {
    HELLO.path()
}

/// The story of the README.
pub(crate) fn demo() -> &'static Path {
    DEMO.path()
}

impl Program {
    const fn new(package: &'static str, name: &'static str) -> Self {
        Self { package, kind: "bin", name, path: OnceLock::new() }
    }

    /// Cargo tells a test where the programs of its own package are, but not those of others. They
    /// are in the same target folder; where the program is not there yet, or is older than its
    /// sources, it is built.
    fn path(&self) -> &Path {
        self.path.get_or_init(|| {
            let folder = if self.kind == "example" { "examples" } else { "" };
            let beside = profile_folder().join(folder).join(self.name);
            if is_up_to_date(&beside) { beside } else { self.build() }
        })
    }

    fn build(&self) -> PathBuf {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let output = Command::new(cargo)
            .args(["build", "--profile", profile, "--quiet", "--message-format=json"])
            .args(["--package", self.package, &format!("--{}", self.kind), self.name])
            .current_dir(workspace())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let built = output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
            .find_map(|message| {
                (message["target"]["name"] == self.name)
                    .then(|| message["executable"].as_str().map(Into::into))
            });
        built.flatten().expect("cargo says where it put the program")
    }
}

/// `target/debug`: this program is in `target/debug/deps`.
fn profile_folder() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned()
}

/// Compares the program with the sources that Cargo lists beside it, in the form of a Makefile.
fn is_up_to_date(program: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path)?.modified();
    let Ok(built) = changed(program) else {
        return false;
    };
    let Ok(listed) = fs::read_to_string(program.with_extension("d")) else {
        return false;
    };
    let sources = listed.split_once(": ").map_or("", |(_, sources)| sources).trim();
    // A blank within a path is escaped.
    sources.replace("\\ ", "\0").split_whitespace().all(|source| {
        let source = source.replace('\0', " ");
        changed(Path::new(&source)).is_ok_and(|changed: SystemTime| changed <= built)
    }) && !sources.is_empty()
}

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
