//! `exec`: from the request to the session.

use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Session,
    negotiate::{Carrier, negotiate},
    reply::{self, Body},
    session::{Started, Wanted},
    spdy, websocket,
};
use crate::runtime::{ContainerRef, Exec, Runtime, RuntimeError};

/// Starts the command and upgrades the connection, or answers why not.
pub(super) async fn answer(
    runtime: &impl Runtime,
    container: &ContainerRef,
    mut request: Request<Incoming>,
    upgraded: &UnboundedSender<Session>,
) -> Response<Body> {
    let (command, wanted) = read(request.uri().query().unwrap_or_default());
    if wanted.nothing() {
        let text = "you must specify at least 1 of stdin, stdout, stderr";
        return reply::plain(StatusCode::BAD_REQUEST, text);
    }
    let agreed = match negotiate(request.headers()) {
        Ok(agreed) => agreed,
        Err(refusal) => return refusal.response(),
    };
    let exec = Exec { command: command.clone(), stdin: wanted.stdin };
    let process = match runtime.exec(container, exec).await {
        Ok(process) => Ok(process),
        // What goes wrong in a container runtime shows only after the upgrade.
        Err(RuntimeError::Internal(why)) => Err(why),
        Err(error) => return reply::refused(&error),
    };
    let started = Started { process, command, wanted, telling: agreed.telling };
    let io = hyper::upgrade::on(&mut request);
    let session: Session = Box::pin(async move {
        // A client that went away before the session leaves nobody to tell.
        let Ok(io) = io.await else { return };
        let io = TokioIo::new(io);
        match agreed.carrier {
            Carrier::Spdy => spdy::serve(io, started).await,
            Carrier::WebSocket { half_close } => websocket::serve(io, started, half_close).await,
        }
    });
    // The receiver lives as long as the connection.
    let _ = upgraded.send(session);
    agreed.response
}

/// The command and the channels that a query asks for, in the kubelet's names.
fn read(query: &str) -> (Vec<String>, Wanted) {
    let (mut command, mut wanted) = (Vec::new(), Wanted::default());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let on = value == "1";
        match &*name {
            "command" => command.push(value.into_owned()),
            "input" => wanted.stdin = on,
            "output" => wanted.stdout = on,
            "error" => wanted.stderr = on,
            "tty" => wanted.tty = on,
            _ => {}
        }
    }
    // A terminal has one output.
    wanted.stderr &= !wanted.tty;
    (command, wanted)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::endpoint::session::Wanted;

    #[test]
    fn queries_are_read() {
        let (command, wanted) =
            read("command=sh&command=-c&command=a+b%3Bc&output=1&error=1&tty=1");
        assert_eq!(command, ["sh", "-c", "a b;c"]);
        assert_eq!(wanted, Wanted { stdout: true, tty: true, ..Wanted::default() });
    }
}
