//! Commands over a WebSocket, against a server that speaks the kubelet's protocol to the letter, or
//! breaks off at it.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use kcilium_cluster::{Api, ApiError, End, Exec, Limits, Output};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
    },
};

use crate::tool::{Folder, Stub, connection, limits, reply};

type Socket = WebSocketStream<TcpStream>;

const SUCCESS: &[u8] = br#"{"metadata":{},"status":"Success"}"#;

/// Does the handshake for one version of the protocol; gives the URL that was asked for as well.
async fn open(stream: TcpStream, protocol: &'static str) -> (Socket, String) {
    let mut url = String::new();
    // The library's own type for refusals is large.
    #[allow(clippy::result_large_err)]
    let check = |request: &Request, mut response: Response| {
        let offered = request.headers()["sec-websocket-protocol"].to_str().unwrap();
        assert!(offered.split(", ").any(|one| one == protocol), "{offered}");
        response.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        url = request.uri().to_string();
        Ok(response)
    };
    let socket = accept_hdr_async(stream, check).await.unwrap();
    (socket, url)
}

fn frame(channel: u8, data: &[u8]) -> Message {
    Message::binary([&[channel], data].concat())
}

/// A server that, once the socket is open, does this.
async fn server<F>(
    protocol: &'static str,
    then: impl Fn(Socket, String) -> F + Clone + Send + 'static,
) -> Stub
where
    F: Future<Output = ()> + Send + 'static,
{
    Stub::accept(move |stream| {
        let then = then.clone();
        async move {
            let (socket, url) = open(stream, protocol).await;
            then(socket, url).await;
        }
    })
    .await
}

async fn client(stub: &Stub, limits: Limits) -> Api {
    let folder = Folder::new();
    Api::connect(&connection(&stub.kubeconfig(&folder)), limits).await.unwrap()
}

/// A command with that input.
fn command(stdin: &[u8]) -> Exec<'_> {
    static WORDS: LazyLock<[String; 2]> =
        LazyLock::new(|| ["cilium-dbg".into(), "status -o json & more".into()]);
    Exec {
        namespace: "kube-system",
        pod: "cilium-x",
        container: "cilium-agent",
        command: &*WORDS,
        stdin,
        limit: 1 << 20,
        time: Duration::from_secs(20),
    }
}

async fn run(stub: &Stub, exec: Exec<'_>) -> Result<Output, ApiError> {
    let api = client(stub, limits()).await;
    timeout(Duration::from_mins(1), api.exec(&exec)).await.expect("it ends")
}

#[tokio::test]
async fn output_errors_and_status_come_back() {
    let urls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&urls);
    let stub = server("v5.channel.k8s.io", move |mut socket, url| {
        seen.lock().unwrap().push(url);
        async move {
            // Servers open every channel with an empty frame.
            for message in [
                frame(1, b""),
                frame(2, b""),
                frame(3, b""),
                frame(1, b"one "),
                Message::Ping("x".into()),
                frame(2, b"oops"),
                frame(1, b"two"),
                frame(3, br#"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#),
            ] {
                socket.send(message).await.unwrap();
            }
            let _ = socket.close(None).await;
            // What has not been read when a socket is dropped takes unread output with it.
            while socket.next().await.is_some() {}
        }
    })
    .await;
    let output = run(&stub, command(b"")).await.unwrap();
    let expected =
        Output { stdout: b"one two".into(), stderr: b"oops".into(), end: End::Exited(3) };
    assert_eq!(output, expected);
    assert_eq!(
        *urls.lock().unwrap(),
        [
            "/api/v1/namespaces/kube-system/pods/cilium-x/exec?container=cilium%2Dagent&stdin=false&stdout=true&stderr=true&command=cilium%2Ddbg&command=status%20%2Do%20json%20%26%20more"
        ]
    );
}

/// Sends back what it reads: until the channel is closed, or until so many bytes have come.
async fn echo(mut socket: Socket, enough: usize) {
    let mut read = 0;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Binary(data) = message else { continue };
        match data[0] {
            0 => {
                read += data.len() - 1;
                socket.send(frame(1, &data[1..])).await.unwrap();
            }
            255 => {
                assert_eq!(data[1..], [0]);
                break;
            }
            other => panic!("channel {other}"),
        }
        if read >= enough {
            break;
        }
    }
    socket.send(frame(3, SUCCESS)).await.unwrap();
    let _ = socket.close(None).await;
}

#[tokio::test]
async fn much_input_arrives_whole() {
    let input: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 251) as u8).collect();
    for (protocol, enough) in [
        // Only this one can tell the end of the input.
        ("v5.channel.k8s.io", usize::MAX),
        ("v4.channel.k8s.io", input.len()),
    ] {
        let stub = server(protocol, move |socket, _| echo(socket, enough)).await;
        let exec = Exec { limit: 8 << 20, ..command(&input) };
        let output = run(&stub, exec).await.unwrap();
        assert_eq!(output.end, End::Exited(0));
        assert!(output.stdout == input, "{} bytes", output.stdout.len());
    }
}

#[tokio::test]
async fn the_end_of_the_input_is_not_told_to_who_would_not_understand() {
    let stub = server("v4.channel.k8s.io", |mut socket, _| async move {
        let mut read = Vec::new();
        // Nothing but the input comes, however long one listens.
        while let Ok(Some(Ok(message))) = timeout(Duration::from_millis(300), socket.next()).await {
            read.push(message);
        }
        assert_eq!(read, [frame(0, b"exit\n")]);
        socket.send(frame(3, SUCCESS)).await.unwrap();
    })
    .await;
    let output = run(&stub, command(b"exit\n")).await.unwrap();
    assert_eq!(output.end, End::Exited(0));
}

#[tokio::test]
async fn a_command_may_end_without_reading_its_input() {
    let stub = server("v5.channel.k8s.io", |mut socket, _| async move {
        socket.send(frame(1, b"done")).await.unwrap();
        socket.send(frame(3, SUCCESS)).await.unwrap();
        // Reads nothing, and keeps the socket open.
        std::future::pending::<()>().await;
    })
    .await;
    let input = vec![b'x'; 20 << 20];
    let output = run(&stub, command(&input)).await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.end), (&b"done"[..], End::Exited(0)));
}

#[tokio::test]
async fn a_connection_that_breaks_at_any_frame_gives_what_had_come() {
    let all = [frame(1, b"a"), frame(2, b"e"), frame(1, b"b"), frame(1, b"c"), frame(3, SUCCESS)];
    for sent in 0..=all.len() {
        for orderly in [true, false] {
            let frames = all[..sent].to_vec();
            let stub = server("v5.channel.k8s.io", move |mut socket, _| {
                let frames = frames.clone();
                async move {
                    for message in frames {
                        socket.send(message).await.unwrap();
                    }
                    if orderly {
                        let _ = socket.close(None).await;
                    }
                }
            })
            .await;
            let output = run(&stub, command(b"")).await.unwrap();
            let expected: &[u8] = [&b""[..], b"a", b"a", b"ab", b"abc", b"abc"][sent];
            assert_eq!(output.stdout, expected);
            match output.end {
                End::Exited(0) => assert_eq!(sent, all.len()),
                End::Cut(_) => assert!(sent < all.len()),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn silence_ends_in_time() {
    let stub = server("v5.channel.k8s.io", |mut socket, _| async move {
        socket.send(frame(1, b"and then")).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let output = run(&stub, Exec { time: Duration::from_secs(2), ..command(b"") }).await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.end), (&b"and then"[..], End::TimedOut));
}

#[tokio::test]
async fn a_handshake_without_answer_ends_in_time() {
    let stub = Stub::accept(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error =
        run(&stub, Exec { time: Duration::from_millis(400), ..command(b"") }).await.unwrap_err();
    assert_eq!(error, ApiError::TimedOut { after: Duration::from_millis(400) });
    let limits = Limits { deadline: Instant::now(), ..limits() };
    let error = client(&stub, limits).await.exec(&command(b"")).await.unwrap_err();
    assert_eq!(error, ApiError::OutOfTime);
}

#[tokio::test]
async fn too_much_output_is_cut_off_at_the_limit() {
    let stub = server("v5.channel.k8s.io", |mut socket, _| async move {
        // Until the client goes.
        while socket.send(frame(1, &[b'x'; 1000])).await.is_ok() {}
    })
    .await;
    let output = run(&stub, Exec { limit: 4500, ..command(b"") }).await.unwrap();
    assert_eq!((output.stdout.len(), output.end), (4500, End::TooLong));
}

#[tokio::test]
async fn errors_without_end_do_not_fill_the_memory() {
    let stub = server("v5.channel.k8s.io", |mut socket, _| async move {
        for _ in 0..100 {
            socket.send(frame(2, &[b'x'; 1000])).await.unwrap();
        }
        socket.send(frame(3, SUCCESS)).await.unwrap();
    })
    .await;
    let output = run(&stub, command(b"")).await.unwrap();
    assert_eq!((output.stderr.len(), output.end), (16 << 10, End::Exited(0)));
}

#[tokio::test]
async fn what_the_kubelet_cannot_run_is_told_in_its_words() {
    let stub = server("v5.channel.k8s.io", |mut socket, _| async move {
        let status = br#"{"status":"Failure","message":"exec: \"cilium-dbg\": executable file not found in $PATH","reason":"InternalError","details":{"causes":[{"message":"exec failed"}]},"code":500}"#;
        socket.send(frame(3, status)).await.unwrap();
    })
    .await;
    let output = run(&stub, command(b"")).await.unwrap();
    let said = "exec: \"cilium-dbg\": executable file not found in $PATH";
    assert_eq!(output.end, End::Refused(said.into()));
}

#[tokio::test]
async fn a_refused_handshake_is_told_in_the_servers_words() {
    let status = |code: u16, message: &str| {
        format!(r#"{{"kind":"Status","status":"Failure","message":"{message}","code":{code}}}"#)
    };
    let forbidden = "pods is forbidden: User x cannot create resource pods/exec";
    for (line, body, expected) in [
        ("403 Forbidden", status(403, forbidden), forbidden),
        ("404 Not Found", status(404, "pods cilium-x not found"), "pods cilium-x not found"),
        (
            "500 Internal Server Error",
            status(500, "error dialing backend: EOF"),
            "500: error dialing backend: EOF",
        ),
        ("502 Bad Gateway", "<html>nginx".into(), "502: Bad Gateway"),
        ("403 Forbidden", "no\n".into(), "no"),
        ("200 OK", "{}".into(), "the server opens no WebSocket: failed to switch protocol: 200 OK"),
    ] {
        let stub = Stub::answer(move |_| reply(line, "Content-Type: x\r\n", body.as_bytes())).await;
        let error = run(&stub, command(b"")).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let stub = Stub::accept(|stream| async move { drop(stream) }).await;
    let error = run(&stub, command(b"")).await.unwrap_err();
    assert!(matches!(error, ApiError::Cut { .. }), "{error}");
}
