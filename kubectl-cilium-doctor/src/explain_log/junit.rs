//! What `cilium connectivity test --junit-file` writes: which actions failed, and no more.

use std::io::BufRead;

use anyhow::Context as _;
use kcilium_core::connectivity_log::Tally;
use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

/// Bytes that are read: real files have some hundred kilobytes.
const LARGEST: u64 = 64 << 20;

/// Counts what the file says, in the words of the log's own report.
pub(super) fn read(source: impl BufRead, tally: &mut Tally) -> anyhow::Result<()> {
    let mut reader = Reader::from_reader(source.take(LARGEST));
    let mut buffer = Vec::new();
    let mut open: Vec<Vec<u8>> = Vec::new();
    let mut failed = String::new();
    loop {
        match reader.read_event_into(&mut buffer)? {
            Event::Start(element) => {
                begin(&element, tally)?;
                open.push(element.name().as_ref().to_vec());
            }
            Event::Empty(element) => begin(&element, tally)?,
            Event::End(end) => {
                open.pop();
                let actions = std::mem::take(&mut failed);
                for action in actions.lines().filter(|_| end.name().as_ref() == b"failure") {
                    tally.push(&format!("❌ {action}"));
                }
            }
            Event::Text(text) if is_failure(&open) => failed += &text.decode()?,
            Event::CData(text) if is_failure(&open) => failed += &text.decode()?,
            Event::GeneralRef(reference) if is_failure(&open) => {
                failed += &character(&reference)?;
            }
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => anyhow::bail!("it ends in the middle"),
            _ => {}
        }
        buffer.clear();
    }
}

fn is_failure(open: &[Vec<u8>]) -> bool {
    open.last().is_some_and(|name| name == b"failure")
}

/// `&gt;` and `&#xA;`.
fn character(reference: &BytesRef<'_>) -> anyhow::Result<String> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(character.into());
    }
    let name = reference.decode()?;
    let text = quick_xml::escape::resolve_predefined_entity(&name);
    text.map(str::to_owned).with_context(|| format!("unknown entity `&{name};`"))
}

fn begin(element: &BytesStart<'_>, tally: &mut Tally) -> anyhow::Result<()> {
    let value = |name: &str| -> anyhow::Result<String> {
        let attribute = element.try_get_attribute(name)?;
        Ok(attribute.map(|it| it.unescape_value().map(Into::into)).transpose()?.unwrap_or_default())
    };
    match element.name().as_ref() {
        b"testsuite" => {
            let (failed, all) = (value("failures")?, value("tests")?);
            tally.push(&format!("❌ {failed}/{all} tests failed (0/0 actions)"));
        }
        b"testcase" => {
            let name = value("name")?;
            match value("status")?.as_str() {
                "skipped" => tally.push(&format!("[=] Skipping Test [{name}]")),
                "failed" => {}
                _ => tally.push(&format!("[=] Test [{name}]")),
            }
            tally.push("📋 Test Report");
        }
        _ => {}
    }
    Ok(())
}
