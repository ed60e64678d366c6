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

/// The largest program, unpacked, bytes: what the pod's memory takes.
const MAX: u64 = 48 << 20;

/// Exit code of the receiver where the image cannot unpack.
const NO_GZIP: i32 = 69;

/// Takes so many bytes of a program, packed or not, and so many of a request. It counts, because before
/// Kubernetes 1.30 the end of standard input cannot be told; and it makes the file that the pod waits for
/// last.
const RECEIVE: &str = r#"set -e
cd /kcilium/run
if [ "$1" = packed ]; then
    command -v gzip >/dev/null || exit 69
    head -c "$2" | gzip -dc >agent
else
    head -c "$2" >agent
fi
head -c "$3" >request
[ "$(wc -c <request)" -eq "$3" ]
chmod 0700 agent
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
    MultiGzDecoder::new(program).take(MAX).read_to_end(&mut plain)?;
    Ok(plain)
}
