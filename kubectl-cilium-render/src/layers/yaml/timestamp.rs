//! Which texts go-yaml takes for a timestamp.

/// Whether go-yaml v2 reads a text as a date, with or without time of day.
///
/// Helm keeps such a scalar as a string, but go-yaml quotes a string that looks like one.
pub(super) fn is_timestamp(text: &str) -> bool {
    // RFC 3339 with short fields; or a blank and no zone; or a date only. No other form of YAML's.
    date(text).is_some_and(|rest| {
        rest.is_empty()
            || rest.strip_prefix(['T', 't']).and_then(time_of_day).is_some_and(is_zone)
            || rest.strip_prefix(' ').and_then(time_of_day) == Some("")
    })
}

fn date(text: &str) -> Option<&str> {
    let (year, rest) = text.split_at_checked(4)?;
    let year: u32 = year.bytes().all(|byte| byte.is_ascii_digit()).then(|| year.parse().ok())??;
    let (month, rest) = field(rest.strip_prefix('-')?, 1..=12)?;
    let (_, rest) = field(rest.strip_prefix('-')?, 1..=days(year, month))?;
    Some(rest)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `15:4:5` with an optional fraction after a dot or, in Go, a comma.
fn time_of_day(text: &str) -> Option<&str> {
    let (_, rest) = two_digits_or_one(text).filter(|(hour, _)| *hour < 24)?;
    let (_, rest) = field(rest.strip_prefix(':')?, 0..=59)?;
    let (_, rest) = field(rest.strip_prefix(':')?, 0..=59)?;
    let Some(fraction) = rest.strip_prefix(['.', ',']) else { return Some(rest) };
    let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
    if end == 0 { None } else { Some(&fraction[end..]) }
}

fn is_zone(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let offset = text.strip_prefix(['+', '-']).and_then(|offset| offset.split_once(':'));
    offset.is_some_and(|(hours, minutes)| {
        let is_below = |digits: &str, limit: u32| {
            digits.len() == 2
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u32>().is_ok_and(|number| number <= limit)
        };
        is_below(hours, 24) && is_below(minutes, 60)
    })
}

fn field(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<(u32, &str)> {
    two_digits_or_one(text).filter(|(number, _)| range.contains(number))
}

fn two_digits_or_one(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::is_timestamp;

    #[test]
    fn what_go_parses() {
        for text in [
            "2001-01-01",
            "2001-1-1",
            "2000-02-29",
            "2001-01-01T1:2:3Z",
            "2001-01-01t01:02:03.5+01:00",
            "2001-1-1 1:2:3",
            "2001-1-1 1:2:3.123456789123",
        ] {
            assert!(is_timestamp(text), "{text}");
        }
        for text in [
            "2001-02-29",
            "2001-13-01",
            "201-01-01",
            "20010-01-01",
            "2001-01-01 1:2:3Z",
            "2001-01-01T1:2:3",
            "2001-01-01T1:2:3 Z",
            "2001-01-01T24:00:00Z",
            "2001-001-01",
            "2001-01-01 ",
            "2001-01",
            "2001-01-01 1:2",
        ] {
            assert!(!is_timestamp(text), "{text}");
        }
    }
}
