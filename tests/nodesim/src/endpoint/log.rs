//! `containerLogs`: a container's log as a stream of text.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Response, StatusCode,
    body::{Body, Frame},
};
use jiff::Timestamp;

use super::reply;
use crate::runtime::{ContainerRef, LogOptions, Logs, Runtime};

/// Answers a request for a log.
pub(super) async fn answer(
    runtime: &impl Runtime,
    container: &ContainerRef,
    query: &str,
) -> Response<reply::Body> {
    let options = match options(query) {
        Ok(options) => options,
        Err(why) => return reply::plain(StatusCode::BAD_REQUEST, format!("{why}\n")),
    };
    match runtime.logs(container, options).await {
        Ok(logs) => reply::with_body(Chunks(logs).boxed()),
        Err(error) => reply::refused(&error),
    }
}

/// Reads `PodLogOptions` as they stand in a query.
fn options(query: &str) -> Result<LogOptions, String> {
    let mut options = LogOptions::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let flag = || matches!(&*value, "true" | "1");
        let number = || match value.parse::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(error) => Err(format!("invalid {name} {value:?}: {error}")),
        };
        match &*name {
            "follow" => options.follow = flag(),
            "previous" => options.previous = flag(),
            "timestamps" => options.timestamps = flag(),
            "tailLines" => options.tail_lines = number()?,
            "sinceSeconds" => options.since_seconds = number()?,
            "sinceTime" => options.since_seconds = Some(age(&value)?),
            "limitBytes" => options.limit_bytes = number()?,
            _ => {}
        }
    }
    Ok(options)
}

/// How many seconds ago that was.
fn age(time: &str) -> Result<u64, String> {
    let time: Timestamp =
        time.parse().map_err(|error| format!("invalid sinceTime {time:?}: {error}"))?;
    let age = Timestamp::now().duration_since(time).as_secs();
    // What lies in the future has not been written yet.
    Ok(u64::try_from(age).unwrap_or(0))
}

/// A log as the body of an answer.
struct Chunks(Logs);

impl Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk.into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::options;
    use crate::runtime::LogOptions;

    #[test]
    fn options_are_read() {
        let found = options("follow=true&tailLines=3&limitBytes=10&stream=All").unwrap();
        let wanted = LogOptions {
            follow: true,
            tail_lines: Some(3),
            limit_bytes: Some(10),
            ..LogOptions::default()
        };
        assert_eq!(found, wanted);
        assert!(options("tailLines=some").is_err());
        let hour = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
        let found = options(&format!("sinceTime={hour}")).unwrap();
        assert!((3600..3660).contains(&found.since_seconds.unwrap()), "{found:?}");
    }
}
