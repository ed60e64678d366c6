//! From YAML to the JSON that decoders read.

use std::io::{self, Write};

use super::archive::MAX_ENTRY_BYTES;

/// Writes the same document as JSON, without a tree in between: pods of a large cluster fill
/// hundreds of megabytes.
pub(super) fn to_json(text: &str) -> Result<String, String> {
    let mut json = Bounded(Vec::with_capacity(text.len()));
    let mut serializer = serde_json::Serializer::new(&mut json);
    let mut failed = None;
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options(), |yaml| {
        serde_transcode::transcode(yaml, &mut serializer).map_err(|error| {
            failed = Some(error.to_string());
            serde::de::Error::custom("the document cannot be written as JSON")
        })
    });
    read.map_err(|error| {
        let error = failed.unwrap_or_else(|| error.to_string());
        // The reader shows the lines round the mistake; the first line says where it is.
        error.lines().next().unwrap_or_default().to_owned()
    })?;
    String::from_utf8(json.0).map_err(|error| error.to_string())
}

/// The size of the text is bounded already. Its depth stays so, and aliases, by which a short text
/// becomes a long document, are written by nobody who writes Kubernetes' objects.
fn options() -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! {
        max_events: usize::MAX,
        max_nodes: usize::MAX,
        max_total_scalar_bytes: usize::MAX,
        max_anchors: 0,
        max_aliases: 0,
        max_documents: 1,
    };
    serde_saphyr::options! { budget: budget, with_snippet: false }
}

/// A buffer that takes no more than the largest file.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.0.len() + bytes.len()) as u64 > 2 * MAX_ENTRY_BYTES {
            return Err(io::Error::other("it is too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
