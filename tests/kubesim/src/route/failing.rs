//! What faults make of an answer.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, channel::Channel};
use hyper::{Response, header};

use super::{Asked, action};
use crate::{fault::Kind, reply::Body, status::ApiError};

/// The error that a fault stands for, in a real server's words.
pub(super) fn failing(fault: &Kind, asked: &Asked) -> Option<ApiError> {
    match fault {
        Kind::ExpiredToken => Some(ApiError::unauthorized()),
        Kind::Forbidden => Some(action(asked).denied(&asked.user)),
        Kind::Status { code, retry_after } => {
            let error = match code {
                401 => ApiError::unauthorized(),
                403 => action(asked).denied(&asked.user),
                410 => ApiError::expired("The resourceVersion for the provided list is too old."),
                // Priority and fairness rejects before any API is reached.
                429 => ApiError {
                    plain: true,
                    ..ApiError::new(
                        429,
                        "TooManyRequests",
                        "Too many requests, please try again later.\n",
                    )
                },
                500 => ApiError::internal("etcdserver: request timed out"),
                503 => ApiError::new(503, "ServiceUnavailable", "apiserver not ready"),
                504 => ApiError::new(
                    504,
                    "Timeout",
                    "Timeout: request did not complete within the allotted timeout",
                ),
                other => ApiError::new(*other, "", format!("the server answered {other}")),
            };
            Some(match retry_after {
                Some(seconds) => error.retry_after(*seconds),
                None => error,
            })
        }
        _ => None,
    }
}

/// Lets the connection break after so many bytes of the body.
pub(super) async fn cut(response: Response<Body>, bytes: usize) -> io::Result<Response<Body>> {
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await?.to_bytes();
    // With the length left as it was the client knows that something is missing.
    parts.headers.insert(header::CONTENT_LENGTH, whole.len().into());
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(2);
    tokio::spawn(async move {
        let head = whole.slice(..bytes.min(whole.len()));
        // A client that went away has its wish already.
        let _ = sender.send_data(head).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        sender.abort(io::ErrorKind::ConnectionReset.into());
    });
    Ok(Response::from_parts(parts, body.boxed()))
}
