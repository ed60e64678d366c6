//! The channels over a WebSocket: binary messages that begin with the channel's number.

use std::io;

use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use super::session::{self, Input, Output, Started};

/// The client writes to the command on this channel.
const STDIN: u8 = 0;
/// A message of this and a channel says that the channel is at its end, since v5.
const CLOSE: u8 = 255;

fn channel(output: Output) -> u8 {
    match output {
        Output::Stdout => 1,
        Output::Stderr => 2,
        Output::Error => 3,
    }
}

/// Serves the command over a connection whose handshake is done.
pub(super) async fn serve<IO>(io: IO, started: Started, half_close: bool)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
    let (sink, stream) = socket.split();
    let (incoming, mut outgoing) = (Incoming { stream, half_close }, Outgoing { sink });
    // Kubelets begin with an empty message on the first channel they write to.
    let first = match started.wanted {
        wanted if wanted.stdout => Output::Stdout,
        wanted if wanted.stderr => Output::Stderr,
        _ => Output::Error,
    };
    if session::Outgoing::send(&mut outgoing, first, &[]).await.is_ok() {
        session::serve(started, incoming, outgoing).await;
    }
}

struct Incoming<IO> {
    stream: SplitStream<WebSocketStream<IO>>,
    half_close: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> session::Incoming for Incoming<IO> {
    async fn next(&mut self) -> Option<Input> {
        loop {
            let message = match self.stream.next().await? {
                Ok(Message::Binary(message)) => message,
                Ok(Message::Close(_)) | Err(_) => return None,
                // Pings are answered underneath.
                Ok(_) => continue,
            };
            match (message.first(), message.get(1)) {
                (Some(&STDIN), _) => return Some(Input { data: message.slice(1..), end: false }),
                (Some(&CLOSE), Some(&STDIN)) if self.half_close => {
                    return Some(Input { data: Bytes::new(), end: true });
                }
                // Terminal sizes, for which there is no terminal.
                _ => {}
            }
        }
    }
}

struct Outgoing<IO> {
    sink: SplitSink<WebSocketStream<IO>, Message>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> session::Outgoing for Outgoing<IO> {
    async fn send(&mut self, output: Output, data: &[u8]) -> io::Result<()> {
        let message = Bytes::from([&[channel(output)], data].concat());
        self.sink.send(Message::Binary(message)).await.map_err(broken)
    }

    async fn finish(&mut self, _: Output) -> io::Result<()> {
        Ok(())
    }

    async fn close(&mut self) -> io::Result<()> {
        // kubectl takes a close without this code for a failure.
        let code = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        self.sink.send(Message::Close(Some(code))).await.map_err(broken)
    }
}

fn broken(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}
