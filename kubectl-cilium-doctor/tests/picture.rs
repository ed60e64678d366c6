//! `docs/doctor.svg`, the picture in the README, is what a terminal shows; this test keeps it so.

use std::{fs, path::Path};

use anstyle_svg::Term;
use assert_cmd::Command;

#[test]
fn the_picture_shows_what_the_doctor_says() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::cargo_bin("kubectl-cilium_doctor")
        .unwrap()
        .args(["--from", "examples/homelab-clash.json", "--color", "always"])
        .current_dir(&workspace)
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8(output.stdout).unwrap();
    let shown = format!("$ kubectl cilium-doctor --from examples/homelab-clash.json\n{report}");
    let picture = Term::new().render_svg(&shown);
    let path = workspace.join("docs/doctor.svg");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &picture).unwrap();
    }
    let drawn = fs::read_to_string(&path).unwrap_or_default();
    assert!(drawn == picture, "docs/doctor.svg is out of date; run this test with UPDATE_DOCS=1");
}
