//! How a program comes into its pod: by ConfigMaps that the pod mounts, or, where those are turned
//! down, by the standard input of a command in the running pod.

use std::{io::Read as _, time::Duration};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::{absence::Absence, object::CONTAINER};
use crate::{Api, ApiError, End, Exec};

/// How long sending may take.
const TIME: Duration = Duration::from_mins(1);

/// How much of what the receiver prints is read, bytes.
const WORDS: usize = 4 << 10;

/// The largest program, unpacked, bytes: twice that is what the pod's memory takes.
const MAX: u64 = 24 << 20;

/// Exit code of the receiver where the image cannot unpack.
const NO_GZIP: i32 = 69;

/// Takes so many bytes of a program, packed or not, and so many of a request. It counts, because before
/// Kubernetes 1.30 the end of standard input cannot be told; all at once, because busybox's `head` takes
/// more than it gives, and what follows with it. It makes the file that the pod waits for last, and does
/// nothing where an earlier one, of which nothing was heard, came so far.
const RECEIVE: &str = r#"set -e
cd /kcilium/run
[ ! -e sent ] || exit 0
if [ "$1" = packed ]; then
    command -v gzip >/dev/null || exit 69
fi
mkdir "in.$$"
all=in.$$/all agent=in.$$/agent request=in.$$/request
head -c "$(($2 + $3))" >"$all"
[ "$(wc -c <"$all")" -eq "$(($2 + $3))" ]
if [ "$1" = packed ]; then
    head -c "$2" "$all" | gzip -dc >"$agent"
else
    head -c "$2" "$all" >"$agent"
fi
tail -c "$3" "$all" >"$request"
chmod 0700 "$agent"
mv "$agent" "$request" .
rm -r "in.$$"
: >sent
"#;

/// How a program comes into its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// By so many ConfigMaps, and one with the request.
    Maps {
        /// The number.
        parts: usize,
    },
    /// By a command in the running pod.
    Exec,
}

impl Delivery {
    /// How many ConfigMaps have the program.
    pub(super) fn parts(self) -> usize {
        match self {
            Self::Maps { parts } => parts,
            Self::Exec => 0,
        }
    }

    /// Whether the pod mounts what it needs.
    pub(super) fn is_by_maps(self) -> bool {
        matches!(self, Self::Maps { .. })
    }
}

/// Whether something else than ConfigMaps may succeed.
pub(super) fn is_worth_another(absence: &Absence) -> bool {
    matches!(
        absence,
        Absence::TurnedDown { .. } | Absence::Forbidden { .. } | Absence::Failed { .. }
    )
}

/// Sends a packed program and its request into a pod that waits for them.
pub(super) async fn send(
    api: &Api,
    namespace: &str,
    pod: &str,
    packed: &Bytes,
    request: &Bytes,
) -> Result<(), Absence> {
    let undelivered = |why: String| Absence::Undelivered { why };
    match receive(api, (namespace, pod), "packed", packed, request).await? {
        End::Exited(0) => return Ok(()),
        End::Exited(NO_GZIP) => {}
        end => return Err(undelivered(words(end))),
    }
    let plain = unpacked(packed).map_err(|error| undelivered(error.to_string()))?;
    match receive(api, (namespace, pod), "plain", &plain, request).await? {
        End::Exited(0) => Ok(()),
        end => Err(undelivered(words(end))),
    }
}

async fn receive(
    api: &Api,
    (namespace, pod): (&str, &str),
    form: &str,
    program: &[u8],
    request: &[u8],
) -> Result<End, Absence> {
    let lengths = [program.len(), request.len()].map(|length| length.to_string());
    let words = ["sh", "-c", RECEIVE, "kcilium", form, &lengths[0], &lengths[1]];
    let command = words.map(str::to_owned);
    let stdin = [program, request].concat();
    let exec = Exec {
        namespace,
        pod,
        container: CONTAINER,
        command: &command,
        stdin: &stdin,
        limit: WORDS,
        time: TIME,
    };
    match api.exec(&exec).await {
        Ok(output) => Ok(output.end),
        Err(ApiError::Forbidden { .. }) => {
            Err(Absence::Forbidden { need: "create and get pods/exec".to_owned() })
        }
        Err(error) => Err(Absence::Undelivered { why: error.to_string() }),
    }
}

fn words(end: End) -> String {
    match end {
        End::Exited(code) => format!("the command in it ended with {code}"),
        End::Refused(why) | End::Cut(why) => why,
        End::TimedOut => "it took too long".to_owned(),
        End::TooLong => "the command in it printed too much".to_owned(),
    }
}

fn unpacked(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(program).take(MAX + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > MAX {
        let why = format!("unpacked, the program has more than {} MiB", MAX >> 20);
        return Err(std::io::Error::other(why));
    }
    Ok(plain)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::{
        fs,
        io::Write as _,
        path::Path,
        process::{Command, Stdio},
    };

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    /// Runs the receiver with the programs of that folder, and leaves its standard input open.
    fn receive(programs: &str, place: &Path, form: &str, program: &[u8]) -> Option<i32> {
        let script = RECEIVE.replace("/kcilium/run", place.to_str().unwrap());
        let request = b"the request";
        let mut receiver = Command::new(Path::new(programs).join("sh"))
            .args(["-c", &script, "kcilium", form])
            .args([program.len().to_string(), request.len().to_string()])
            .env("PATH", programs)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = receiver.stdin.take().unwrap();
        // One that is done already reads nothing.
        let _ = stdin.write_all(program).and_then(|()| stdin.write_all(request));
        let code = receiver.wait().unwrap().code();
        drop(stdin);
        code
    }

    #[test]
    fn programs_come_whole_by_the_tools_of_any_image() {
        let applets = tempfile::tempdir().unwrap();
        let folder = applets.path().to_str().unwrap();
        let is_busybox_there = Command::new("busybox")
            .args(["--install", "-s", folder])
            .status()
            .is_ok_and(|status| status.success());
        assert!(is_busybox_there, "tests/setup installs busybox");
        let program: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&program).unwrap();
        let packed = packed.finish().unwrap();
        for programs in ["/usr/bin", folder] {
            for (form, sent) in [("packed", &packed), ("plain", &program)] {
                let place = tempfile::tempdir().unwrap();
                assert_eq!(receive(programs, place.path(), form, sent), Some(0), "{programs}");
                let read = |name: &str| fs::read(place.path().join(name)).unwrap();
                assert!(read("agent") == program, "{programs} {form}");
                assert_eq!(read("request"), b"the request", "{programs} {form}");
                // Nothing is written once more to a program that may run by now.
                assert_eq!(receive(programs, place.path(), form, b"another"), Some(0));
                assert!(read("agent") == program, "{programs} {form}");
                assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3);
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_no_program() {
        let place = tempfile::tempdir().unwrap();
        let script = RECEIVE.replace("/kcilium/run", place.path().to_str().unwrap());
        let mut receiver = Command::new("sh")
            .args(["-c", &script, "kcilium", "plain", "100", "10"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        receiver.stdin.take().unwrap().write_all(&[1; 50]).unwrap();
        assert!(!receiver.wait().unwrap().success());
        assert!(!place.path().join("sent").exists());
    }
}
