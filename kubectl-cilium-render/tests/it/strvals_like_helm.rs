//! What `--set` and its kin mean is what they mean to Helm.

use std::io;

use kubectl_cilium_render::{
    layers::{Map, SetFlag},
    strvals,
};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::Value;

use crate::{
    ambiguous,
    helm::{Chart, VERSIONS},
};

const FILE: &str = "two\nlines, and = {more}\n";

type Argument = (SetFlag, String);

/// What we make of these arguments, applied in Helm's order.
fn ours(arguments: &[Argument]) -> Result<Value, String> {
    let read_file = |path: &str| match path {
        "file" => Ok(FILE.to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let mut values = Map::new();
    for flag in SetFlag::ALL {
        for (number, (_, text)) in arguments.iter().filter(|(kind, _)| *kind == flag).enumerate() {
            strvals::apply(&mut values, flag, number + 1, text, &read_file).map_err(|error| {
                format!("{error}: {}", std::error::Error::source(&error).unwrap())
            })?;
        }
    }
    Ok(serde_json::to_value(&values).unwrap())
}

fn helms(chart: &Chart, version: u32, arguments: &[Argument]) -> Result<Value, String> {
    let words: Vec<String> =
        arguments.iter().map(|(flag, text)| format!("{flag}={text}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    chart.render(version, &words).map(|printed| serde_json::from_str(&printed[0]).unwrap())
}

/// Where the two Helms do not agree, the newer is right, or the line is refused.
fn assert_same(chart: &Chart, arguments: &[Argument]) {
    let ours = ours(arguments);
    let [older, newer] = VERSIONS.map(|version| helms(chart, version, arguments));
    match (&ours, &older, &newer) {
        (Ok(ours), _, Ok(newer)) => assert_eq!(ours, newer, "{arguments:?}"),
        (Err(_), Err(_), _) | (Err(_), _, Err(_)) => {}
        _ => panic!("{arguments:?}\nHelm: {older:?}, {newer:?}\nours: {ours:?}"),
    }
}

fn chart() -> Chart {
    let chart = Chart::of_values();
    chart.file("file", FILE.as_bytes());
    chart
}

const LINES: &[&str] = &[
    "a=1,b=2",
    "a=1,",
    "a",
    "a,",
    "=",
    "=1",
    "a=",
    "a=,b=1",
    "a.b=1,a.c=2",
    "a.=1",
    "a.",
    ".a=1",
    "a..b=1",
    "a=1,a.b=2",
    "a=null,a.b=1",
    "a=null",
    "a=NULL",
    "a=True",
    "a=tRuE",
    "a=false",
    "a=0",
    "a=00",
    "a=01",
    "a=-0",
    "a=-5",
    "a=+5",
    "a=1_0",
    "a=1.5",
    "a=1e3",
    "a=yes",
    "a=0x10",
    "a=9223372036854775807",
    "a=9223372036854775808",
    "a=-9223372036854775808",
    "a= 1",
    "a=1 ",
    " a=1",
    "a\\,b=1",
    "a=x\\,y",
    "a\\.b=1",
    "a=x\\=y",
    "a\\=b=1",
    "a=b=c",
    "a=x\\",
    "a\\",
    "a=\\{x",
    "a={",
    "a={}",
    "a={,}",
    "a={1,x,true,null,}",
    "a={1,2",
    "a={1,2}b=3",
    "a={1,2},b=3",
    "a={1,2}=3",
    "a={x\\,y,z}",
    "a={x\\}}",
    "a={{x}}",
    "a[0]=1",
    "a[1]=1",
    "a[0]",
    "a[]=1",
    "a[",
    "a[x]=1",
    "a[-1]=1",
    "a[ 0]=1",
    "a[+0]=1",
    "a[0]b=1",
    "a[0].b=1",
    "a[0].b=",
    "a[0].b",
    "a[0].",
    "a[0].b=1,a[0].c=2",
    "a[0]=1,a[0].b=2",
    "a[0][1]=1",
    "a[1][0]=1,a[1][1]=2",
    "a[0][0]",
    "a[0][",
    "a[0]={1,2}",
    "a[0]=,b=1",
    "a[0]=",
    "a[2]=1,a[0]=2",
    "a=1,a[0]=2",
    "a={1,2},a[1]=3",
    "a[0]=1,a=2",
    "a[65536]=1",
    "a[65537]=1",
    "a[99999999]=1",
    "a[99999999999999999999]=1",
    "[0]=1",
    "a.b[0].c.d=1",
    "a=\"x\"",
    "a='x'",
    "a=x y",
    "a=é",
    "é=1",
    "a=~",
    "a=[]",
    "a=[1",
    "a=]",
    "a]=1",
    "}=1",
    "a=}",
    "a={1},a.b=1",
    "a.b=1,a[0]=1",
    "a=1,,b=2",
    ",",
    ",a=1",
    ".",
    "..",
    "[",
    "]",
    "\\",
    "a=\n",
    "a=1\\n",
    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1",
    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1",
];

const JSON: &[&str] = &[
    "a=1",
    "a={\"b\":[1,null,\"x\"]}",
    "a=",
    "a=,b=1",
    "a= 1 , b=2",
    "a=1b=2",
    "a=\"x\"y=1",
    "a=x",
    "a=[1,]",
    "a={\"a\":1,\"a\":2}",
    "a=\"\\u00e9\\ud83d\\ude00\\ud800x\"",
    "a=\"\\x\"",
    "a=1e400",
    "a=1e3",
    "a=01",
    "a=-",
    "a=1.",
    "a=9007199254740993",
    "a=null,a.b=1",
    "a[0]={\"b\":1},a[0].c=2",
    "a[0]=",
    "a.b=\"x\",a.c=true",
    "a=[",
    "a=\"",
    "a={\"b\"}",
    "a=nul",
    "a=truex",
    "a=1e-9",
];

#[test]
fn the_corners_of_the_grammar() {
    let chart = chart();
    let mut cases: Vec<Argument> = Vec::new();
    for (number, line) in LINES.iter().enumerate() {
        cases.push((SetFlag::Set, (*line).to_owned()));
        // The grammar is the same but for values: a part of the lines will do.
        if number % 3 == 0 {
            cases.push((SetFlag::SetString, (*line).to_owned()));
            cases.push((SetFlag::SetLiteral, (*line).to_owned()));
        }
    }
    cases.extend(JSON.iter().map(|line| (SetFlag::SetJson, (*line).to_owned())));
    let files = ["a=file", "a={file,file}", "a=none", "a=", "a[0]=file,b=file", "a=file,"];
    cases.extend(files.map(|line| (SetFlag::SetFile, line.to_owned())));
    // Helm takes its time to start, twice for each case.
    let chart = &chart;
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len() / 4 + 1) {
            scope.spawn(move || {
                for case in part {
                    assert_same(chart, std::slice::from_ref(case));
                }
            });
        }
    });
}

#[test]
fn the_kinds_are_applied_in_order() {
    let chart = chart();
    let every: Vec<Argument> = [
        (SetFlag::SetLiteral, "a=literal"),
        (SetFlag::SetFile, "b=file"),
        (SetFlag::SetString, "c=1"),
        (SetFlag::Set, "d=1"),
        (SetFlag::SetJson, "e=1"),
    ]
    .map(|(flag, text)| (flag, text.to_owned()))
    .into();
    for (flag, _) in &every {
        let all = ["a", "b", "c", "d", "e"].map(|key| format!("{key}=file"));
        let mut arguments = every.clone();
        arguments.extend(
            all.into_iter().filter(|_| *flag != SetFlag::SetJson).map(|text| (*flag, text)),
        );
        assert_same(&chart, &arguments);
    }
}

#[test]
fn helm_4_takes_a_whole_object() {
    let argument = [(SetFlag::SetJson, r#" {"a": {"b": 1}} "#.to_owned())];
    assert_eq!(ours(&argument).unwrap(), helms(&chart(), 4, &argument).unwrap());
    assert!(helms(&chart(), 3, &argument).is_err());
}

#[test]
fn generated_lines() {
    let key = prop::sample::select(vec![
        "a", "b", "a.b", "a.c", "b.a", "a[0]", "a[1]", "a[1].b", "a[0][1]", "b[2].c", "a\\.b", "",
    ]);
    let value = prop_oneof![
        ambiguous::text().prop_filter("fits an argument", |text| !text.contains('\0')),
        "[0-9a,{}\\\\=]{0,6}",
        Just("{1,x}".to_owned()),
    ];
    let pair = (key, value).prop_map(|(key, value)| format!("{key}={value}"));
    let line = prop::collection::vec(pair, 1..4).prop_map(|pairs| pairs.join(","));
    let flag = prop::sample::select(vec![
        SetFlag::Set,
        SetFlag::Set,
        SetFlag::SetString,
        SetFlag::SetLiteral,
    ]);
    let arguments = prop::collection::vec((flag, line), 1..3);
    let mut runner = TestRunner::deterministic();
    let chart = chart();
    for _ in 0..cases() {
        assert_same(&chart, &arguments.new_tree(&mut runner).unwrap().current());
    }
}

/// Each takes two runs of Helm; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(50)
}

proptest! {
    #[test]
    fn garbage_does_no_harm(text in "\\PC{0,40}", flag in prop::sample::select(SetFlag::ALL.to_vec())) {
        let _ = ours(&[(flag, text)]);
    }

    #[test]
    fn grammar_garbage_does_no_harm(text in "[ab01=,.{}\\[\\]\\\\\"]{0,40}", flag in prop::sample::select(SetFlag::ALL.to_vec())) {
        let _ = ours(&[(flag, text)]);
    }
}
