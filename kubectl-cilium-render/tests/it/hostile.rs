//! Input that nobody means well with: a clear error, soon, and in little memory.

use std::fmt::Write as _;

use crate::render::{Folder, finish};

fn complaint(content: &[u8]) -> String {
    let folder = Folder::with(&[("values.yaml", content)]);
    // A little over what the largest file that is read needs.
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "ulimit -v 400000; exec \"$0\" --no-detect -f values.yaml"])
        .arg(assert_cmd::cargo::cargo_bin!("kubectl-cilium_render"))
        .current_dir(folder.path())
        .env("NO_COLOR", "1");
    let run = finish(&mut assert_cmd::Command::from_std(command));
    run.complaint(3)
}

#[test]
fn a_binary_file() {
    let complaint = complaint(b"\x7fELF\x02\x01\x01\x00\x00\x00\xff\xfe");
    assert!(complaint.contains("values.yaml:1:1: "), "{complaint}");
    assert!(complaint.contains("text file"), "{complaint}");
}

#[test]
fn a_hundred_megabytes() {
    let complaint = complaint(&b"a: [1, 2, 3, 4]\n".repeat(100 << 16));
    assert!(complaint.contains("larger than 8 MiB"), "{complaint}");
}

#[test]
fn more_values_than_any_chart_has() {
    let complaint = complaint(&b"- {a: 1}\n".repeat(800_000));
    assert!(complaint.contains("more than 200000 values"), "{complaint}");
}

#[test]
fn a_billion_laughs() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let of = format!("*a{}, ", level - 1).repeat(9);
        let _ = writeln!(text, "a{level}: &a{level} [{of}]");
    }
    let complaint = complaint(text.as_bytes());
    assert!(complaint.contains("aliasing") || complaint.contains("values"), "{complaint}");
}

#[test]
fn deep_nesting() {
    for content in
        ["[".repeat(100_000), "a: ".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)]
    {
        complaint(content.as_bytes());
    }
    let mut chain = "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n".to_owned();
    for level in 1..50 {
        let _ = writeln!(chain, "a{level}: &a{level} [[[[[[[[[[*a{}]]]]]]]]]]", level - 1);
    }
    let complaint = complaint(chain.as_bytes());
    assert!(complaint.contains("levels"), "{complaint}");
}

#[test]
fn one_long_line() {
    complaint(&b"a: [b, c: d: e".repeat(100_000));
    let complaint = complaint(format!("{}: }}", "x".repeat(5 << 20)).as_bytes());
    assert!(complaint.len() < 1000, "{}", complaint.len());
}
