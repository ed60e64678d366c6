//! `--verify-endpoint`: whether agents could talk to the API server at the address they are given.

use std::{fmt, time::Duration};

use kcilium_cli::{Exit, Failure, Style, interrupt};
use kcilium_cluster::{
    certificate::{self, Certificate, Trust},
    kubeconfig::Connection,
};
use kcilium_core::facts::ApiServer;

use crate::{
    args::Render,
    detect::Endpoint,
    layers::{Map, Value},
    source::Cluster,
};

/// How long connecting may take. Agents on the same network need milliseconds.
const TIME: Duration = Duration::from_secs(5);

/// What a look at the address gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    is_good: bool,
    text: String,
}

impl Verdict {
    /// How to label it.
    pub fn label(&self) -> (Style, &'static str) {
        if self.is_good { (Style::Info, "note:") } else { (Style::Error, "error:") }
    }

    /// What it makes of the run.
    pub fn exit(&self) -> Exit {
        if self.is_good { Exit::Fine } else { Exit::Findings }
    }

    fn bad(text: String) -> Self {
        Self { is_good: false, text }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Cluster {
    /// Connects to the address in the values, or to the detected one where none is needed.
    pub(crate) fn verify(
        &self,
        values: &Map,
        detected: Option<&Endpoint>,
        args: &Render,
    ) -> Result<Verdict, Failure> {
        let (host, port) = if let Some(host) = text(values, "k8sServiceHost") {
            (host, text(values, "k8sServicePort").unwrap_or_else(|| "443".to_owned()))
        } else if let Some(endpoint) = detected {
            (endpoint.host.clone(), endpoint.port.to_string())
        } else {
            let text = "there is no address of the API server to verify";
            return Ok(Verdict::bad(text.to_owned()));
        };
        let Ok(number) = port.parse() else {
            return Ok(Verdict::bad(format!("k8sServicePort is `{port}`, which is no port")));
        };
        let time = TIME.min(args.live.timeout);
        let authorities = self.connection.as_ref().and_then(Connection::authorities);
        let shown =
            interrupt::block_on(certificate::certificate(&host, number, authorities, time))?;
        let place = ApiServer { host: host.clone(), port, from: None }.to_string();
        Ok(match shown {
            Ok(certificate) => judge(&place, &host, &certificate),
            Err(error) => Verdict::bad(format!("{place} is no API server seen from here: {error}")),
        })
    }
}

fn judge(place: &str, host: &str, certificate: &Certificate) -> Verdict {
    let names = match &certificate.names.names[..] {
        [] => "no name at all".to_owned(),
        names => names.join(", "),
    };
    if !certificate.names.is_for(host) {
        return Verdict::bad(format!(
            "the certificate at {place} is not for that host, so agents refuse it; it is for \
             {names}"
        ));
    }
    match &certificate.trust {
        Trust::Trusted => Verdict {
            is_good: true,
            text: format!("{place} answers with a certificate of this cluster, for {names}"),
        },
        Trust::NotJudged => Verdict {
            is_good: true,
            text: format!(
                "{place} answers with a certificate for {names}; whether it is this cluster's is \
                 not known, for want of its certificate authority"
            ),
        },
        Trust::Refused(why) => {
            Verdict::bad(format!("agents refuse the certificate at {place}: {why}"))
        }
    }
}

fn text(values: &Map, key: &str) -> Option<String> {
    match &values.get(key)?.value {
        Value::String(text) if !text.is_empty() && text != "auto" => Some(text.clone()),
        Value::Number(number) => Some(number.to_yaml()),
        _ => None,
    }
}
