//! Questions to a report in JSON.

use serde_json::Value;

/// A report, and the exit code that came with it.
#[derive(Debug)]
pub(crate) struct Report {
    value: Value,
    pub(crate) code: Option<i32>,
}

impl Report {
    pub(crate) fn parse(json: &str, code: Option<i32>) -> Self {
        let value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
        Self { value, code }
    }

    /// The verdicts as `confirmed C-CLASH`.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        items(&self.value["verdicts"])
            .map(|verdict| format!("{} {}", text(&verdict["confidence"]), text(&verdict["cause"])))
            .collect()
    }

    /// The version of the Cilium that was examined.
    pub(crate) fn version(&self) -> &str {
        text(&self.value["examined"]["ciliumVersion"])
    }

    /// The verdict with that cause.
    pub(crate) fn verdict(&self, cause: &str) -> &Value {
        items(&self.value["verdicts"])
            .find(|verdict| verdict["cause"] == cause)
            .unwrap_or_else(|| panic!("no {cause} in {:#}", self.value))
    }

    /// The links of a verdict's chain as `fact (source)`.
    pub(crate) fn chain(&self, cause: &str) -> Vec<String> {
        items(&self.verdict(cause)["chain"])
            .map(|link| match link["source"].as_str() {
                Some(source) => format!("{} ({source})", text(&link["text"])),
                None => text(&link["text"]).to_owned(),
            })
            .collect()
    }

    /// A verdict's list of that name.
    pub(crate) fn list(&self, cause: &str, name: &str) -> Vec<&str> {
        items(&self.verdict(cause)[name]).map(text).collect()
    }

    /// The commands of a verdict's fix, with their comments.
    pub(crate) fn commands(&self, cause: &str) -> Vec<&str> {
        let steps = items(&self.verdict(cause)["fix"]);
        steps.flat_map(|step| items(&step["commands"])).map(text).collect()
    }

    /// What a rule found, `observed` or `predicted`.
    pub(crate) fn findings<'a>(
        &'a self,
        code: &'a str,
        basis: &'a str,
    ) -> impl Iterator<Item = &'a Value> {
        items(&self.value["findings"])
            .filter(move |finding| finding["code"] == code && finding["basis"] == basis)
    }

    /// The subjects of what a rule saw.
    pub(crate) fn subjects<'a>(&'a self, code: &'a str) -> Vec<&'a str> {
        self.findings(code, "observed").map(|finding| text(&finding["subject"])).collect()
    }

    /// Codes of the rules that saw something worse than `info`, each once.
    pub(crate) fn alarms(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = items(&self.value["findings"])
            .filter(|finding| finding["basis"] == "observed" && finding["severity"] != "info")
            .map(|finding| text(&finding["code"]))
            .collect();
        codes.dedup();
        codes
    }

    /// What is not known, as `subject: why`.
    pub(crate) fn unknown(&self) -> Vec<String> {
        items(&self.value["unknown"])
            .map(|unknown| format!("{}: {}", text(&unknown["subject"]), text(&unknown["why"])))
            .collect()
    }

    /// The part of that name.
    pub(crate) fn part(&self, name: &str) -> &Value {
        &self.value[name]
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A string; anything else is a change of the report's form.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

/// Whether one of the lines holds all of the words.
pub(crate) fn says(lines: &[impl AsRef<str>], words: &[&str]) -> bool {
    lines.iter().any(|line| words.iter().all(|word| line.as_ref().contains(word)))
}
