//! Nothing is created before somebody at a terminal has seen what, and said yes.

use netlab::{require_programs, require_root_netns};

use crate::{
    packets::agent,
    probing::{assert_nothing_is_left, namespaces_created},
    stage::Stage,
    terminal::{Session, Typed, answer},
};

const QUESTION: &str = "Create these objects? [y/N/p]";

/// The doctor on a terminal, with a node agent.
async fn asked(stage: &Stage, arguments: &[&str], typed: Typed) -> Session {
    let agent = agent(stage);
    let mut command = stage.command(arguments);
    command.arg("--no-internet").arg("--node-agent").arg(agent);
    tokio::task::spawn_blocking(move || answer(&command, QUESTION, typed)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_yes_is_a_consent() {
    if !require_root_netns() || !require_programs(&["script"]) {
        return;
    }
    let stage = Stage::with_nodes("homelab-healthy").await;
    let nodes = ["--nodes", "node1"];
    for typed in [Typed::Line("n"), Typed::Line(""), Typed::Line("yo"), Typed::End] {
        let Session { code, screen } = asked(&stage, &nodes, typed).await;
        assert_eq!(code, Some(0), "{typed:?}: {screen}");
        assert!(screen.contains("pod egress"), "{typed:?}: {screen}");
        assert_eq!(namespaces_created(&stage), 0, "{typed:?}: {screen}");
    }
    // These agents see no networks of pods.
    let Session { code, screen } = asked(&stage, &nodes, Typed::Line("p")).await;
    assert_eq!((code, namespaces_created(&stage)), (Some(0), 0), "{screen}");
    assert!(screen.contains("agents have it since Cilium 1.16"), "{screen}");

    let Session { code, screen } = asked(&stage, &nodes, Typed::Interrupt).await;
    assert_eq!((code, namespaces_created(&stage)), (Some(130), 0), "{screen}");

    let Session { code, screen } = asked(&stage, &nodes, Typed::Line("y")).await;
    assert_eq!((code, namespaces_created(&stage)), (Some(0), 1), "{screen}");
    let place = |words: &str| screen.find(words).unwrap_or_else(|| panic!("{words}: {screen}"));
    let question = place(QUESTION);
    for words in [
        "this creates, and removes at the end:",
        "namespace kcilium-probe-",
        "ConfigMaps with the node agent for amd64",
        "raw sockets, in the host's network",
    ] {
        assert!(place(words) < question, "{words}: {screen}");
    }
    assert_nothing_is_left(&stage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_nodes_a_few_are_probed_from_and_the_question_says_so() {
    if !require_programs(&["script"]) {
        return;
    }
    let stage = Stage::of_objects("fleet(60,600)").await;
    let Session { screen, .. } = asked(&stage, &[], Typed::Line("n")).await;
    let question = screen.find(QUESTION).unwrap();
    for words in ["probes start from 20 of 60 nodes", "  40 pods, with images that the nodes have:"]
    {
        assert!(screen.find(words).is_some_and(|it| it < question), "{words}: {screen}");
    }
    assert_eq!(namespaces_created(&stage), 0);
}
