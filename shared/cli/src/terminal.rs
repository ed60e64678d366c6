//! The width that reports are laid out for.

use std::ffi::OsStr;

/// Width, in columns, where nothing says how wide the reader's screen is.
pub const DEFAULT_WIDTH: usize = 80;

/// Width, in columns, below which no layout makes sense; a narrower terminal wraps by itself.
pub const MIN_WIDTH: usize = 40;

/// Columns to lay a report out for: of the terminal if standard output is one, else `COLUMNS`,
/// else [`DEFAULT_WIDTH`]; at least [`MIN_WIDTH`].
pub fn width() -> usize {
    let terminal = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0);
    choose_width(terminal, std::env::var_os("COLUMNS").as_deref())
}

fn choose_width(terminal: Option<u16>, columns: Option<&OsStr>) -> usize {
    let columns = || columns?.to_str()?.trim().parse::<u16>().ok();
    terminal
        .filter(|width| *width > 0)
        .or_else(|| columns().filter(|width| *width > 0))
        .map_or(DEFAULT_WIDTH, usize::from)
        .max(MIN_WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(terminal: Option<u16>, columns: Option<&str>) -> usize {
        choose_width(terminal, columns.map(OsStr::new))
    }

    #[test]
    fn the_terminal_comes_first() {
        assert_eq!(chosen(Some(132), Some("100")), 132);
        assert_eq!(chosen(None, Some("100")), 100);
        assert_eq!(chosen(None, None), 80);
    }

    #[test]
    fn nonsense_is_not_a_width() {
        assert_eq!(chosen(Some(0), None), 80);
        assert_eq!(chosen(Some(0), Some("0")), 80);
        assert_eq!(chosen(None, Some("wide")), 80);
        assert_eq!(chosen(None, Some("-1")), 80);
        assert_eq!(chosen(None, Some("99999999")), 80);
    }

    #[test]
    fn never_narrower_than_the_minimum() {
        assert_eq!(chosen(Some(12), None), MIN_WIDTH);
        assert_eq!(chosen(None, Some("1")), MIN_WIDTH);
    }
}
