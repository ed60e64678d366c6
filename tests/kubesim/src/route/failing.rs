//! What faults make of an answer.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Response,
    body::{Body as _, Frame},
    header,
};
use tokio::time::Sleep;

use super::{Asked, action};
use crate::{fault::Kind, reply::Body, status::ApiError};

/// The error that a fault stands for, in a real server's words.
pub(super) fn failing(fault: &Kind, asked: &Asked) -> Option<ApiError> {
    match fault {
        Kind::ExpiredToken => Some(ApiError::unauthorized()),
        Kind::Forbidden => Some(action(asked).denied(&asked.user)),
        Kind::Denied(message) => Some(ApiError::new(403, "Forbidden", message.as_str())),
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

/// Lets the body end before its time, if that is the fault.
pub(super) fn cut(response: Response<Body>, fault: &Kind) -> Response<Body> {
    let (left, end) = match *fault {
        Kind::Cut(bytes) => (bytes, End::Breaks),
        Kind::Stall(bytes) => (bytes, End::Stalls),
        _ => return response,
    };
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        // With the length left as it was the client knows that something is missing.
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, CutBody { body, left, end }.boxed())
}

/// What comes after the last byte.
enum End {
    /// Nothing.
    Stalls,
    /// An error.
    Breaks,
    /// An error, as soon as what was given out has been sent.
    Breaking(Pin<Box<Sleep>>),
}

/// A body that does not come to its end.
struct CutBody {
    body: Body,
    left: usize,
    end: End,
}

impl hyper::body::Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left > 0 {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context)).transpose()?;
            if let Some(mut data) = frame.and_then(|frame| frame.into_data().ok()) {
                data.truncate(self.left);
                self.left -= data.len();
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            self.left = 0;
        }
        if matches!(self.end, End::Breaks) {
            self.end = End::Breaking(Box::pin(tokio::time::sleep(Duration::from_millis(20))));
        }
        let End::Breaking(sent) = &mut self.end else { return Poll::Pending };
        ready!(sent.as_mut().poll(context));
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
