//! `pods/exec`: a connection that becomes one to the kubelet.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, header,
    header::HeaderValue,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use super::{
    dial::dial,
    locate::{self, Address, Container},
    relay::relay,
    upgrade::Upgrade,
};
use crate::{
    fault::Kind,
    reply::{self, Body},
    request::{Query, Target},
    server::Shared,
    status::{ApiError, ApiResult},
};

/// What came of asking the kubelet.
enum Asked {
    /// It switched protocols: its answer, and the connection.
    Switched(Response<()>, TokioIo<Upgraded>),
    /// It answered something else.
    Answered(StatusCode, HeaderMap, Bytes),
}

/// Who wants to be connected.
pub(crate) struct Client<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The connection, once it is one.
    pub upgrade: OnUpgrade,
    /// What befalls the connection.
    pub fault: Option<Kind>,
}

/// Connects the client with the kubelet.
pub(crate) async fn exec(
    shared: &Arc<Shared>,
    target: &Target,
    query: &Query,
    client: Client<'_>,
) -> ApiResult<Response<Body>> {
    let Client { method, headers, upgrade: client, fault } = client;
    let (container, address) = {
        let store = shared.store();
        let wanted = query.get("container");
        let container = locate::container(&store, &target.namespace, &target.name, wanted)?;
        if container.node.is_empty() {
            let why = format!("pod {} does not have a host assigned", container.pod);
            return Err(ApiError::bad_request(why));
        }
        let address = locate::kubelet(&store, &container.node)?;
        (container, address)
    };
    let upgrade = Upgrade::of(headers, shared.config.minor())
        .ok_or_else(|| ApiError::bad_request("Upgrade request required"))?;
    let uri = uri(&container, query);
    let why = match (ask(&address, method, &uri, headers).await, upgrade) {
        (Ok(Asked::Switched(response, kubelet)), _) => {
            spawn(shared, async move {
                if let Ok(client) = client.await {
                    relay(TokioIo::new(client), kubelet, fault).await;
                }
            });
            return Ok(response.map(|()| reply::full("")));
        }
        (Ok(Asked::Answered(code, headers, body)), Upgrade::Opaque) => {
            return refused(code, &headers, body);
        }
        (Err(why), Upgrade::Opaque) => {
            return Err(ApiError::new(500, "", format!("error dialing backend: {why}")));
        }
        (Ok(Asked::Answered(_, _, body)), Upgrade::Translated) => {
            format!("unable to upgrade connection: {}", String::from_utf8_lossy(&body).trim())
        }
        (Err(why), Upgrade::Translated) => {
            let Address { host, port } = &address;
            format!("error sending request: Post \"https://{host}:{port}{uri}\": {why}")
        }
    };
    spawn(shared, complain(client, ApiError::internal(why)));
    Ok(accept(headers))
}

/// Lets a connection live on its own, but not longer than the server.
fn spawn(shared: &Shared, session: impl Future<Output = ()> + Send + 'static) {
    let mut stop = shared.stopping();
    tokio::spawn(async move {
        tokio::select! {
            () = session => {}
            _ = stop.changed() => {}
        }
    });
}

/// The kubelet's path, with its own names for the channels.
fn uri(container: &Container, query: &Query) -> String {
    let mut wanted = form_urlencoded::Serializer::new(String::new());
    for word in query.all("command") {
        wanted.append_pair("command", word);
    }
    let channels = [("stderr", "error"), ("stdin", "input"), ("stdout", "output"), ("tty", "tty")];
    for (_, name) in channels.iter().filter(|(channel, _)| query.flag(channel)) {
        wanted.append_pair(name, "1");
    }
    let Container { namespace, pod, name, .. } = container;
    format!("/exec/{namespace}/{pod}/{name}?{}", wanted.finish())
}

async fn ask(
    address: &Address,
    method: &Method,
    uri: &str,
    headers: &HeaderMap,
) -> Result<Asked, String> {
    let mut sender = dial(address).await?;
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = method.clone();
    *request.uri_mut() =
        uri.parse().map_err(|error: hyper::http::uri::InvalidUri| error.to_string())?;
    *request.headers_mut() = headers.clone();
    // The client's credentials are the API server's business alone.
    for name in [header::AUTHORIZATION, header::COOKIE, header::CONTENT_LENGTH] {
        request.headers_mut().remove(name);
    }
    let host = format!("{}:{}", address.host, address.port);
    if let Ok(host) = HeaderValue::from_str(&host) {
        request.headers_mut().insert(header::HOST, host);
    }
    let mut response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let io = hyper::upgrade::on(&mut response).await.map_err(|error| error.to_string())?;
        return Ok(Asked::Switched(response.map(|_| ()), TokioIo::new(io)));
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Asked::Answered(parts.status, parts.headers, body))
}

/// A kubelet's refusal is handed on as it is.
fn refused(code: StatusCode, headers: &HeaderMap, body: Bytes) -> ApiResult<Response<Body>> {
    if code.as_u16() < 400 {
        let why = format!("invalid upgrade response: status code {}", code.as_u16());
        return Err(ApiError::new(500, "", why));
    }
    let mut response = Response::new(reply::full(body));
    *response.status_mut() = code;
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    Ok(response)
}

/// The handshake of a WebSocket that ends here.
fn accept(request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(reply::full(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let key = request.get(header::SEC_WEBSOCKET_KEY).map_or(&b""[..], HeaderValue::as_bytes);
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let protocol = HeaderValue::from_static("v5.channel.k8s.io");
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    if let Ok(accept) = derive_accept_key(key).parse() {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// Tells over the error channel what went wrong behind the API server.
async fn complain(client: OnUpgrade, error: ApiError) {
    const ERRORS: u8 = 3;
    let Ok(client) = client.await else { return };
    let socket = TokioIo::new(client);
    let mut socket = WebSocketStream::from_raw_socket(socket, Role::Server, None).await;
    let status = error.to_status().to_string();
    let message = Bytes::from([&[ERRORS], status.as_bytes()].concat());
    // kubectl takes a close without this code for another failure.
    let code = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    if socket.send(Message::Binary(message)).await.is_ok() && socket.close(Some(code)).await.is_ok()
    {
        // Until the client has read it and closes its side.
        while let Some(Ok(_)) = socket.next().await {}
    }
}
