//! What running agents say about their devices goes before what they would choose.

use kcilium_core::{
    diagnosis::{Selection, diagnose},
    facts::{AgentDevice, AgentStatus, Fact, KubeProxyReplacement},
    rules::{Outcome, Severity, registry},
};

use crate::fixture::Fixture;

/// What CFG-11 says of a fixture on whose nodes agents attached to these devices.
fn outcome(file: &str, devices: &[&str]) -> Outcome {
    let mut facts = Fixture::of_rules(file).facts();
    for node in &mut facts.nodes {
        let devices = devices
            .iter()
            .map(|name| AgentDevice { name: (*name).to_owned(), ..AgentDevice::default() });
        node.agent_status = Fact::Known(AgentStatus {
            kube_proxy_replacement: Some(KubeProxyReplacement {
                mode: "True".into(),
                devices: devices.collect(),
                ..KubeProxyReplacement::default()
            }),
            ..AgentStatus::default()
        });
    }
    let only = [registry::find("CFG-11").unwrap().code].into_iter().collect();
    let diagnosis = diagnose(&facts, &Selection { only, ..Selection::default() });
    diagnosis.results[0].judgement.outcome()
}

#[test]
fn agents_that_have_the_device_are_believed() {
    assert_eq!(outcome("CFG-11.sick.txt", &["eth0", "eth1"]), Outcome::Ok);
    assert_eq!(outcome("CFG-11.sick-bridge.txt", &["eth0"]), Outcome::Ok);
}

#[test]
fn agents_that_lack_the_device_are_believed() {
    let found = outcome("CFG-11.healthy.txt", &["eth1"]);
    assert_eq!(found, Outcome::Found(Severity::Error));
}

#[test]
fn agents_that_name_no_device_say_nothing() {
    assert_eq!(outcome("CFG-11.healthy.txt", &[]), Outcome::Ok);
}
