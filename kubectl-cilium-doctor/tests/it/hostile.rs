//! Files that are no snapshots, by accident or by intent.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::doctor::{CLASH, Run, run, workspace};

/// What the doctor says of a file with this content: must be a complaint that names it.
fn complaint_about(content: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hostile.json");
    fs::write(&file, content).unwrap();
    complaint_about_path(&file)
}

fn complaint_about_path(path: &Path) -> String {
    let path = path.to_str().unwrap();
    let complaint = run(&["--from", path]).complaint(3);
    assert!(complaint.starts_with("error: "), "{complaint}");
    assert!(complaint.contains(path), "{complaint}");
    complaint
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn example() -> Vec<u8> {
    fs::read(workspace().join(CLASH)).unwrap()
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let cases: [(&[u8], &str); 9] = [
        (b"", "is empty"),
        (b"not JSON at all", "does not begin with `{`"),
        (b"apiVersion: v1\nkind: Node\n", "does not begin with `{`"),
        (b"[{\"schemaVersion\": \"1.0\"}]", "does not begin with `{`"),
        (b"\0\0\0\0", "does not begin with `{`"),
        (b"{\"schemaVersion\": \"1.0\", \"nodes\": \0}", "line 1"),
        (b"{\"nodes\": []}", "schemaVersion"),
        (b"{\"schemaVersion\": \"2.0\", \"nodes\": 7}", "2.0"),
        (b"{\"schemaVersion\": \"1.0\", \"nodes\": 7}", "line 1"),
    ];
    for (content, reason) in cases {
        let complaint = complaint_about(content);
        assert!(complaint.contains(reason), "`{reason}` is not in {complaint}");
    }
}

#[test]
fn a_newer_minor_version_is_read() {
    let newer = String::from_utf8(example()).unwrap();
    let newer =
        newer.replacen("\"schemaVersion\": \"1.0\"", "\"schemaVersion\": \"1.7\", \"x\": {}", 1);
    assert!(newer.contains("1.7"));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("newer.json");
    fs::write(&file, newer).unwrap();
    let read = run(&["--from", file.to_str().unwrap()]).printed(1);
    assert_eq!(read, run(&["--from", CLASH]).stdout);
}

#[test]
fn what_is_cut_short_is_refused_wherever_it_was_cut() {
    let whole = example();
    let zipped = gzip(&whole);
    for tenth in 1..10 {
        complaint_about(&whole[..whole.len() * tenth / 10]);
        let complaint = complaint_about(&zipped[..zipped.len() * tenth / 10]);
        assert!(complaint.contains("gzip"), "{complaint}");
    }
}

#[test]
fn what_cannot_be_a_snapshot_file_is_named() {
    let folder = TempDir::new().unwrap();
    complaint_about_path(&folder.path().join("none.json"));
    let complaint = complaint_about_path(folder.path());
    assert!(complaint.contains("is not a recording"), "{complaint}");
    let looped = folder.path().join("looped");
    std::os::unix::fs::symlink("looped", &looped).unwrap();
    complaint_about_path(&looped);
}

#[test]
fn names_that_are_escape_sequences_are_shown_and_not_obeyed() {
    let text = String::from_utf8(example()).unwrap();
    // Clears the screen, and sets the title of the window.
    let hostile = text.replace("\"node1\"", r#""\u001b[2J\u001b]0;owned\u0007\u009b""#);
    assert_ne!(hostile, text);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("escape\x1b[31m.json");
    fs::write(&file, hostile).unwrap();
    let path = file.to_str().unwrap();
    for format in ["text", "wide", "short", "json", "yaml"] {
        let shown = run(&["--from", path, "-o", format]).printed(1);
        let is_wild =
            |c: &char| if format == "yaml" { c.is_ascii_control() } else { c.is_control() };
        assert_eq!(shown.chars().find(|c| is_wild(c) && *c != '\n'), None, "{format}");
    }
    assert!(run(&["--from", path]).stdout.contains("\\u{1b}[2J"));
    // Nor are those in the name of a file.
    fs::write(&file, "").unwrap();
    let complaint = run(&["--from", path]).complaint(3);
    assert!(!complaint.contains('\x1b'), "{complaint:?}");
}

#[test]
fn names_cannot_add_commands_to_those_that_are_to_be_pasted() {
    let mut facts: serde_json::Value = serde_json::from_slice(&example()).unwrap();
    let node = &mut facts["nodes"][0];
    node["agent"] = serde_json::json!({"known": "notRunning"});
    node["name"] = "node1\nrm -rf ~ #".into();
    let links = node["links"]["known"].as_array_mut().unwrap();
    links.push(serde_json::json!({"index": 99, "name": "cilium_x; reboot #", "flags": []}));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("names.json");
    fs::write(&file, facts.to_string()).unwrap();
    for format in ["text", "wide", "short"] {
        let shown = run(&["--from", file.to_str().unwrap(), "-o", format]).printed(1);
        assert!(!shown.lines().any(|line| line.trim_start().starts_with("rm ")), "{shown}");
        if format == "wide" {
            assert!(shown.contains("ip link del 'cilium_x; reboot #'"), "{shown}");
        }
    }
}

/// The doctor with less memory than a hostile file would like it to take.
fn with_little_memory(path: &str) -> Command {
    const KIBIBYTES: &str = "65536";
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"ulimit -d "$1"; shift; exec "$@""#, "sh", KIBIBYTES])
        .arg(cargo_bin!("kubectl-cilium_doctor"))
        .args(["--from", path])
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Feeds a child one chunk after the other until it no longer reads, or got so many. Returns how
/// many it took.
fn feed(child: &mut Child, chunk: Vec<u8>, at_most: usize) -> thread::JoinHandle<usize> {
    let mut stdin = child.stdin.take().unwrap();
    thread::spawn(move || (0..at_most).take_while(|_| stdin.write_all(&chunk).is_ok()).count())
}

#[test]
fn a_gigabyte_of_brackets_is_not_read_on() {
    const MEBIBYTE: usize = 1 << 20;
    for filler in [b'[', b' ', 0] {
        let begun = Instant::now();
        let mut child = with_little_memory("-").spawn().unwrap();
        let fed = feed(&mut child, vec![filler; MEBIBYTE], 1024);
        let run = Run::of(child.wait_with_output().unwrap());
        let complaint = run.complaint(3);
        assert!(complaint.starts_with("error: standard input is not a snapshot"), "{complaint}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(fed.join().unwrap() < 4, "it read on");
    }
}

#[test]
fn nested_brackets_do_no_harm() {
    for filler in ["[", "{\"a\":"] {
        let deep = filler.repeat(1 << 20);
        complaint_about(format!("{{\"schemaVersion\": \"1.0\", \"nodes\": {deep}").as_bytes());
        complaint_about(format!("{{\"schemaVersion\": \"1.0\", \"other\": {deep}").as_bytes());
    }
}

/// Writes compressed members of 16 MiB each, after one with this beginning.
fn bomb(path: &Path, beginning: &[u8], filler: u8, mebibytes: usize) {
    let mut file = File::create(path).unwrap();
    file.write_all(&gzip(beginning)).unwrap();
    let member = gzip(&vec![filler; 16 << 20]);
    for _ in 0..mebibytes / 16 {
        file.write_all(&member).unwrap();
    }
}

#[test]
fn a_gzip_bomb_is_defused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bomb.json.gz");
    bomb(&file, b"", b'[', 2048);
    let output = with_little_memory(file.to_str().unwrap()).output().unwrap();
    let complaint = Run::of(output).complaint(3);
    assert!(complaint.contains("does not begin with `{`"), "{complaint}");

    // This one looks like a snapshot until the end.
    bomb(&file, b"{\"schemaVersion\": \"1.0\"", b' ', 640);
    let complaint = complaint_about_path(&file);
    assert!(complaint.contains("larger than 512 MiB"), "{complaint}");
    // And this is what the limit on memory comes to: had the others taken as much, one would know.
    let output = with_little_memory(file.to_str().unwrap()).output().unwrap();
    assert!(!Run::of(output).complaint(3).contains("larger than"));
}

fn fifo(folder: &Path) -> PathBuf {
    let path = folder.join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn a_named_pipe_is_read() {
    let folder = TempDir::new().unwrap();
    let path = fifo(folder.path());
    let writer = {
        let path = path.clone();
        thread::spawn(move || fs::write(path, example()))
    };
    let read = run(&["--from", path.to_str().unwrap(), "-o", "short"]).printed(1);
    writer.join().unwrap().unwrap();
    assert_eq!(read, run(&["--from", CLASH, "-o", "short"]).stdout);
}

#[test]
fn recordings_of_hostile_files_lose_only_those() {
    let folder = TempDir::new().unwrap();
    let node = folder.path().join("node1");
    fs::create_dir(&node).unwrap();
    fs::write(node.join("ip-j-route.json"), "[".repeat(1 << 20)).unwrap();
    fs::write(node.join("ip-j-rule.json"), b"\xff\xfe\0").unwrap();
    fs::write(node.join("resolv.conf"), "nameserver 10.0.0.1\n").unwrap();
    let Output { status, stdout, stderr } = {
        let mut command = with_little_memory(folder.path().to_str().unwrap());
        command.args(["-o", "json"]).output().unwrap()
    };
    assert_eq!(String::from_utf8(stderr).unwrap(), "");
    assert!(matches!(status.code(), Some(0 | 3)), "{status}");
    let report: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
    let unknown = report["unknown"].to_string();
    assert!(unknown.contains("ip-j-route.json"), "{unknown}");
}
