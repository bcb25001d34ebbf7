//! How far a parser has looked into a head that comes in pieces, and whether another attempt at it is
//! worth its cost (a head ends with an empty line: RFC 9112 section 2.1).
//!
//! Only line ends are searched for, each byte once. What the lines mean is the parsers' business.

/// Up to this length, each new line is worth an attempt, so that a fault is seen at once. Above it
/// the head must have doubled: attempts cost no more than twice its length in all.
const CHEAP: usize = 4096;

/// Belongs to one head.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// How long the head was at the last attempt to parse it; zero before the first.
    pub(super) tried: usize,
    /// Up to where line ends have been searched for.
    seen: usize,
    /// Where the line begins that `seen` is in; zero for the first.
    pub(super) line_start: usize,
}

impl Progress {
    pub(super) const NONE: Progress = Progress {
        tried: 0,
        seen: 0,
        line_start: 0,
    };

    /// Looks for line ends in what is new: whether the head is over, or there is a new line and an
    /// attempt is cheap.
    pub(super) fn is_worth_trying(&mut self, text: &[u8]) -> bool {
        let mut has_new_line = false;
        let mut is_over = false;
        while let Some(at) = text[self.seen..].iter().position(|&byte| byte == b'\n') {
            let end = self.seen + at;
            is_over |= matches!(&text[self.line_start..end], b"" | b"\r");
            has_new_line = true;
            self.line_start = end + 1;
            self.seen = end + 1;
        }
        self.seen = text.len();
        let is_cheap = text.len() <= CHEAP || text.len() / 2 >= self.tried;
        is_over || (has_new_line && is_cheap)
    }
}
