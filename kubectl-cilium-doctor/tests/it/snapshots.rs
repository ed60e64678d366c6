//! Snapshots on their way through files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::doctor::{CLASH, EXAMPLES, HEALTHY, doctor, finish, run};

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_goes_through_a_file_is_judged_the_same() {
    let folder = TempDir::new().unwrap();
    for example in EXAMPLES {
        for name in ["out.json", "out.json.gz"] {
            let file = folder.path().join(name);
            run(&["snapshot", "--from", example, shown(&file), "--force"]).printed(0);
            for format in ["text", "json"] {
                let direct = run(&["--from", example, "-o", format]);
                let copied = run(&["--from", shown(&file), "-o", format]);
                assert_eq!(copied.code, direct.code, "{example} {name}");
                assert_eq!(copied.stdout, direct.stdout, "{example} {name}");
            }
        }
    }
}

#[test]
fn a_snapshot_of_a_snapshot_is_the_same() {
    let once = run(&["snapshot", "--from", CLASH, "-"]).printed(0);
    let twice = finish(doctor(&["snapshot", "--from", "-", "-"]).write_stdin(once.clone()));
    assert_eq!(twice.printed(0), once);
}

#[test]
fn what_was_declared_travels_with_the_snapshot() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("declared.json");
    run(&["snapshot", shown(&file), "--from", HEALTHY, "--pod-cidr", "10.0.0.0/24"]).printed(0);
    let declared = run(&["--from", HEALTHY, "--pod-cidr", "10.0.0.0/24", "-o", "json"]);
    let read = run(&["--from", shown(&file), "-o", "json"]);
    assert_eq!((read.code, read.stdout), (Some(1), declared.stdout));
}

#[test]
fn a_file_that_exists_is_kept_unless_told_otherwise() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("node1.json");
    fs::write(&file, "precious").unwrap();
    let complaint = run(&["snapshot", "--from", HEALTHY, shown(&file)]).complaint(3);
    assert!(complaint.contains(shown(&file)) && complaint.contains("--force"), "{complaint}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    run(&["snapshot", "--from", HEALTHY, shown(&file), "--force"]).printed(0);
    assert_eq!(run(&["--from", shown(&file)]).code, Some(0));
}

#[test]
fn only_its_owner_may_read_a_snapshot() {
    let folder = TempDir::new().unwrap();
    for name in ["node1.json", "node1.json.gz"] {
        let file = folder.path().join(name);
        run(&["snapshot", "--from", HEALTHY, shown(&file)]).printed(0);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}

#[test]
fn a_folder_that_is_missing_or_no_folder_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for target in [folder.path().join("none/node1.json"), file.join("node1.json")] {
        let complaint = run(&["snapshot", "--from", HEALTHY, shown(&target)]).complaint(3);
        assert!(complaint.starts_with("error: "), "{complaint}");
        assert!(complaint.contains(shown(&target)), "{complaint}");
    }
}

#[test]
fn a_folder_that_may_not_be_written_to_is_named() {
    let folder = TempDir::new().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere but to where nothing can be written.
    let target = if fs::write(closed.join("probe"), "").is_ok() {
        Path::new("/proc/node1.json").to_owned()
    } else {
        closed.join("node1.json")
    };
    let complaint = run(&["snapshot", "--from", HEALTHY, shown(&target)]).complaint(3);
    assert!(complaint.contains(shown(&target)), "{complaint}");
}
