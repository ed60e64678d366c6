//! The order of keys.

use std::cmp::Ordering;

/// Sorts keys as go-yaml does.
///
/// Its comparison is no total order: for some keys a < b < c < a, and the standard sort may panic
/// over it. Merging halves terminates whatever the comparison says.
pub(super) fn sort<T: Copy>(items: &mut [(&str, T)]) {
    let middle = items.len() / 2;
    if middle == 0 {
        return;
    }
    sort(&mut items[..middle]);
    sort(&mut items[middle..]);
    let (left, right) = (items[..middle].to_vec(), items[middle..].to_vec());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    for slot in items {
        let from_right = match (left.peek(), right.peek()) {
            (Some((left, _)), Some((right, _))) => compare(right, left) == Ordering::Less,
            (None, _) => true,
            (_, None) => false,
        };
        let next = if from_right { right.next() } else { left.next() };
        if let Some(next) = next {
            *slot = next;
        }
    }
}

/// Digits count as numbers, and letters come after everything else.
fn compare(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    for at in 0..a.len().min(b.len()) {
        let (left, right) = (a[at], b[at]);
        if left == right {
            continue;
        }
        return match (left.is_alphabetic(), right.is_alphabetic()) {
            (true, true) => left.cmp(&right),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_numbers(&a, &b, at),
        };
    }
    a.len().cmp(&b.len())
}

/// Compares from a place where neither has a letter.
fn compare_numbers(a: &[char], b: &[char], at: usize) -> Ordering {
    // Zeros count where digits other than zero stand before them.
    let is_within_number = (a[at] == '0' || b[at] == '0')
        && a[..at].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
    let number = |text: &[char]| {
        let digits = text[at..].iter().take_while(|c| c.is_ascii_digit());
        digits.fold((i64::from(is_within_number), at), |(number, end), digit| {
            let digit = i64::from(u32::from(*digit) - u32::from('0'));
            (number.wrapping_mul(10).wrapping_add(digit), end + 1)
        })
    };
    number(a).cmp(&number(b)).then(a[at].cmp(&b[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(keys: &[&'static str]) -> Vec<&'static str> {
        let mut items: Vec<(&str, ())> = keys.iter().map(|key| (*key, ())).collect();
        sort(&mut items);
        items.into_iter().map(|(key, ())| key).collect()
    }

    #[test]
    fn natural() {
        let keys = ["a10", "a2", "B", "a", "_x", "10", "9", "a01", "a1", ""];
        assert_eq!(sorted(&keys), ["", "_x", "9", "10", "B", "a", "a1", "a01", "a2", "a10"]);
    }

    #[test]
    fn circles_do_no_harm() {
        let keys: Vec<String> =
            (0..5000u32).map(|n| format!("{}{}-{}", n % 7, n % 3, n % 11)).collect();
        let mut items: Vec<(&str, ())> = keys.iter().map(|key| (key.as_str(), ())).collect();
        sort(&mut items);
        assert_eq!(items.len(), keys.len());
    }
}
