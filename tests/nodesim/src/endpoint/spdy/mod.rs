//! The channels as streams of SPDY/3.1, each opened by the client with a header that says which.

mod frame;
mod header;

use std::{collections::HashMap, collections::VecDeque, io, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::mpsc,
};

use super::session::{self, Input, Output, Started, Wanted};
use frame::Frame;

/// How long a client may take to open its streams, as kubelets have it.
const OPENING: Duration = Duration::from_secs(30);
/// Frames that wait to be written; what comes after them waits with the command's output.
const FRAMES: usize = 16;

/// Serves the command over a connection that was switched to SPDY.
pub(super) async fn serve<IO>(io: IO, started: Started)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (read, write) = tokio::io::split(io);
    let (frames, queued) = mpsc::channel(FRAMES);
    let session = async {
        let Ok(mut incoming) = Incoming::new(read, frames.clone()) else { return };
        // A client that doesn't open what it asked for gets nothing, as upstream.
        let opening = tokio::time::timeout(OPENING, incoming.open(started.wanted));
        let Ok(Ok(())) = opening.await else { return };
        let outgoing = Outgoing { streams: incoming.streams.clone(), frames };
        session::serve(started, incoming, outgoing).await;
    };
    // One writer, so that no frame is cut by another or by the end of its sender.
    tokio::join!(session, send_all(write, queued));
}

async fn send_all<IO: AsyncWrite>(mut io: WriteHalf<IO>, mut queued: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = queued.recv().await {
        if io.write_all(&frame).await.is_err() || io.flush().await.is_err() {
            return;
        }
    }
    let _ = io.shutdown().await;
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Purpose {
    Input,
    Output(Output),
    Resize,
}

impl Purpose {
    fn of(headers: &[(String, String)]) -> Option<Self> {
        let (_, kind) = headers.iter().find(|(name, _)| name == "streamtype")?;
        Some(match kind.as_str() {
            "stdin" => Self::Input,
            "stdout" => Self::Output(Output::Stdout),
            "stderr" => Self::Output(Output::Stderr),
            "error" => Self::Output(Output::Error),
            "resize" => Self::Resize,
            _ => return None,
        })
    }
}

type Streams = HashMap<Purpose, u32>;

struct Incoming<IO> {
    io: ReadHalf<IO>,
    received: BytesMut,
    headers: header::Reader,
    replies: header::Writer,
    frames: mpsc::Sender<Vec<u8>>,
    streams: Streams,
    /// What came before all streams were open.
    early: VecDeque<Input>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Incoming<IO> {
    fn new(io: ReadHalf<IO>, frames: mpsc::Sender<Vec<u8>>) -> io::Result<Self> {
        Ok(Self {
            io,
            received: BytesMut::new(),
            headers: header::Reader::new(),
            replies: header::Writer::new()?,
            frames,
            streams: Streams::new(),
            early: VecDeque::new(),
        })
    }

    /// Waits until the client has opened the streams it asked for.
    async fn open(&mut self, wanted: Wanted) -> io::Result<()> {
        let all = [
            (true, Purpose::Output(Output::Error)),
            (wanted.stdin, Purpose::Input),
            (wanted.stdout, Purpose::Output(Output::Stdout)),
            (wanted.stderr, Purpose::Output(Output::Stderr)),
            (wanted.tty, Purpose::Resize),
        ];
        while all.iter().any(|(wanted, purpose)| *wanted && !self.streams.contains_key(purpose)) {
            let frame = self.frame().await?;
            if let Some(input) = self.heed(frame).await? {
                self.early.push_back(input);
            }
        }
        Ok(())
    }

    /// The next frame. What has been received is kept if the wait is given up.
    async fn frame(&mut self) -> io::Result<Frame> {
        loop {
            if let Some(frame) = frame::take(&mut self.received, &mut self.headers)? {
                return Ok(frame);
            }
            if self.io.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Does what a frame asks for; gives what it holds for the command.
    async fn heed(&mut self, frame: Frame) -> io::Result<Option<Input>> {
        let stdin = self.streams.get(&Purpose::Input).copied();
        match frame {
            Frame::Open { stream, headers, end } => {
                let purpose = Purpose::of(&headers);
                if let Some(purpose) = purpose {
                    self.streams.insert(purpose, stream);
                }
                let block = self.replies.write(&[])?;
                self.reply(frame::accepted(stream, &block)).await?;
                let ends = end && purpose == Some(Purpose::Input);
                Ok(ends.then(|| Input { data: Bytes::new(), end }))
            }
            Frame::Data { stream, data, end } if Some(stream) == stdin => {
                Ok(Some(Input { data, end }))
            }
            Frame::Reset(stream) if Some(stream) == stdin => {
                Ok(Some(Input { data: Bytes::new(), end: true }))
            }
            Frame::Ping(number) => {
                self.reply(frame::pong(number)).await?;
                Ok(None)
            }
            Frame::Data { .. } | Frame::Reset(_) | Frame::Other => Ok(None),
        }
    }

    async fn reply(&mut self, frame: Vec<u8>) -> io::Result<()> {
        self.frames.send(frame).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> session::Incoming for Incoming<IO> {
    async fn next(&mut self) -> Option<Input> {
        if let Some(input) = self.early.pop_front() {
            return Some(input);
        }
        loop {
            let frame = self.frame().await.ok()?;
            if let Some(input) = self.heed(frame).await.ok()? {
                return Some(input);
            }
        }
    }
}

struct Outgoing {
    streams: Streams,
    frames: mpsc::Sender<Vec<u8>>,
}

impl Outgoing {
    async fn queue(&self, frame: Vec<u8>) -> io::Result<()> {
        self.frames.send(frame).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    async fn on(&self, output: Output, data: &[u8], end: bool) -> io::Result<()> {
        match self.streams.get(&Purpose::Output(output)) {
            Some(&stream) => self.queue(frame::data(stream, data, end)).await,
            None => Ok(()),
        }
    }
}

impl session::Outgoing for Outgoing {
    async fn send(&mut self, output: Output, data: &[u8]) -> io::Result<()> {
        self.on(output, data, false).await
    }

    async fn finish(&mut self, output: Output) -> io::Result<()> {
        self.on(output, &[], true).await
    }

    async fn close(&mut self) -> io::Result<()> {
        let last = self.streams.values().max().copied().unwrap_or_default();
        self.queue(frame::goodbye(last)).await
    }
}
