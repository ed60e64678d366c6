//! SPDY/3 header blocks: names and values, compressed over the whole connection.

use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The words of the dictionary that both sides compress with, each after its length.
const WORDS: &[&str] = &[
    "options",
    "head",
    "post",
    "put",
    "delete",
    "trace",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "content-base",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "method",
    "get",
    "status",
    "200 OK",
    "version",
    "HTTP/1.1",
    "url",
    "public",
    "set-cookie",
    "keep-alive",
    "origin",
];
/// The rest of the dictionary.
const TAIL: &str = concat!(
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505",
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request",
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented",
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00",
    " Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,",
    "application/xml,application/xhtml+xml,text/plain,text/javascript,public",
    "privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.",
);
/// No client of an exec sends more: a block names one stream.
const LARGEST: usize = 64 * 1024;

fn dictionary() -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in WORDS {
        put_text(&mut bytes, word);
    }
    bytes.extend_from_slice(TAIL.as_bytes());
    bytes
}

fn put_length(bytes: &mut Vec<u8>, length: usize) {
    // Nothing that is written here comes near 4 GiB.
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

/// Writes the header blocks of one direction.
pub(super) struct Writer(Compress);

impl Writer {
    /// For a new connection.
    pub(super) fn new() -> io::Result<Self> {
        let mut compress = Compress::new(Compression::default(), true);
        compress.set_dictionary(&dictionary())?;
        Ok(Self(compress))
    }

    /// The block of these headers.
    pub(super) fn write(&mut self, headers: &[(&str, &str)]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        put_length(&mut plain, headers.len());
        for (name, value) in headers {
            put_text(&mut plain, name);
            put_text(&mut plain, value);
        }
        let before = self.0.total_in();
        let mut block = Vec::new();
        loop {
            // With room to spare the flush is complete.
            block.reserve(plain.len() + 64);
            let done = usize::try_from(self.0.total_in() - before).unwrap_or(usize::MAX);
            self.0.compress_vec(
                plain.get(done..).unwrap_or_default(),
                &mut block,
                FlushCompress::Sync,
            )?;
            if block.len() < block.capacity() {
                return Ok(block);
            }
        }
    }
}

/// Reads the header blocks of one direction.
pub(super) struct Reader(Decompress);

impl Reader {
    /// For a new connection.
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    /// The headers of a block, their names in lower case.
    pub(super) fn read(&mut self, block: &[u8]) -> io::Result<Vec<(String, String)>> {
        let plain = self.inflate(block)?;
        let mut rest = plain.as_slice();
        let count = length(&mut rest)?;
        let mut headers = Vec::new();
        for _ in 0..count {
            let name = text(&mut rest)?.to_ascii_lowercase();
            headers.push((name, text(&mut rest)?));
        }
        Ok(headers)
    }

    fn inflate(&mut self, mut block: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        loop {
            plain.reserve(4096);
            let before = self.0.total_in();
            let status = self.0.decompress_vec(block, &mut plain, FlushDecompress::Sync);
            let read = usize::try_from(self.0.total_in() - before).unwrap_or(usize::MAX);
            block = block.get(read..).unwrap_or_default();
            match status {
                // The first block says which dictionary it was compressed with.
                Err(error) if error.needs_dictionary().is_some() => {
                    self.0.set_dictionary(&dictionary())?;
                }
                Err(error) => return Err(error.into()),
                Ok(Status::StreamEnd) => return Err(malformed("the end of the headers")),
                Ok(_) if plain.len() > LARGEST => return Err(malformed("too many headers")),
                Ok(_) if block.is_empty() && plain.len() < plain.capacity() => return Ok(plain),
                Ok(_) => {}
            }
        }
    }
}

fn length(bytes: &mut &[u8]) -> io::Result<usize> {
    let (head, rest) = bytes.split_first_chunk().ok_or_else(|| malformed("a cut header block"))?;
    *bytes = rest;
    usize::try_from(u32::from_be_bytes(*head)).map_err(io::Error::other)
}

fn text(bytes: &mut &[u8]) -> io::Result<String> {
    let length = length(bytes)?;
    let cut = bytes.split_at_checked(length);
    let (head, rest) = cut.ok_or_else(|| malformed("a cut header block"))?;
    *bytes = rest;
    Ok(String::from_utf8_lossy(head).into_owned())
}

/// What no client that speaks the protocol sends.
pub(super) fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("SPDY: {what}"))
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};

    #[test]
    fn what_is_written_is_read() {
        let (mut writer, mut reader) = (Writer::new().unwrap(), Reader::new());
        let long = "x".repeat(10_000);
        for headers in [vec![], vec![("streamtype", "error")], vec![("a", &*long), ("b", "")]] {
            let block = writer.write(&headers).unwrap();
            let read = reader.read(&block).unwrap();
            let read: Vec<_> = read.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(read, headers);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Reader::new().read(b"nonsense").is_err());
    }
}
