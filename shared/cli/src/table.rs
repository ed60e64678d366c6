//! Tables as kubectl prints them: upper-case headers, no borders, columns three blanks apart.

use comfy_table::{ContentArrangement, presets};
use textwrap::core::display_width;

use crate::{Paragraph, control};

/// Blanks between two columns, as in kubectl.
const GAP: u16 = 3;

/// Columns that the last column gets even where the others leave less.
const NARROWEST_LAST_COLUMN: usize = 24;

/// A table of `N` columns, the last of which wraps.
///
/// Cells are plain text from anywhere: control characters in them are shown escaped.
///
/// ```
/// let mut table = kcilium_cli::Table::new(["code", "summary"]);
/// table.row(["KC001", "the pod CIDR covers the gateway"]).row(["KC002", "fine"]);
/// assert_eq!(
///     table.render(80),
///     "CODE    SUMMARY\nKC001   the pod CIDR covers the gateway\nKC002   fine\n"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Table<const N: usize> {
    header: [String; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows. The headers are put in upper case.
    pub fn new(header: [&str; N]) -> Self {
        const { assert!(N > 0, "a table has at least one column") }
        Self { header: header.map(str::to_uppercase), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<Cell: Into<String>>(&mut self, cells: [Cell; N]) -> &mut Self {
        self.rows.push(cells.map(|cell| control::escape(&cell.into()).into_owned()));
        self
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lays the table out for `width` columns: the last column wraps between words, the others
    /// never do. Where those alone are too wide, the table is wider than `width`.
    ///
    /// Every line ends in a line feed, and none in blanks.
    pub fn render(&self, width: usize) -> String {
        let last = Paragraph::new(self.last_column_width(width));
        let mut table = comfy_table::Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(self.header.clone());
        for row in &self.rows {
            let mut row = row.clone();
            row[N - 1] = last.fill(&row[N - 1]);
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP));
        }
        table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    fn last_column_width(&self, width: usize) -> usize {
        let taken: usize =
            (0..N - 1).map(|column| self.column_width(column) + usize::from(GAP)).sum();
        width.saturating_sub(taken).max(NARROWEST_LAST_COLUMN)
    }

    fn column_width(&self, column: usize) -> usize {
        std::iter::once(&self.header)
            .chain(&self.rows)
            .flat_map(|row| row[column].lines())
            .map(display_width)
            .max()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<&str> {
        text.lines().collect()
    }

    #[test]
    fn looks_like_kubectl() {
        let mut table = Table::new(["Node", "Ready", "Summary"]);
        table.row(["worker-1", "True", "fine"]).row(["w2", "Unknown", ""]);
        assert_eq!(
            lines(&table.render(80)),
            ["NODE       READY     SUMMARY", "worker-1   True      fine", "w2         Unknown"]
        );
    }

    #[test]
    fn the_last_column_wraps_under_itself() {
        let mut table = Table::new(["code", "summary"]);
        table.row(["KC001", "the route to the gateway goes through the pod network"]);
        table.row(["KC002", "fine"]);
        assert_eq!(
            lines(&table.render(40)),
            [
                "CODE    SUMMARY",
                "KC001   the route to the gateway goes",
                "        through the pod network",
                "KC002   fine",
            ]
        );
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let mut table = Table::new(["a", "b", "c"]);
        for length in 1..60 {
            table.row(["x".to_owned(), "y".repeat(length % 7), "word ".repeat(length)]);
        }
        for width in [40, 80, 133] {
            assert!(table.render(width).lines().all(|line| line.len() <= width));
        }
    }

    #[test]
    fn a_long_word_is_not_broken() {
        let name = "very-long-name".repeat(6);
        let mut table = Table::new(["code", "summary"]);
        table.row(["KC001", &format!("see {name} for more")]);
        assert_eq!(
            lines(&table.render(40))[1..],
            ["KC001   see", &format!("        {name}"), "        for more"]
        );
    }

    #[test]
    fn wide_columns_leave_some_room_for_the_last() {
        let mut table = Table::new(["name", "summary"]);
        table.row(["n".repeat(60).as_str(), "four words of text"]);
        assert_eq!(lines(&table.render(40)).len(), 2);
    }

    #[test]
    fn no_trailing_blanks() {
        let mut table = Table::new(["a", "b", "c"]);
        table.row(["1", "", ""]).row(["", "", ""]).row(["1", "2 ", "3  "]);
        assert!(table.render(80).lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn hostile_cells_do_not_reach_the_terminal() {
        let mut table = Table::new(["name", "summary"]);
        table.row(["\x1b]0;title\x07", "a\tb\rc"]);
        let text = table.render(80);
        assert!(!text.contains(['\x1b', '\x07', '\t', '\r']), "{text:?}");
    }

    #[test]
    fn wide_characters_are_aligned() {
        let mut table = Table::new(["name", "summary"]);
        table.row(["节点", "x"]).row(["abcd", "y"]);
        assert_eq!(lines(&table.render(80))[1..], ["节点   x", "abcd   y"]);
    }

    #[test]
    fn a_cell_of_several_lines_keeps_the_columns() {
        let mut table = Table::new(["name", "routes", "summary"]);
        table.row(["n1", "10.0.0.0/8\ndefault", "one\ntwo\nthree"]);
        assert_eq!(
            lines(&table.render(80)),
            [
                "NAME   ROUTES       SUMMARY",
                "n1     10.0.0.0/8   one",
                "       default      two",
                "                    three",
            ]
        );
    }

    #[test]
    fn huge_cells_do_no_harm() {
        let mut table = Table::new(["name", "summary"]);
        table.row(["n".repeat(70_000), "word ".repeat(100)]);
        assert!(table.render(80).contains(&"n".repeat(60_000)));
    }

    #[test]
    fn an_empty_table_is_its_header() {
        let table = Table::new(["name", "summary"]);
        assert!(table.is_empty());
        assert_eq!(table.render(80), "NAME   SUMMARY\n");
    }
}
