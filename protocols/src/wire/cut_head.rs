//! A head cut into its parts (RFC 9112 sections 2.1, 3 and 5), where it lies.
//!
//! `httparse` finds the parts; here their sizes are checked, and that each line ends in CRLF. What the
//! parts mean, and what to say of a head that cannot be cut, is the business of
//! [`request_parser`](super::request_parser).

use std::mem::MaybeUninit;

use httparse::Status;

use super::limits::Limits;

/// Fields that are parsed without an allocation for the table of slices.
pub(super) const SLOTS: usize = Limits::DEFAULT_FIELDS;

/// A whole head that was cut into its parts, within every limit; nothing has been made of it yet.
#[derive(Clone, Copy)]
pub(crate) struct CutHead<'h, 'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    /// Of the version: `HTTP/1.` and this.
    pub(super) minor: u8,
    pub(super) fields: &'h [httparse::Header<'a>],
    /// Exactly the head.
    pub(super) text: &'a [u8],
    pub(super) line_end: usize,
}

/// Room for the parts of a head.
pub(crate) type Slots<'a> = [MaybeUninit<httparse::Header<'a>>; SLOTS];

impl<'h, 'a> CutHead<'h, 'a> {
    /// Room for the parts, for [`ordinary`](Self::ordinary).
    pub(crate) const fn slots() -> Slots<'a> {
        [const { MaybeUninit::uninit() }; SLOTS]
    }

    /// The head at the beginning of `input`, if it is an ordinary one: whole, in the way that nearly
    /// all are. Of others `None` says nothing; that is `HeadParser`'s business.
    pub(crate) fn ordinary(
        slots: &'h mut Slots<'a>,
        input: &'a [u8],
        limits: &Limits,
    ) -> Option<Self> {
        if matches!(input, [] | [b'\r' | b'\n', ..]) {
            return None;
        }
        let most = limits.fields_in_force().min(SLOTS);
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(input, &mut slots[..most]) {
            Ok(Status::Complete(length)) => Self::of(request, &input[..length], limits),
            _ => None,
        }
    }

    /// The parts of a head that `httparse` has taken, if sizes and line ends are as they have to be.
    #[inline]
    pub(super) fn of(
        request: httparse::Request<'h, 'a>,
        text: &'a [u8],
        limits: &Limits,
    ) -> Option<Self> {
        let (method, target) = (request.method?, request.path?);
        let fields: &'h [_] = request.headers;
        let line_end = check_lines(fields, text, limits)?;
        let is_short = method.len() <= limits.method && target.len() <= limits.uri_in_force();
        is_short.then_some(CutHead {
            method,
            target,
            minor: request.version?,
            fields,
            text,
            line_end,
        })
    }

    /// How many bytes of the input it is.
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }
}

/// Checks sizes, and that each line ends in CRLF, which `httparse` does not insist on; gives where
/// the request line ends. Only the bytes around each line end are looked at.
fn check_lines(fields: &[httparse::Header<'_>], text: &[u8], limits: &Limits) -> Option<usize> {
    const LINE_END: usize = b"\r\n".len();
    if text.len() > limits.head || !text.ends_with(b"\r\n") {
        return None;
    }
    // From the last line to the first: each ends before the next begins.
    let mut next = text.len() - LINE_END;
    let end_before = |next: usize| match text[..next] {
        [.., b'\r', b'\n'] => Some(next - LINE_END),
        _ => None,
    };
    for field in fields.iter().rev() {
        let start = offset_in(text, field.name.as_bytes());
        if end_before(next)? - start > limits.field {
            return None;
        }
        next = start;
    }
    end_before(next)
}

/// Where a part of a text begins in it.
pub(super) fn offset_in(text: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr()
}
