//! Snapshot files as they come and go.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use kcilium_cli::snapshot_file::{
    FileKind, MAX_SNAPSHOT_BYTES, Overwrite, SnapshotFileError, read, write,
};
use kcilium_core::facts::{Facts, NodeFacts};
use serde_json::json;
use tempfile::TempDir;

use super::{sample_plugin, stderr, stdout};

const SNAPSHOT: &[u8] = br#"{"schemaVersion":"1.1","nodes":[{"name":"worker-1"}]}"#;

fn facts() -> Facts {
    Facts { nodes: vec![NodeFacts::named("worker-1")], ..Facts::default() }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file with this content, and the directory that keeps it.
fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("snapshot.json");
    fs::write(&path, content).unwrap();
    (directory, path)
}

fn reading(content: &[u8]) -> Result<Facts, SnapshotFileError> {
    let (_directory, path) = file(content);
    read(&path)
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

// Reading.

#[test]
fn reads_plain_and_compressed_whatever_the_name() {
    assert_eq!(reading(SNAPSHOT).unwrap(), facts());
    assert_eq!(reading(&gzip(SNAPSHOT)).unwrap(), facts());
    let (one, two) = SNAPSHOT.split_at(20);
    assert_eq!(reading(&[gzip(one), gzip(two)].concat()).unwrap(), facts());
}

#[test]
fn reads_after_blanks() {
    assert_eq!(reading(&[b" \n\t\r\n", SNAPSHOT, b"\n\n"].concat()).unwrap(), facts());
}

#[test]
fn reads_standard_input() {
    for content in [SNAPSHOT.to_vec(), gzip(SNAPSHOT)] {
        let (_directory, path) = file(&content);
        let output =
            sample_plugin(&["read", "-"]).stdin(File::open(path).unwrap()).output().unwrap();
        assert!(stdout(&output).ends_with("1 nodes\n"), "{}", stderr(&output));
    }
}

#[test]
fn names_standard_input_in_errors() {
    let output = sample_plugin(&["read", "-"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).starts_with("error: standard input is empty\n\nhint: "));
}

#[test]
fn reads_pipes_from_process_substitution() {
    let (_directory, path) = file(&gzip(SNAPSHOT));
    let script =
        format!("{} read <(gzip -dc < {})", env!("CARGO_BIN_EXE_sample-plugin"), path.display());
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(stdout(&output).ends_with("1 nodes\n"), "{}", stderr(&output));
}

#[test]
fn says_what_is_not_a_file() {
    let directory = TempDir::new().unwrap();
    let missing = read(&directory.path().join("none.json")).unwrap_err();
    assert!(matches!(missing, SnapshotFileError::Missing { .. }), "{missing:?}");
    let error = read(directory.path()).unwrap_err();
    assert!(
        matches!(error, SnapshotFileError::NotAFile { kind: FileKind::Directory, .. }),
        "{error:?}"
    );
    assert!(error.to_string().ends_with("is a directory, not a file"), "{error}");
    let null = read(Path::new("/dev/null")).unwrap_err();
    assert!(matches!(null, SnapshotFileError::Empty { .. }), "{null:?}");
}

#[test]
fn says_who_may_read() {
    let (_directory, path) = file(SNAPSHOT);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    match read(&path) {
        Err(error @ SnapshotFileError::Forbidden { .. }) => {
            assert!(error.hint().is_some());
        }
        // Root may read everything.
        Ok(_) => assert_eq!(fs::metadata("/proc/self").unwrap().uid(), 0),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn says_that_a_file_is_empty() {
    for content in [&b""[..], b" \n\n", &gzip(b""), &gzip(b"\n")] {
        let error = reading(content).unwrap_err();
        assert!(matches!(error, SnapshotFileError::Empty { .. }), "{content:?}: {error:?}");
    }
}

#[test]
fn says_that_gzip_is_cut_short_or_damaged() {
    let whole = gzip(SNAPSHOT);
    for length in [2, 5, 12, whole.len() / 2, whole.len() - 1] {
        let error = reading(&whole[..length]).unwrap_err();
        assert!(matches!(error, SnapshotFileError::GzipCutShort { .. }), "{length}: {error:?}");
    }
    let mut damaged = whole;
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 0xff;
    let error = reading(&damaged).unwrap_err();
    assert!(matches!(error, SnapshotFileError::GzipDamaged { .. }), "{error:?}");
}

#[test]
fn says_where_json_is_cut_short() {
    let error = reading(b"{\n  \"schemaVersion\": \"1.0\",\n  \"nodes\": [").unwrap_err();
    match error {
        SnapshotFileError::CutShort { line, column, .. } => assert_eq!((line, column), (3, 12)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn says_where_json_is_wrong() {
    let cases: [&[u8]; 4] = [
        b"{\n  \"schemaVersion\": 1.0 }",
        b"{\n  schemaVersion: '1.0' }",
        b"{\"schemaVersion\": \"1.0\",\n \"nodes\": \"none\"}",
        b"{\n  \"schemaVersion\": \"\xff\" }",
    ];
    for content in cases {
        let error = reading(content).unwrap_err();
        assert!(matches!(error, SnapshotFileError::Malformed { .. }), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("line 2"), "{cause}");
    }
}

#[test]
fn says_that_other_documents_are_no_snapshots() {
    for content in [&b"apiVersion: v1"[..], b"[1]", b"\"{\"", b"PK\x03\x04", &gzip(&gzip(SNAPSHOT))]
    {
        let error = reading(content).unwrap_err();
        assert!(matches!(error, SnapshotFileError::NotAnObject { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("schemaVersion"));
    }
    let error = reading(b"{\"kind\": \"List\"}").unwrap_err();
    assert!(matches!(error, SnapshotFileError::NoSchemaVersion { .. }), "{error:?}");
}

#[test]
fn a_newer_tool_wrote_it() {
    let error = reading(b"{\"schemaVersion\": \"2.0\", \"nodes\": 7}").unwrap_err();
    assert!(matches!(error, SnapshotFileError::TooNew { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("update this tool"));
}

// Hostile files: what is read stays bounded.

/// Peak of resident memory of a process that reads `content`, in MiB, and what it complains of.
fn hostile(write: impl FnOnce(&mut File) -> io::Result<()>) -> (u64, String) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("hostile");
    write(&mut File::create(&path).unwrap()).unwrap();
    let output = sample_plugin(&["read", path.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let peak = stdout(&output).split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
    (peak / 1024, stderr(&output).to_owned())
}

/// Compressed members of 16 MiB each, after one with this beginning.
fn write_bomb(out: &mut File, beginning: &[u8], filler: u8, mebibytes: usize) -> io::Result<()> {
    out.write_all(&gzip(beginning))?;
    let member = gzip(&vec![filler; 16 << 20]);
    (0..mebibytes / 16).try_for_each(|_| out.write_all(&member))
}

#[test]
fn a_gzip_bomb_stops_at_the_limit() {
    let limit = MAX_SNAPSHOT_BYTES >> 20;
    let (peak, message) =
        hostile(|out| write_bomb(out, b"{\"schemaVersion\": \"1.0\"", b' ', 2048));
    assert!(message.contains(&format!("is larger than {limit} MiB when decoded")), "{message}");
    assert!(peak < limit + 64, "{peak} MiB");
}

#[test]
fn a_gzip_bomb_without_a_beginning_is_not_read_on() {
    let (peak, message) = hostile(|out| write_bomb(out, b"", 0, 2048));
    assert!(message.contains("does not begin with `{`"), "{message}");
    assert!(peak < 32, "{peak} MiB");
}

#[test]
fn brackets_and_blanks_without_end_are_not_read_on() {
    for filler in [b'[', b' ', 0] {
        let (peak, message) = hostile(|out| {
            let chunk = vec![filler; 1 << 20];
            (0..64).try_for_each(|_| out.write_all(&chunk))
        });
        assert!(message.contains("does not begin with `{`"), "{message}");
        assert!(peak < 32, "{peak} MiB");
    }
}

#[test]
fn nesting_without_end_does_no_harm() {
    let (_, message) = hostile(|out| {
        out.write_all(b"{\"schemaVersion\": \"1.0\", \"nodes\": [")?;
        out.write_all(&vec![b'['; 8 << 20])
    });
    assert!(message.starts_with("error: `"), "{message}");
    let (_, message) = hostile(|out| {
        out.write_all(b"{\"schemaVersion\": \"1.0\", \"x\": ")?;
        out.write_all("[".repeat(1 << 20).as_bytes())?;
        out.write_all("]".repeat(1 << 20).as_bytes())?;
        out.write_all(b", \"nodes\": [[]]}")
    });
    assert!(message.contains("is not a snapshot"), "{message}");
}

#[test]
fn a_device_without_end_is_not_read_on() {
    let error = read(Path::new("/dev/zero")).unwrap_err();
    assert!(matches!(error, SnapshotFileError::NotAnObject { .. }), "{error:?}");
}

#[test]
fn a_fleet_of_five_thousand_nodes_fits() {
    let node = serde_json::to_string_pretty(&busy_node(30)).unwrap();
    // Inside the document each line stands deeper.
    let lines = node.lines().count();
    let fleet = 5_000 * (node.len() + 4 * lines) as u64;
    assert!(2 * fleet < MAX_SNAPSHOT_BYTES, "{} MiB", fleet >> 20);
}

fn busy_node(pods: u8) -> NodeFacts {
    let link = |pod| {
        json!({
            "index": 100 + u32::from(pod),
            "name": format!("lxc{pod:012x}"),
            "kind": "veth",
            "peer": {"elsewhere": {"index": 2, "namespaceId": pod}},
            "flags": ["up", "lower-up"],
            "mtu": 1450,
            "hardwareAddress": "0a:58:0a:f4:00:01",
        })
    };
    let route = |pod| {
        json!({
            "destination": format!("10.244.17.{pod}/32"),
            "preferredSource": "10.244.17.1",
            "mtu": 1450,
            "nextHops": [{"link": format!("lxc{pod:012x}")}],
        })
    };
    let node = json!({
        "name": "worker-0001.rack-17.example.org",
        "links": {"known": (0..pods).map(link).collect::<Vec<_>>()},
        "routes": {"known": (0..2 * pods).map(route).collect::<Vec<_>>()},
    });
    serde_json::from_value(node).unwrap()
}

// Writing.

#[test]
fn what_is_written_is_read_again() {
    let directory = TempDir::new().unwrap();
    for (name, magic) in
        [("a.json", &b"{\n"[..]), ("a.json.gz", &[0x1f, 0x8b]), ("a.GZ", &[0x1f, 0x8b])]
    {
        let path = directory.path().join(name);
        write(&path, &facts(), Overwrite::Refuse).unwrap();
        assert!(fs::read(&path).unwrap().starts_with(magic));
        assert_eq!(read(&path).unwrap(), facts());
    }
}

#[test]
fn only_the_owner_may_read_it() {
    let (directory, old) = file(b"old");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o644)).unwrap();
    write(&old, &facts(), Overwrite::Replace).unwrap();
    let new = directory.path().join("new.json");
    write(&new, &facts(), Overwrite::Refuse).unwrap();
    for path in [old, new] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn an_existing_file_is_replaced_only_on_demand() {
    let (directory, path) = file(b"old");
    let error = write(&path, &facts(), Overwrite::Refuse).unwrap_err();
    assert!(matches!(error, SnapshotFileError::Exists { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    write(&path, &facts(), Overwrite::Replace).unwrap();
    assert_eq!(read(&path).unwrap(), facts());
    assert_eq!(names_in(directory.path()), ["snapshot.json"]);
}

#[test]
fn a_symbolic_link_stays() {
    let (directory, path) = file(b"old");
    let link = directory.path().join("latest.json");
    symlink("snapshot.json", &link).unwrap();
    write(&link, &facts(), Overwrite::Replace).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(read(&path).unwrap(), facts());
}

#[test]
fn a_dangling_link_counts_as_existing() {
    let directory = TempDir::new().unwrap();
    let link = directory.path().join("latest.json");
    symlink("gone.json", &link).unwrap();
    let error = write(&link, &facts(), Overwrite::Refuse).unwrap_err();
    assert!(matches!(error, SnapshotFileError::Exists { .. }), "{error:?}");
    assert_eq!(names_in(directory.path()), ["latest.json"]);
}

#[test]
fn says_where_nothing_can_be_written() {
    let (directory, path) = file(b"old");
    let error = write(&directory.path().join("no/x.json"), &facts(), Overwrite::Refuse);
    let error = error.unwrap_err();
    assert!(matches!(error, SnapshotFileError::NoDirectory { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("/no`"));
    let error = write(directory.path(), &facts(), Overwrite::Replace).unwrap_err();
    assert!(matches!(error, SnapshotFileError::NotAFile { .. }), "{error:?}");
    let error = write(&path.join("x.json"), &facts(), Overwrite::Refuse).unwrap_err();
    assert!(matches!(error, SnapshotFileError::Write { .. }), "{error:?}");
    assert!(write(Path::new(""), &facts(), Overwrite::Refuse).is_err());
}

#[test]
fn a_bare_name_lands_in_the_working_directory() {
    let directory = TempDir::new().unwrap();
    let output =
        sample_plugin(&["write", "x.json"]).current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(names_in(directory.path()), ["x.json"]);
}

#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    let (directory, path) = file(b"old");
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec {} write {} --replace --nodes 20000",
        env!("CARGO_BIN_EXE_sample-plugin"),
        path.display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("File too large"), "{}", stderr(&output));
    assert_eq!(names_in(directory.path()), ["snapshot.json"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn standard_output_gets_the_document() {
    for path in ["-", "/dev/stdout"] {
        let output = sample_plugin(&["write", path]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(reading(&output.stdout).unwrap().nodes.len(), 1);
    }
}

#[test]
fn redirected_standard_output_is_appended_to() {
    let (_directory, path) = file(b"before\n");
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        fs::write(&path, b"before\n").unwrap();
        let redirected = File::options().append(true).open(&path).unwrap();
        let status = sample_plugin(&["write", name]).stdout(redirected).status().unwrap();
        assert_eq!(status.code(), Some(0));
        let content = fs::read(&path).unwrap();
        assert_eq!(reading(content.strip_prefix(b"before\n").unwrap()).unwrap().nodes.len(), 1);
    }
    assert!(fs::symlink_metadata("/dev/stdout").unwrap().is_symlink());
}

#[test]
fn devices_are_written_to_as_they_are() {
    write(Path::new("/dev/null"), &facts(), Overwrite::Refuse).unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    let error = write(Path::new("/dev/full"), &facts(), Overwrite::Refuse).unwrap_err();
    assert!(matches!(error, SnapshotFileError::Write { .. }), "{error:?}");
}

#[test]
fn a_reader_of_the_device_that_leaves_is_no_failure() {
    let mut command = sample_plugin(&["write", "/dev/stdout", "--nodes=20000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
}
