//! What a server remembers from one head to the next, since nearly all say the same: comparing is
//! cheaper than checking, and sharing than keeping another.
//!
//! Two things: the host (RFC 9110 section 7.2), and all the fields of a simple request. A client says
//! the same of itself with each request (RFC 7541 makes heads smaller by that), and so do all clients
//! of a kind, such as those that ask whether a server is alive. What is valid is decided in
//! [`target`](super::target), and what is simple in [`head_view`](super::head_view); here it is
//! remembered.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use http::HeaderValue;

use super::cut_head::{CutHead, offset_in};

/// Longer ones are not remembered.
const LONGEST_HOST: usize = 256;

/// Longer ones are not remembered; a browser's are shorter, unless it has many cookies.
const LONGEST_FIELDS: usize = 2048;

/// So many others in a row, and what is remembered is replaced by the last: else the first client
/// would rule, and where they come in turn, replacing would cost more than it brings.
const PATIENCE: u32 = 16;

/// Counts the others that come in a row.
#[derive(Debug, Default)]
struct Patience {
    others: Cell<u32>,
}

impl Patience {
    fn came_again(&self) {
        self.others.set(0);
    }

    /// Another one has come; says whether it is to be remembered instead.
    fn is_over(&self) -> bool {
        self.others.set(self.others.get() + 1);
        self.others.get() == PATIENCE
    }
}

/// The `Host` of most requests.
#[derive(Debug, Default)]
pub(super) struct KnownHost {
    value: Option<HeaderValue>,
    patience: Patience,
}

impl KnownHost {
    /// The value with this text, if it is the one that is known.
    pub(super) fn get(&self, text: &[u8]) -> Option<HeaderValue> {
        let value = self.value.as_ref();
        value.filter(|_| self.is(text)).cloned()
    }

    /// Whether it is the one that is known, which has come again then.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        let is_known = self.value.as_ref().is_some_and(|known| known == text);
        if is_known {
            self.came_again();
        }
        is_known
    }

    pub(super) fn came_again(&self) {
        self.patience.came_again();
    }

    /// Another one, which has been found valid.
    pub(super) fn met(&mut self, text: &[u8]) {
        let is_due = self.patience.is_over() || self.value.is_none();
        if is_due && text.len() <= LONGEST_HOST {
            // A copy: the head it came in is not to be kept for its sake.
            self.value = HeaderValue::from_bytes(text).ok();
            self.patience.came_again();
        }
    }
}

/// The fields of most simple requests.
#[derive(Debug, Default)]
pub(super) struct KnownFields {
    value: Option<Rc<SimpleFields>>,
    patience: Patience,
}

impl KnownFields {
    /// Those that are known. They are shared, since others may take their place while a request with
    /// them is answered.
    pub(super) fn get(&self) -> Option<Rc<SimpleFields>> {
        self.value.clone()
    }

    pub(super) fn came_again(&self) {
        self.patience.came_again();
    }

    /// Others, of a simple request.
    pub(super) fn met(&mut self, cut: &CutHead<'_, '_>) {
        let is_due = self.patience.is_over() || self.value.is_none();
        if is_due && cut.text.len() - cut.line_end <= LONGEST_FIELDS {
            self.value = Some(Rc::new(SimpleFields::of(cut)));
            self.patience.came_again();
        }
    }
}

/// The fields of a simple request, a copy of their own.
#[derive(Debug)]
pub(crate) struct SimpleFields {
    /// From the end of the request line to that of the head.
    text: Vec<u8>,
    fields: Vec<(String, Range<usize>)>,
}

impl SimpleFields {
    fn of(cut: &CutHead<'_, '_>) -> Self {
        let text = &cut.text[cut.line_end..];
        let copied = cut.fields.iter().map(|field| {
            let start = match field.value {
                [] => 0,
                value => offset_in(text, value),
            };
            (field.name.to_owned(), start..start + field.value.len())
        });
        SimpleFields {
            text: text.to_vec(),
            fields: copied.collect(),
        }
    }

    /// What follows the request line, its line end included.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Name and value of one of them.
    pub(super) fn get(&self, at: usize) -> (&str, &[u8]) {
        let (name, range) = &self.fields[at];
        (name, &self.text[range.clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    #[test]
    fn the_first_is_remembered_until_others_come_again_and_again() {
        let mut known = KnownHost::default();
        assert_eq!(known.get(b"a.example"), None);
        known.met(b"a.example");
        for _ in 1..PATIENCE {
            known.met(b"b.example");
        }
        assert_eq!(known.get(b"a.example").unwrap(), "a.example");
        for _ in 1..PATIENCE {
            known.met(b"b.example");
        }
        assert_eq!(known.get(b"b.example"), None);
        known.met(b"b.example");
        assert_eq!(known.get(b"b.example").unwrap(), "b.example");
        assert_eq!(known.get(b"a.example"), None);
        assert_eq!(known.get(b"b.exampl"), None);
    }

    #[test]
    fn one_that_comes_again_and_again_stays() {
        let mut known = KnownHost::default();
        known.met(b"a.example");
        for _ in 0..10 {
            for _ in 1..PATIENCE {
                assert!(!known.is(b"b.example"));
                known.met(b"b.example");
            }
            assert!(known.is(b"a.example"));
        }
    }

    #[test]
    fn one_that_is_too_long_is_not_remembered() {
        let mut known = KnownHost::default();
        for _ in 0..20 {
            known.met("a".repeat(LONGEST_HOST + 1).as_bytes());
        }
        assert_eq!(known.value, None);
        known.met("a".repeat(LONGEST_HOST).as_bytes());
        assert!(known.value.is_some());
    }

    /// Has a head with these fields come.
    fn meet(known: &mut KnownFields, fields: &str) {
        let text = format!("GET /a HTTP/1.1\r\n{fields}\r\n");
        let mut slots = CutHead::slots();
        let limits = Limits::default();
        known.met(&CutHead::ordinary(&mut slots, text.as_bytes(), &limits).unwrap());
    }

    fn text(known: &KnownFields) -> String {
        String::from_utf8(known.get().unwrap().text().to_vec()).unwrap()
    }

    #[test]
    fn fields_are_remembered_until_others_come_again_and_again() {
        let mut known = KnownFields::default();
        assert!(known.get().is_none());
        meet(&mut known, "Host: a\r\nx-y:\r\nX-Z: \t z z \r\n");
        for _ in 1..PATIENCE {
            meet(&mut known, "Host: b\r\n");
        }
        let fields = known.get().unwrap();
        let all: Vec<_> = (0..fields.len()).map(|at| fields.get(at)).collect();
        let (host, empty, spaced) = (&b"a"[..], &b""[..], &b"z z"[..]);
        assert_eq!(all, [("Host", host), ("x-y", empty), ("X-Z", spaced)]);
        known.came_again();
        for _ in 1..PATIENCE {
            meet(&mut known, "Host: b\r\n");
        }
        assert_eq!(text(&known), "\r\nHost: a\r\nx-y:\r\nX-Z: \t z z \r\n\r\n");
        meet(&mut known, "Host: c\r\n");
        assert_eq!(text(&known), "\r\nHost: c\r\n\r\n");
    }

    #[test]
    fn fields_that_are_too_long_are_not_remembered() {
        let mut known = KnownFields::default();
        let around = "\r\nx: \r\n\r\n".len();
        for _ in 0..20 {
            let value = "a".repeat(LONGEST_FIELDS - around + 1);
            meet(&mut known, &format!("x: {value}\r\n"));
        }
        assert!(known.get().is_none());
        let value = "a".repeat(LONGEST_FIELDS - around);
        meet(&mut known, &format!("x: {value}\r\n"));
        assert_eq!(text(&known).len(), LONGEST_FIELDS);
    }
}
