//! A program on a terminal of its own: `script` of util-linux makes one, and passes on what is typed.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// What somebody types who is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Typed {
    /// This and the enter key.
    Line(&'static str),
    /// Ctrl-D.
    End,
    /// Ctrl-C.
    Interrupt,
}

/// What was on the screen in the end.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) code: Option<i32>,
    pub(crate) screen: String,
}

/// Runs a program there, and types once the screen shows the question.
pub(crate) fn answer(program: &Command, question: &str, typed: Typed) -> Session {
    let words = [program.get_program()].into_iter().chain(program.get_args());
    let words: Vec<String> = words.map(|word| quoted(word.to_str().unwrap())).collect();
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--flush", "--return", "--command", &words.join(" "), "/dev/null"]);
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).env("NO_COLOR", "1");
    let mut child = terminal.spawn().unwrap();
    let (mut keyboard, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (sender, news) = mpsc::channel();
    thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut part) {
            if sender.send(part[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    let (mut screen, mut is_answered) = (Vec::new(), false);
    // The end of what is shown is the end of the program.
    while let Ok(part) = news.recv_timeout(Duration::from_mins(2)) {
        screen.extend(part);
        if !is_answered && String::from_utf8_lossy(&screen).contains(question) {
            let keys = match typed {
                Typed::Line(text) => format!("{text}\n"),
                Typed::End => "\x04".into(),
                Typed::Interrupt => "\x03".into(),
            };
            keyboard.write_all(keys.as_bytes()).unwrap();
            is_answered = true;
        }
    }
    let code = child.wait().unwrap().code();
    let screen = String::from_utf8_lossy(&screen).replace('\r', "");
    assert!(is_answered, "`{question}` was not asked: {screen}");
    assert!(!screen.contains("panicked"), "{screen}");
    Session { code, screen }
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
