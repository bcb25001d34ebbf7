//! The last lines of a child's standard error, for whoever asks why it has ended.
//!
//! Reading them on also keeps the child from waiting for somebody to do so.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Read;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::io::PipeReader;
use eventlet_green::spawn;
use eventlet_green::sync::WaitGroup;

/// How many of the last lines are kept: a message with its context, or a short backtrace.
pub const TAIL_LINES: usize = 20;

/// How many bytes of each line are kept: of a longer one, its beginning.
pub const TAIL_LINE: usize = 1024;

/// How much is read at once.
const PIECE: usize = 4096;

/// A standard error that is read to its end.
pub(super) struct Tail {
    lines: Rc<RefCell<Lines>>,
    pipe: PipeReader,
    reading: WaitGroup,
}

/// Lines as they come in pieces.
#[derive(Debug, Default)]
struct Lines {
    /// The last one may go on.
    lines: VecDeque<Vec<u8>>,
    is_open: bool,
}

impl Tail {
    pub(super) fn begin(mut pipe: PipeReader) -> Self {
        let this = Tail {
            lines: Rc::default(),
            pipe: pipe.clone(),
            reading: WaitGroup::new(),
        };
        let (lines, member) = (Rc::clone(&this.lines), this.reading.add());
        spawn(move || {
            let mut piece = vec![0; PIECE];
            // Until the end, or until it is closed.
            while let Ok(count @ 1..) = pipe.read(&mut piece) {
                lines.borrow_mut().add(&piece[..count]);
            }
            drop(member);
        });
        this
    }

    /// The last lines, waiting at most so long for the end.
    pub(super) fn lines(&self, patience: Duration) -> Vec<String> {
        // If nobody can wait, those that have come.
        let _ = self.reading.wait_timeout(patience);
        let lines = self.lines.borrow();
        let text = lines.lines.iter();
        text.map(|line| String::from_utf8_lossy(line).into_owned())
            .collect()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if self.reading.members() > 0 {
            // Fails where no descriptor is left; then it ends with the child.
            let _ = self.pipe.close();
        }
    }
}

impl Lines {
    fn add(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            if !self.is_open {
                if self.lines.len() == TAIL_LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(Vec::new());
            }
            let text = part.strip_suffix(b"\n");
            self.is_open = text.is_none();
            if let Some(line) = self.lines.back_mut() {
                let text = text.unwrap_or(part);
                let room = TAIL_LINE - line.len();
                line.extend_from_slice(&text[..text.len().min(room)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, TAIL_LINE, TAIL_LINES};

    #[test]
    fn the_last_lines_however_they_are_cut() {
        let text = b"one\ntwo\n\nfour";
        for cut in 0..=text.len() {
            let mut lines = Lines::default();
            lines.add(&text[..cut]);
            lines.add(&text[cut..]);
            assert_eq!(lines.lines, [&b"one"[..], b"two", b"", b"four"], "{cut}");
        }
    }

    #[test]
    fn at_the_limits_and_one_past_them() {
        let mut lines = Lines::default();
        for number in 0..TAIL_LINES {
            lines.add(format!("{number}\n").as_bytes());
        }
        assert_eq!(
            (lines.lines.len(), &*lines.lines[0]),
            (TAIL_LINES, &b"0"[..])
        );
        lines.add(b"more\n");
        assert_eq!(
            (lines.lines.len(), &*lines.lines[0]),
            (TAIL_LINES, &b"1"[..])
        );
        for length in [TAIL_LINE, TAIL_LINE + 1] {
            lines.add(&vec![b'x'; length]);
            lines.add(b"\n");
            assert_eq!(lines.lines.back().unwrap().len(), TAIL_LINE);
        }
    }
}
