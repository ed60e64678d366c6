//! Identifiers that look random and are the same in every run.

/// A stream of numbers that a seed decides (SplitMix64).
struct Numbers(u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    }
}

/// What an identifier is for, so that equal numbers of different things differ.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    Node = 1,
    CiliumNode,
    Boot,
    Machine,
    Pod,
    Token,
    Container,
    Endpoint,
    Identity,
    Deployment,
    ReplicaSet,
    TemplateHash,
    System,
    Image,
}

fn numbers(what: Use, index: usize) -> Numbers {
    Numbers((what as u64) << 48 ^ index as u64)
}

/// A UUID of version 4.
pub(super) fn uid(what: Use, index: usize) -> String {
    let mut bytes = [0; 16];
    for (byte, number) in bytes.iter_mut().zip(numbers(what, index).flat_map(u64::to_le_bytes)) {
        *byte = number;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// That many hexadecimal digits, at most 64.
pub(super) fn hex(what: Use, index: usize, digits: usize) -> String {
    const DIGITS: &[u8] = b"0123456789abcdef";
    word(what, index, digits, DIGITS)
}

const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// That many of the letters and digits that generated names are made of, at most 64.
pub(super) fn letters(what: Use, index: usize, length: usize) -> String {
    word(what, index, length, LETTERS)
}

/// The five letters at the end of a pod's name, which no other number below 14 million gets.
pub(super) fn suffix(number: usize) -> String {
    const ALL: usize = LETTERS.len().pow(5);
    // Prime to the number of all suffixes, so that every number has one of its own.
    const STRIDE: usize = 7_654_321;
    let mut rest = number % ALL * STRIDE % ALL;
    let mut next = || {
        let letter = LETTERS[rest % LETTERS.len()];
        rest /= LETTERS.len();
        char::from(letter)
    };
    (0..5).map(|_| next()).collect()
}

fn word(what: Use, index: usize, length: usize, alphabet: &[u8]) -> String {
    numbers(what, index)
        .flat_map(u64::to_le_bytes)
        .take(length)
        .map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Use, hex, letters, suffix, uid};

    #[test]
    fn identifiers_are_steady_and_differ() {
        assert_eq!(uid(Use::Pod, 1), uid(Use::Pod, 1));
        assert_ne!(uid(Use::Pod, 1), uid(Use::Pod, 2));
        assert_ne!(uid(Use::Pod, 1), uid(Use::Node, 1));
        assert_eq!((hex(Use::Container, 0, 62).len(), letters(Use::Token, 0, 5).len()), (62, 5));
        let suffixes: std::collections::BTreeSet<_> = (0..20_000).map(suffix).collect();
        assert_eq!(suffixes.len(), 20_000);
    }
}
