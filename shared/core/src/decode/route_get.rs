//! `ip -d -N -j -force -batch -`, fed with one `route get ADDRESS` per line.
//!
//! Each line that succeeds prints a list of one route on stdout; each that fails prints the kernel's
//! error and the line's number on stderr, and nothing on stdout. Together they tell which answer
//! belongs to which line.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use super::DecodeError;
use super::iproute2::{RawVia, route_kind};
use crate::facts::{KernelLookup, LinkName, LookupAnswer, LookupRefusal, RouteKind, TableId};

/// The kernel's answers to these questions, in their order.
///
/// # Errors
/// When an answer is missing or none that is known: which one it is for could be wrong then, so
/// none is given.
pub fn answers(
    questions: &[IpAddr],
    stdout: &str,
    stderr: &str,
) -> Result<Vec<KernelLookup>, DecodeError> {
    let mut failed = failures(stderr)?;
    let mut ways = serde_json::Deserializer::from_str(stdout).into_iter::<Vec<RawAnswer>>();
    let mut lookups = Vec::with_capacity(questions.len());
    for (line, destination) in (1_usize..).zip(questions) {
        let answer = match failed.remove(&line) {
            Some(error) => LookupAnswer::Refused(
                refusal(error)
                    .ok_or_else(|| DecodeError::new(format!("route get {destination}: {error}")))?,
            ),
            None => match ways.next().transpose()?.as_deref() {
                Some([way]) if way.dst == *destination => way.answer()?,
                _ => return Err(DecodeError::new(format!("no answer to route get {destination}"))),
            },
        };
        lookups.push(KernelLookup { destination: *destination, answer });
    }
    if !failed.is_empty() || ways.next().is_some() {
        return Err(DecodeError::new("more answers than questions"));
    }
    Ok(lookups)
}

/// Errors by the number of the line that they belong to.
fn failures(stderr: &str) -> Result<BTreeMap<usize, &str>, DecodeError> {
    let mut found = BTreeMap::new();
    let mut error = None;
    for text in stderr.lines() {
        match text.strip_prefix("Command failed -:") {
            Some(number) => {
                let error = error.take().unwrap_or("no error was given");
                let number = number.trim().parse().map_err(|_| DecodeError::new(text))?;
                found.insert(number, error);
            }
            None => error = Some(text.trim()),
        }
    }
    // The last line says which command it was, unless `ip` itself failed.
    error.map_or(Ok(found), |error| Err(DecodeError::new(error)))
}

/// What an error says about the address. Those that speak of the asking itself, and those that are
/// not known, say nothing.
fn refusal(error: &str) -> Option<LookupRefusal> {
    match error.strip_prefix("RTNETLINK answers: ")? {
        "Network is unreachable" => Some(LookupRefusal::NoRoute),
        "No route to host" => Some(LookupRefusal::Unreachable),
        "Permission denied" => Some(LookupRefusal::Prohibited),
        "Invalid argument" => Some(LookupRefusal::Blackhole),
        "Operation not permitted" | "Cannot allocate memory" | "No buffer space available" => None,
        _ => Some(LookupRefusal::Other),
    }
}

#[derive(Deserialize)]
struct RawAnswer {
    #[serde(rename = "type")]
    kind: Option<String>,
    dst: IpAddr,
    dev: Option<LinkName>,
    gateway: Option<IpAddr>,
    via: Option<RawVia>,
    prefsrc: Option<IpAddr>,
    table: Option<String>,
}

impl RawAnswer {
    fn answer(&self) -> Result<LookupAnswer, DecodeError> {
        // IPv4 refuses with an error, IPv6 may show the route that refuses.
        let refusal = match self.kind.as_deref().map_or(RouteKind::Unicast, route_kind) {
            RouteKind::Blackhole => Some(LookupRefusal::Blackhole),
            RouteKind::Unreachable => Some(LookupRefusal::Unreachable),
            RouteKind::Prohibit => Some(LookupRefusal::Prohibited),
            RouteKind::Throw => Some(LookupRefusal::NoRoute),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Ok(LookupAnswer::Refused(refusal));
        }
        let link = self.dev.clone().ok_or_else(|| {
            DecodeError::new(format!("route get {}: a way without an interface", self.dst))
        })?;
        let table = self.table.as_deref().map(str::parse::<TableId>).transpose().map_err(|_| {
            DecodeError::new(format!("route get {}: a table without a number", self.dst))
        })?;
        Ok(LookupAnswer::Route {
            link,
            gateway: self.gateway.or(self.via.as_ref().map(|via| via.host)),
            source: self.prefsrc,
            table,
        })
    }
}
