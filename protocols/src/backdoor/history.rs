//! The statements of a session so far, to be shown and had again.

use std::collections::VecDeque;

use super::table::{Align, Cell, Table};

/// Statements that are remembered.
const KEPT: usize = 100;

#[derive(Default)]
pub(super) struct History {
    statements: VecDeque<String>,
    /// How many have been forgotten; numbers count from the session's beginning.
    forgotten: usize,
}

impl History {
    /// A statement that repeats the one before is not remembered.
    pub(super) fn remember(&mut self, statement: &str) {
        if self.statements.back().is_some_and(|last| last == statement) {
            return;
        }
        self.statements.push_back(statement.to_owned());
        if self.statements.len() > KEPT {
            self.statements.pop_front();
            self.forgotten += 1;
        }
    }

    /// The statement that `!` is followed by: another `!`, or a number.
    pub(super) fn recall(&self, which: &str) -> Option<String> {
        if which == "!" {
            return self.statements.back().cloned();
        }
        let number: usize = which.trim().parse().ok()?;
        let index = number.checked_sub(self.forgotten + 1)?;
        self.statements.get(index).cloned()
    }

    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&[("n", Align::Right), ("statement", Align::Left)]);
        for (number, statement) in (self.forgotten + 1..).zip(&self.statements) {
            table.push(vec![Cell::number(number), Cell::text(statement.as_str())]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::{History, KEPT};

    #[test]
    fn the_last_ones_are_remembered_by_their_numbers() {
        let mut history = History::default();
        assert_eq!(history.recall("!"), None);
        for number in 1..=KEPT + 3 {
            history.remember(&format!("statement {number}"));
            history.remember(&format!("statement {number}"));
        }
        assert_eq!(history.table().len(), KEPT);
        assert_eq!(history.recall("3"), None);
        assert_eq!(history.recall("4").unwrap(), "statement 4");
        let last = format!("statement {}", KEPT + 3);
        assert_eq!(history.recall("!"), Some(last.clone()));
        assert_eq!(history.recall(&(KEPT + 3).to_string()), Some(last));
        assert_eq!(history.recall(&(KEPT + 4).to_string()), None);
    }
}
