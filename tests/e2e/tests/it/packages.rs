//! The archives and krew's manifests of them, made of the programs as they are built here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use ring::digest::{SHA256, digest};
use tempfile::TempDir;

use crate::doctor::Run;
use crate::krew::Manifest;
use crate::kubectl::{self, VERSIONS};
use crate::program;

pub(crate) const PLUGINS: [&str; 3] = ["cilium-doctor", "cilium-render", "cilium-uninstall"];

/// What is packed.
#[derive(Clone, Copy)]
enum Programs {
    /// Scripts of the programs' names.
    StandIns,
    /// The programs as they are built for tests, without what debuggers need: nine tenths.
    Real,
}

/// What `make dist` makes.
struct Packages {
    folder: TempDir,
}

impl Packages {
    fn make(programs: Programs) -> Self {
        let folder = TempDir::new().unwrap();
        let folder_of_programs = folder.path().join("programs");
        let agents = folder.path().join("agents");
        fs::create_dir(&folder_of_programs).unwrap();
        fs::create_dir(&agents).unwrap();
        for program in [program::doctor(), program::render(), program::uninstall()] {
            let to = folder_of_programs.join(program.file_name().unwrap());
            match programs {
                Programs::StandIns => fs::write(to, "#!/bin/sh\n").unwrap(),
                Programs::Real => strip(program, &to),
            }
        }
        // The archives are about where it lies: what it does, the tests of staging show.
        let mut agent = GzEncoder::new(Vec::new(), Compression::fast());
        agent.write_all(b"not a node agent").unwrap();
        fs::write(agents.join("linux-amd64.gz"), agent.finish().unwrap()).unwrap();
        let packages = Self { folder };
        let platform = Path::new("linux-amd64");
        run("krew/pack", &[&folder_of_programs, &agents, platform, &packages.out()]);
        run("krew/manifests", &[&packages.out()]);
        packages
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn archive(&self, plugin: &str) -> Vec<u8> {
        fs::read(self.out().join(format!("{plugin}_linux_amd64.tar.gz"))).unwrap()
    }

    fn manifest(&self, plugin: &str) -> Manifest {
        let text = fs::read_to_string(self.out().join(format!("{plugin}.yaml"))).unwrap();
        Manifest::read(&text).unwrap()
    }

    /// Installs all plugins as krew does: unpacked in a store, and a link in a folder on the PATH.
    fn install(&self) -> PathBuf {
        let bin = self.folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for plugin in PLUGINS {
            let spec = self.manifest(plugin).spec;
            let store = self.folder.path().join("store").join(plugin).join(&spec.version);
            fs::create_dir_all(&store).unwrap();
            tar::Archive::new(GzDecoder::new(&*self.archive(plugin))).unpack(&store).unwrap();
            let link = format!("kubectl-{}", plugin.replace('-', "_"));
            symlink(store.join(&spec.platforms[0].bin), bin.join(link)).unwrap();
        }
        bin
    }
}

fn run(script: &str, arguments: &[&Path]) {
    let mut command = Command::new(program::workspace().join(script));
    let run = Run::of(command.args(arguments).env("SOURCE_DATE_EPOCH", "1700000000"));
    assert_eq!((run.code, &*run.stdout), (Some(0), ""), "{script}: {}", run.stderr);
}

/// The files of an archive, and their modes.
fn files(archive: &[u8]) -> BTreeMap<String, u32> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    let entries = archive.entries().unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.header().entry_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().unwrap().strip_prefix(".").unwrap().display().to_string();
            (path, entry.header().mode().unwrap())
        })
        .collect()
}

fn strip(program: &Path, to: &Path) {
    let run = Run::of(Command::new("strip").arg("-o").args([to, program]));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

fn sha256(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

#[test]
fn manifests_keep_krews_rules_and_fit_their_archives() {
    let packages = Packages::make(Programs::StandIns);
    for plugin in PLUGINS {
        let manifest = packages.manifest(plugin);
        assert_eq!(manifest.faults(plugin), [""; 0], "{plugin}");
        let [platform] = &manifest.spec.platforms[..] else { panic!("{manifest:?}") };
        let archive = packages.archive(plugin);
        assert_eq!(platform.sha256, sha256(&archive), "{plugin}");
        assert!(
            platform
                .uri
                .ends_with(&format!("/{}/{plugin}_linux_amd64.tar.gz", manifest.spec.version)),
            "{}",
            platform.uri
        );
        let files = files(&archive);
        assert_eq!(files.get(&platform.bin), Some(&0o755), "{files:?}");
        assert_eq!(files.get("LICENSE"), Some(&0o644), "{files:?}");
        let shim = format!("kubectl_complete-{}", plugin.replace('-', "_"));
        assert_eq!(files.get(&shim), Some(&0o755), "{files:?}");
        let agent = files.contains_key("agents/linux-amd64.gz");
        assert_eq!(agent, plugin != "cilium-render", "{files:?}");
    }
}

#[test]
fn the_same_input_gives_the_same_archives() {
    let (first, second) = (Packages::make(Programs::StandIns), Packages::make(Programs::StandIns));
    for plugin in PLUGINS {
        assert_eq!(sha256(&first.archive(plugin)), sha256(&second.archive(plugin)), "{plugin}");
    }
}

#[test]
fn kubectl_finds_what_was_installed_and_that_finds_its_node_agent() {
    let packages = Packages::make(Programs::Real);
    let bin = packages.install();
    for version in VERSIONS {
        for plugin in PLUGINS {
            let arguments = [plugin, "version", "-o", "json"];
            let run = kubectl::with_path(version, &bin, None, &arguments);
            assert_eq!(run.code, Some(0), "{plugin}: {}", run.stderr);
            let about: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(about["name"], plugin);
            assert_eq!(
                format!("v{}", about["version"].as_str().unwrap()),
                packages.manifest(plugin).spec.version
            );
            let agent = &about["nodeAgents"][0]["platform"];
            let expected = if plugin == "cilium-render" { None } else { Some("linux-amd64") };
            assert_eq!(agent.as_str(), expected, "{plugin}");
        }
    }
}

#[test]
fn the_shim_of_an_archive_is_what_the_plugin_prints() {
    let packages = Packages::make(Programs::StandIns);
    let programs = [program::doctor(), program::render(), program::uninstall()];
    for (plugin, path) in PLUGINS.into_iter().zip(programs) {
        let printed = Run::of(Command::new(path).args(["completion", "kubectl"]));
        assert_eq!(printed.code, Some(0), "{}", printed.stderr);
        let name = format!("./kubectl_complete-{}", plugin.replace('-', "_"));
        let archive = packages.archive(plugin);
        let mut archive = tar::Archive::new(GzDecoder::new(&*archive));
        let mut shim = archive
            .entries()
            .unwrap()
            .map(Result::unwrap)
            .find(|entry| entry.path().unwrap() == Path::new(&name))
            .unwrap();
        let mut text = String::new();
        shim.read_to_string(&mut text).unwrap();
        assert_eq!(text, printed.stdout, "{plugin}");
        assert_ne!(shim.header().mode().unwrap() & 0o100, 0);
    }
}

/// Writes the shims of all plugins into a folder.
pub(crate) fn write_shims(bin: &Path) {
    let programs = [program::doctor(), program::render(), program::uninstall()];
    for (plugin, path) in PLUGINS.into_iter().zip(programs) {
        let name = plugin.replace('-', "_");
        symlink(path, bin.join(format!("kubectl-{name}"))).unwrap();
        let shim = bin.join(format!("kubectl_complete-{name}"));
        let printed = Run::of(Command::new(path).args(["completion", "kubectl"]));
        fs::write(&shim, printed.stdout).unwrap();
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn the_materials_name_what_is_linked_in_and_its_licences() {
    let out = TempDir::new().unwrap();
    let mut command = Command::new(program::workspace().join("krew/materials"));
    let run = Run::of(command.arg(out.path()));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let licences = fs::read_to_string(out.path().join("THIRD_PARTY.md")).unwrap();
    for sign in ["\n- kube 5.", "\n- ring 0.17.", "Apache License", "Permission to use, copy"] {
        assert!(licences.contains(sign), "{sign}");
    }
    for plugin in PLUGINS {
        let bill = fs::read(out.path().join(format!("{plugin}.cdx.json"))).unwrap();
        let bill: serde_json::Value = serde_json::from_slice(&bill).unwrap();
        assert_eq!(bill["bomFormat"], "CycloneDX");
        assert_eq!(bill["metadata"]["component"]["name"], format!("kubectl-{plugin}"));
        let components = bill["components"].as_array().unwrap();
        let names: Vec<&str> = components.iter().filter_map(|it| it["name"].as_str()).collect();
        assert!(names.contains(&"clap") && names.contains(&"ipnet"), "{names:?}");
        // Neither our own nor what only runs while it is built.
        assert!(!names.iter().any(|name| name.contains("kcilium") || *name == "clap_derive"));
        for component in components {
            assert_ne!(component["licenses"][0]["expression"], "", "{component}");
        }
    }
}
