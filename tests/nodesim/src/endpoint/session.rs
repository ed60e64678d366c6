//! A command and its client, whatever carries the channels between them.

use std::{future::pending, io, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::ChildStdin,
    sync::mpsc,
};

use super::outcome::{Outcome, Telling};
use crate::runtime::Process;

/// Which channels a client asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the query's four parameters")]
pub(super) struct Wanted {
    /// To write to the command.
    pub stdin: bool,
    /// To read what it prints.
    pub stdout: bool,
    /// To read its errors.
    pub stderr: bool,
    /// A terminal, in which errors come with everything else.
    pub tty: bool,
}

impl Wanted {
    /// Whether no channel is asked for.
    pub(super) fn nothing(self) -> bool {
        !self.stdin && !self.stdout && !self.stderr
    }
}

/// A command that was asked for.
pub(super) struct Started {
    /// The process, or why there is none.
    pub process: Result<Process, String>,
    /// Its program and arguments.
    pub command: Vec<String>,
    /// The channels.
    pub wanted: Wanted,
    /// How its end is told.
    pub telling: Telling,
}

/// A channel towards the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Output {
    /// What the command prints.
    Stdout,
    /// Its errors.
    Stderr,
    /// How it ended.
    Error,
}

/// Something for the command to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Input {
    /// The bytes, possibly none.
    pub data: Bytes,
    /// Nothing comes after them.
    pub end: bool,
}

/// What the client sends. Waiting for it may be given up and taken up again.
pub(super) trait Incoming {
    /// The next input; none when the client has gone.
    async fn next(&mut self) -> Option<Input>;
}

/// What is sent to the client.
pub(super) trait Outgoing {
    /// Sends bytes.
    async fn send(&mut self, output: Output, data: &[u8]) -> io::Result<()>;
    /// Says that the channel is at its end.
    async fn finish(&mut self, output: Output) -> io::Result<()>;
    /// Says that all is said.
    async fn close(&mut self) -> io::Result<()>;
}

/// A client is heard to go away only while it is read from, so a slow command must not hold that up.
const INPUTS: usize = 1024;
/// As much as container runtimes copy at once.
const CHUNK: usize = 32 * 1024;
/// Closing a socket with unread bytes in it resets it, and the client loses the end of the output.
const LINGER: Duration = Duration::from_secs(5);

/// Connects the command with its client until one of them ends.
pub(super) async fn serve(
    started: Started,
    mut incoming: impl Incoming,
    mut outgoing: impl Outgoing,
) {
    let Started { process, command, wanted, telling } = started;
    let outcome = match process {
        Err(why) => Outcome::Failed(why),
        Ok(process) => match run(process, command, wanted, &mut incoming, &mut outgoing).await {
            Ok(outcome) => outcome,
            // The client has gone, and the process was killed as it was dropped.
            Err(_) => return,
        },
    };
    let told = async {
        outgoing.send(Output::Error, &outcome.told(telling)).await?;
        outgoing.finish(Output::Error).await?;
        outgoing.close().await
    };
    if told.await.is_ok() {
        let gone = async { while incoming.next().await.is_some() {} };
        let _ = tokio::time::timeout(LINGER, gone).await;
    }
}

async fn run(
    process: Process,
    command: Vec<String>,
    wanted: Wanted,
    incoming: &mut impl Incoming,
    outgoing: &mut impl Outgoing,
) -> io::Result<Outcome> {
    let Process { mut child, stdin, stdout, stderr } = process;
    let (inputs, fed) = mpsc::channel(INPUTS);
    let work = async {
        drain(stdout, stderr, wanted, outgoing).await?;
        child.wait().await.map(|status| Outcome::new(status, command))
    };
    tokio::select! {
        outcome = work => outcome,
        () = listen(incoming, inputs) => Err(io::ErrorKind::ConnectionAborted.into()),
        // A command may live on when it has read all.
        never = async { feed(stdin, fed).await; pending().await } => never,
    }
}

/// Takes what the client sends until it goes away.
async fn listen(incoming: &mut impl Incoming, inputs: mpsc::Sender<Bytes>) {
    let mut inputs = Some(inputs);
    while let Some(Input { data, end }) = incoming.next().await {
        if let Some(open) = inputs.as_ref().filter(|_| !data.is_empty()) {
            // A command that reads no more is no reason to stop listening.
            let _ = open.send(data).await;
        }
        if end {
            inputs = None;
        }
    }
}

/// Writes the inputs to the command, and closes its stdin after the last.
async fn feed(stdin: Option<ChildStdin>, mut inputs: mpsc::Receiver<Bytes>) {
    let Some(mut stdin) = stdin else { return };
    while let Some(data) = inputs.recv().await {
        if stdin.write_all(&data).await.is_err() {
            return;
        }
    }
}

/// Sends all that the command prints.
async fn drain(
    mut stdout: impl AsyncRead + Unpin,
    mut stderr: impl AsyncRead + Unpin,
    wanted: Wanted,
    outgoing: &mut impl Outgoing,
) -> io::Result<()> {
    let printed = wanted.stdout.then_some(Output::Stdout);
    let errors = if wanted.tty { printed } else { wanted.stderr.then_some(Output::Stderr) };
    let (mut out, mut err) = (vec![0; CHUNK], vec![0; CHUNK]);
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        let (bytes, output) = tokio::select! {
            read = stdout.read(&mut out), if out_open => {
                let read = read?;
                out_open = read > 0;
                (&out[..read], printed)
            }
            read = stderr.read(&mut err), if err_open => {
                let read = read?;
                err_open = read > 0;
                (&err[..read], errors)
            }
        };
        if let (Some(output), false) = (output, bytes.is_empty()) {
            outgoing.send(output, bytes).await?;
        }
    }
    let opened = [(wanted.stdout, Output::Stdout), (wanted.stderr, Output::Stderr)];
    for (_, output) in opened.into_iter().filter(|(wanted, _)| *wanted) {
        outgoing.finish(output).await?;
    }
    Ok(())
}
