//! Texts that YAML may take for something else.

use proptest::prelude::*;

/// Scalars at the edges of YAML's types, and characters at the edges of its grammar.
pub(crate) const SCALARS: &[&str] = &[
    "", " ", "~", "null", "Null", "NULL", "nil", "none", "true", "True", "TRUE", "tRUE", "false",
    "yes", "Yes", "YES", "yEs", "no", "on", "On", "ON", "off", "y", "Y", "n", "N", "0", "-0", "+0",
    "00", "007", "0777", "08", "0o17", "0O17", "0x1F", "0X1f", "0x", "0b11", "-0b11", "0b-1", "0b2",
    "1_000", "_1", "1__0", "1_", "123456789012345678901234567890", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
    "-9223372036854775808", "-9223372036854775809", "0xFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFFF",
    "1.5", "1.", ".5", ".1_0", "._1", "-.5", "1e3", "1E3", "1e+3", "1e", "e1", "1e999", "1e21", "1e20",
    "123456.7", "1234567.8", "0.0001", "0.00001", "1e-7", ".", "..", "...", "....", "---", "--- a",
    ".inf", "-.inf", "+.INF", ".nan", "inf", "nan", "1:30", "190:20:30", "1:30.5", "1:60", "12:30:45",
    "2001-01-01", "2001-1-1", "2001-02-30", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10",
    "2001-12-14 21:59:43.10 -5", "2001-01", "<<", "=", "!", "!a", "&", "&a", "*", "*a", "@a", "`a`",
    "%a", "%YAML", "#", "#a", "a#b", "a #b", "a: b", "a:b", "a:", ":", ":a", "::", "- a", "-", "-a",
    "-1", "--", "? a", "?", "?a", "[", "[]", "]", "{", "{}", "}", ",", ",a", "a,b", "|", "|a", ">", ">-",
    "'", "''", "a'b", "\"", "a\"b", "\\", "\\n", "a\\b", "10.244.0.0/16", "fd00::/104", "::1",
    "10.0.0.1:6443", "https://10.24.0.2:6443", "v1.14.2", "1.14", "1.14.2", "sha256:abc", "a  b",
    " a", "a ", "\ta", "a\t", "a\tb", "\n", "\n\n", "a\n", "a\n\n", "a\nb", "a\nb\n", " a\nb", "a\n b",
    "a \nb", "a\n\nb", "\na", "\n a", "a\r\nb", "a\rb", "é", "节点", "\u{1F600}", "\u{a0}", "\u{ad}",
    "\u{feff}a", "\u{b}", "\u{1b}[31m", "0.5m", "100m", "1Gi", "50%", "a=b", "a;b", "$x", "${x}", "{{ x }}",
    "the quick brown fox jumps over the lazy dog and then it jumps over the same lazy dog once more",
    "'the quick brown fox jumps over the lazy dog' and then  it jumps over the same: lazy dog again",
    "\tthe quick brown fox jumps over the lazy dog and then it  jumps over the same lazy dog once more",
];

/// One of [`SCALARS`], or a short text of characters that mean something to YAML.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(SCALARS).prop_map(str::to_owned),
        3 => "[a-c01 :#,'\"\\-\\[\\]{}&*!|>%@?.\\n\t_=+é]{0,8}",
        1 => "[ -~]{0,12}",
        1 => "[a-z :]{70,200}",
        1 => "[a-e \n'\"\\\\]{0,200}",
    ]
}
