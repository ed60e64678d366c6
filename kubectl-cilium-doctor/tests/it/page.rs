//! `-o html`: one page, whole in itself.

use std::fs;

use crate::doctor::{CLASH, HEALTHY, doctor, finish, run, workspace};

/// The classes and titles of the bars in the map of addresses.
fn bars(page: &str) -> Vec<(String, String)> {
    page.split("<g class=\"")
        .skip(1)
        .map(|rest| {
            let (class, rest) = rest.split_once('"').unwrap();
            let title = rest.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
            (class.to_owned(), title.to_owned())
        })
        .collect()
}

#[test]
fn the_page_says_the_verdict_and_shows_what_collides() {
    let page = run(&["--from", CLASH, "-o", "html"]).printed(1);
    assert!(page.starts_with("<!DOCTYPE html><html"), "{}", &page[..80]);
    assert!(
        page.contains("<h1>Cilium's pod CIDRs swallowed the LAN's gateway and DNS server</h1>")
    );
    let bars = bars(&page);
    let class = |prefix: &str| {
        let bar = bars.iter().find(|(_, title)| title.starts_with(prefix));
        bar.map_or_else(|| panic!("{prefix}: {bars:?}"), |(class, _)| class.as_str())
    };
    assert_eq!(class("10.0.0.0/24 pods of node3"), "collides");
    assert_eq!(class("10.0.0.1/32 default gateway and DNS server"), "collides");
    assert_eq!(class("10.24.0.0/24 LAN"), "latent");
    assert_eq!(class("172.17.0.0/16 LAN"), "lan");
}

#[test]
fn nothing_collides_on_a_healthy_cluster() {
    let page = run(&["--from", HEALTHY, "-o", "html"]).printed(0);
    assert!(page.contains("<h1>Nothing bad was found</h1>"));
    let bars = bars(&page);
    assert!(bars.iter().any(|(class, _)| class == "pods"), "{bars:?}");
    assert!(bars.iter().all(|(class, _)| class != "collides" && class != "latent"), "{bars:?}");
}

#[test]
fn the_page_asks_for_nothing_and_runs_nothing() {
    let example = fs::read_to_string(workspace().join(CLASH)).unwrap();
    let hostile = example.replace("node3", "<script>alert(1)</script>");
    let page = finish(doctor(&["--from", "-", "-o", "html"]).write_stdin(hostile)).stdout;
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for word in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn junit_has_a_case_for_each_rule() {
    let xml = run(&["--from", CLASH, "-o", "junit"]).printed(1);
    let rules = run(&["rules", "-o", "short"]).printed(0).lines().count();
    assert_eq!(xml.matches("<testcase ").count(), rules);
    let failures = xml.matches("<failure ").count();
    assert!(failures >= 3, "{xml}");
    assert!(xml.contains(&format!("tests=\"{rules}\" failures=\"{failures}\"")), "{xml}");
    // What fails the run fails in the report, and nothing else does.
    let xml = run(&["--from", HEALTHY, "-o", "junit"]).printed(0);
    assert!(xml.contains("failures=\"0\"") && !xml.contains("<failure"), "{xml}");
    let example = fs::read_to_string(workspace().join(CLASH)).unwrap();
    let hostile = example.replace("node3", "a<b>&\\u0000\\u001b");
    let xml = finish(doctor(&["--from", "-", "-o", "junit"]).write_stdin(hostile)).stdout;
    assert!(xml.contains("a&lt;b&gt;&amp;\\u{0}\\u{1b}"), "{xml}");
}
