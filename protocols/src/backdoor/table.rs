//! Tables that fit the client's window: columns as wide as they need, then the widest cut, each cut
//! with a mark. No line is longer than the window, whatever is in the cells.
//!
//! What the rows are is the business of `inspect`.

use std::fmt::Write as _;

use rhai::{Array, Dynamic, Map};
use unicode_width::UnicodeWidthChar;

/// Between columns.
const GAP: usize = 2;
/// Columns are not cut below this, as long as that can be avoided.
const LEAST_COLUMN: usize = 6;
/// Where something was cut off.
const MARK: char = '…';

/// Text that is shown as it is, without quotes.
#[derive(Clone, Debug)]
pub(super) struct Plain(pub(super) String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// One value of a row: what is shown, and what a script gets.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    value: Dynamic,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Cell {
            value: text.clone().into(),
            text: clean(&text),
        }
    }

    pub(super) fn number(number: impl TryInto<i64>) -> Self {
        let number = number.try_into().unwrap_or(i64::MAX);
        Cell {
            text: number.to_string(),
            value: number.into(),
        }
    }

    /// With as many places as are shown.
    pub(super) fn shown(value: f64, text: String) -> Self {
        Cell {
            text,
            value: value.into(),
        }
    }

    pub(super) fn nothing() -> Self {
        Cell {
            text: String::new(),
            value: Dynamic::UNIT,
        }
    }
}

/// What `ps()` and its kin give: shown as a table, and for scripts its rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
    /// Below the rows.
    note: Option<String>,
}

impl Table {
    pub(super) fn new(columns: &[(&'static str, Align)]) -> Self {
        Table {
            columns: columns.to_vec(),
            ..Table::default()
        }
    }

    pub(super) fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.note = Some(note.into());
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// An object map a row.
    pub(super) fn rows(&self) -> Array {
        let row = |row: &Vec<Cell>| {
            let cells = self.columns.iter().zip(row);
            let map: Map = cells
                .map(|((name, _), cell)| ((*name).into(), cell.value.clone()))
                .collect();
            Dynamic::from(map)
        };
        self.rows.iter().map(row).collect()
    }

    /// As text of lines that have at most `width` columns.
    pub(super) fn render(&self, width: usize) -> String {
        let widths = self.widths(width);
        let mut text = String::new();
        let titles = self.columns.iter().map(|(name, _)| *name);
        self.line(&mut text, titles, &widths, width);
        for row in &self.rows {
            let cells = row.iter().map(|cell| cell.text.as_str());
            self.line(&mut text, cells, &widths, width);
        }
        if let Some(note) = &self.note {
            text.push_str(&cut(&clean(note), width));
            text.push('\n');
        }
        text.pop();
        text
    }

    /// How wide each column is to be, so that they fit if that is possible.
    fn widths(&self, width: usize) -> Vec<usize> {
        let wanted = |index: usize| {
            let cells = self.rows.iter().map(|row| columns_of(&row[index].text));
            let title = columns_of(self.columns[index].0);
            cells.max().unwrap_or(0).max(title)
        };
        let mut widths: Vec<_> = (0..self.columns.len()).map(wanted).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        loop {
            let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
            let widest = widths.iter_mut().max();
            match widest {
                Some(widest) if excess > 0 && *widest > LEAST_COLUMN => *widest -= 1,
                _ => return widths,
            }
        }
    }

    fn line<'a>(
        &self,
        text: &mut String,
        cells: impl Iterator<Item = &'a str>,
        widths: &[usize],
        width: usize,
    ) {
        let mut line = String::new();
        for (index, cell) in cells.enumerate() {
            let cell = cut(cell, widths[index]);
            let space = widths[index].saturating_sub(columns_of(&cell));
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            match self.columns[index].1 {
                Align::Right => {
                    line.push_str(&" ".repeat(space));
                    line.push_str(&cell);
                }
                Align::Left => {
                    line.push_str(&cell);
                    line.push_str(&" ".repeat(space));
                }
            }
        }
        text.push_str(cut(&line, width).trim_end());
        text.push('\n');
    }
}

/// As it can be shown in one line without doing anything to the terminal: names may be made of what
/// others have sent.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            let _ = write!(cleaned, "{}", character.escape_default());
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

/// How many columns it takes.
fn columns_of(text: &str) -> usize {
    text.chars().map(columns_of_one).sum()
}

fn columns_of_one(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// At most so many columns of it, with a mark if something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns_of(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1; // The mark.
    for character in text.chars() {
        used += columns_of_one(character);
        if used > width {
            break;
        }
        kept.push(character);
    }
    kept.push(MARK);
    kept
}

#[cfg(test)]
mod tests {
    use super::{Align, Cell, Table, columns_of, cut};

    fn table() -> Table {
        let mut table = Table::new(&[
            ("id", Align::Right),
            ("name", Align::Left),
            ("who", Align::Left),
        ]);
        table.push(vec![
            Cell::number(7),
            Cell::text("accept"),
            Cell::text("src/main.rs:20:5"),
        ]);
        table.push(vec![
            Cell::number(12345),
            Cell::nothing(),
            Cell::text("a\x1b[31m\nb"),
        ]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let expected =
            "   id  name    who\n    7  accept  src/main.rs:20:5\n12345          a\\u{1b}[31m\\nb";
        assert_eq!(table().render(80), expected);
    }

    #[test]
    fn no_line_is_longer_than_the_window() {
        for width in 1..60 {
            let text = table().render(width);
            assert_eq!(text.lines().count(), 3, "{text}");
            for line in text.lines() {
                assert!(columns_of(line) <= width, "{width}: {line}");
            }
        }
        assert!(table().render(28).contains("accept  src/main.rs:…"));
    }

    #[test]
    fn wide_characters_count_twice_and_marks_above_letters_not_at_all() {
        assert_eq!(columns_of("日本"), 4);
        assert_eq!(columns_of("e\u{301}"), 1);
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
    }

    #[test]
    fn scripts_get_the_rows() {
        let rows = table().rows();
        let row = rows[1].as_map_ref().unwrap();
        assert_eq!(row["id"].as_int(), Ok(12345));
        assert!(row["name"].is_unit());
    }
}
