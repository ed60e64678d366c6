//! What people see.

use std::fs;

use insta::assert_snapshot;

use crate::doctor::{CLASH, EXAMPLES, HEALTHY, NO_MASQUERADE, doctor, finish, run, workspace};

#[test]
fn the_clash_is_told_from_the_verdict_on() {
    assert_snapshot!("clash_text", run(&["--from", CLASH]).printed(1));
    assert_snapshot!("clash_short", run(&["--from", CLASH, "-o", "short"]).printed(1));
}

#[test]
fn of_healthy_nodes_there_is_little_to_tell() {
    assert_snapshot!("healthy_text", run(&["--from", HEALTHY]).printed(0));
    let short = run(&["--from", HEALTHY, "-o", "short"]).printed(0);
    let worse = short.lines().find(|line| !line.starts_with("info "));
    assert_eq!(worse, None);
}

#[test]
fn of_dead_egress_it_asks_and_shows_the_ways_out() {
    assert_snapshot!("no_masquerade_text", run(&["--from", NO_MASQUERADE]).printed(0));
}

/// The words that a line to be copied begins with.
const COMMANDS: [&str; 7] = ["# ", "ip ", "helm ", "kubectl ", "mv ", "sysctl ", "systemctl "];

#[test]
fn lines_fit_the_terminal_and_end_in_no_blank() {
    for file in EXAMPLES {
        for format in ["text", "wide"] {
            for line in run(&["--from", file, "-o", format]).stdout.lines() {
                let is_verbatim = COMMANDS.iter().any(|word| line.trim_start().starts_with(word));
                let width = line.chars().count();
                assert!(width <= 80 || is_verbatim, "{file} {format}: {width} columns: {line}");
                assert_eq!(line, line.trim_end(), "{file} {format}");
            }
        }
    }
}

#[test]
fn a_narrow_and_a_wide_terminal_are_respected() {
    for width in [60, 120] {
        let mut command = doctor(&["--from", CLASH]);
        let run = finish(command.env("COLUMNS", width.to_string()));
        let prose = |line: &&str| !COMMANDS.iter().any(|word| line.trim_start().starts_with(word));
        let longest =
            run.stdout.lines().filter(prose).map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width && longest > width - 20, "{longest} of {width} columns");
    }
}

#[test]
fn wide_tells_all_that_text_tells_and_more() {
    let text = run(&["--from", CLASH]).stdout;
    let wide = run(&["--from", CLASH, "-o", "wide"]).printed(1);
    assert!(wide.len() > text.len());
    for words in ["impact: ", "Beware", "kubectl drain NODE", "What it explains"] {
        assert!(wide.contains(words) && !text.contains(words), "{words}: {wide}");
    }
    // What is cut short ends in brackets.
    let whole = |line: &&str| !line.contains("[…]") && !line.contains("-o wide");
    let told = |line: &str| line.trim_start_matches(['C', ' ', '-']).to_owned();
    let wide: Vec<String> = wide.lines().map(told).collect();
    let verdict = text.split("It explains").next().unwrap();
    for line in verdict.lines().filter(whole) {
        assert!(wide.contains(&told(line)), "{line}");
    }
}

#[test]
fn the_report_is_a_screen_and_says_what_it_leaves_out() {
    for file in EXAMPLES {
        let lines = run(&["--from", file]).stdout.lines().count();
        assert!((1..=40).contains(&lines), "{file}: {lines}");
        let narrow = finish(doctor(&["--from", file]).env("COLUMNS", "60"));
        assert!(narrow.stdout.lines().count() <= 46, "{file}: {}", narrow.stdout);
    }
    let clash = run(&["--from", CLASH]).stdout;
    assert!(
        clash.contains("`-o wide` tells all (left out: 1 caution, 1 check, 2 consequences, "),
        "{clash}"
    );
}

/// Three nodes of the clash, and two that are well.
fn five_nodes() -> serde_json::Value {
    let read = |file| -> serde_json::Value {
        serde_json::from_slice(&fs::read(workspace().join(file)).unwrap()).unwrap()
    };
    let mut facts = read(CLASH);
    let (sick, well) = (facts["nodes"][0].clone(), read(HEALTHY)["nodes"][0].clone());
    facts["nodes"] = (1..=5)
        .map(|number| {
            let mut node = if [3, 5].contains(&number) { well.clone() } else { sick.clone() };
            node["name"] = format!("n{number}").into();
            node
        })
        .collect();
    facts
}

#[test]
fn what_several_nodes_suffer_from_is_told_once() {
    let shown = |format| {
        let mut command = doctor(&["--from", "-", "-o", format]);
        finish(command.write_stdin(five_nodes().to_string())).printed(1)
    };
    let (text, wide) = (shown("text"), shown("wide"));
    for report in [&text, &wide] {
        assert_eq!(report.matches("CONFIRMED").count(), 1, "{report}");
        assert!(report.contains("Found on all 5 nodes"), "{report}");
    }
    let found: Vec<&str> = wide.split("\n  block ").filter(|it| it.starts_with("RT-01")).collect();
    let [found] = found[..] else { panic!("{wide}") };
    let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(found.contains("cilium_host (on 3 of 5 nodes: n1, n2, n4)"), "{found}");
}

#[test]
fn each_short_line_stands_for_itself() {
    const WORDS: [&str; 7] = ["confirmed", "likely", "block", "error", "warn", "info", "unknown"];
    for file in EXAMPLES {
        for line in run(&["--from", file, "-o", "short"]).stdout.lines() {
            let mut words = line.split_whitespace();
            let (word, code) = (words.next().unwrap(), words.next().unwrap());
            assert!(WORDS.contains(&word), "{line}");
            let prefixes = [
                "C-", "AG-", "API-", "CFG-", "CIDR-", "CNI-", "DNS-", "KP-", "OP-", "POD-", "RT-",
                "SCH-",
            ];
            assert!(prefixes.iter().any(|prefix| code.starts_with(prefix)), "{line}");
            assert!(words.count() >= 2, "{line}");
        }
    }
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    for format in ["text", "wide", "short", "json", "yaml"] {
        let plain = run(&["--from", CLASH, "-o", format]).stdout;
        assert!(!plain.contains('\x1b'), "{format}");
        // Without NO_COLOR too: this is no terminal.
        let mut command = doctor(&["--from", CLASH, "-o", format]);
        let piped = finish(command.env_remove("NO_COLOR"));
        assert_eq!(piped.stdout, plain, "{format}");
    }
    for format in ["text", "wide"] {
        let plain = run(&["--from", CLASH, "-o", format]).stdout;
        let coloured = run(&["--from", CLASH, "-o", format, "--color", "always"]).stdout;
        assert!(coloured.contains('\x1b'), "{format}");
        assert_eq!(without_colours(&coloured), plain, "{format}");
    }
    // Programs read these.
    for format in ["json", "yaml"] {
        let coloured = run(&["--from", CLASH, "-o", format, "--color", "always"]).stdout;
        assert!(!coloured.contains('\x1b'), "{format}");
    }
}

/// The text without `ESC [ … m`.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    plain
}
