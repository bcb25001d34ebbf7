//! What is wrong with a head, and where the first fault is (RFC 9112 sections 2, 3 and 5).
//!
//! `httparse` reads heads, fast, but is more lenient than we are in places and does not say what it
//! found. Whenever it refuses, or a limit or a rule of ours is in doubt, this slow walk decides: it
//! goes over the bytes in order, so that the answer is the same however the input was cut.
//!
//! ```text
//! request-line = method SP request-target SP HTTP-version CRLF
//! status-line  = HTTP-version SP status-code [ SP reason-phrase ] CRLF   ; the SP is a must there
//! field-line   = field-name ":" OWS field-value OWS CRLF
//! ```

use super::limits::Limits;
use super::refusal::Refusal;
use super::response_fault::ResponseFault;
use super::syntax::{is_field_byte, is_tchar};

/// What a walk over a head came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// No fault up to the end of the input, which is not the end of the head.
    Incomplete,
    /// A head without fault.
    Complete,
    /// The first fault.
    Fault(Refusal),
}

/// Walks over a head that begins with its request line.
pub(crate) fn walk(input: &[u8], limits: &Limits) -> Walk {
    let bounded = &input[..input.len().min(limits.head)];
    let mut walker = Walker {
        rest: bounded,
        folds: Folds::Refused,
    };
    match walker.head(limits) {
        Ok(()) => Walk::Complete,
        Err(Stop::Fault(refusal)) => Walk::Fault(refusal),
        Err(Stop::OutOfInput) if input.len() > limits.head => Walk::Fault(Refusal::HeadTooLarge),
        Err(Stop::OutOfInput) => Walk::Incomplete,
    }
}

/// What a walk over the head of a response came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseWalk {
    /// No fault up to the end of the input, which is not the end of the head.
    Incomplete,
    /// A head without fault.
    Complete,
    /// The first fault.
    Fault(ResponseFault),
}

/// Walks over a head that begins with its status line.
pub(crate) fn walk_response(input: &[u8], limits: &Limits) -> ResponseWalk {
    let bounded = &input[..input.len().min(limits.head)];
    let mut walker = Walker {
        rest: bounded,
        folds: Folds::Taken,
    };
    let outcome = match walker.status_line(limits) {
        Ok(()) => walker.fields(limits).map_err(|stop| match stop {
            Stop::OutOfInput => None,
            Stop::Fault(refusal) => Some(ResponseFault::Head(refusal)),
        }),
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(()) => ResponseWalk::Complete,
        Err(Some(fault)) => ResponseWalk::Fault(fault),
        Err(None) if input.len() > limits.head => {
            ResponseWalk::Fault(ResponseFault::Head(Refusal::HeadTooLarge))
        }
        Err(None) => ResponseWalk::Incomplete,
    }
}

/// What becomes of a line that begins with white space after a field line (RFC 9112 section 5.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folds {
    /// A server may refuse them, and we do.
    Refused,
    /// A client must take them for spaces.
    Taken,
}

/// Why a walk ends before the end of the head.
enum Stop {
    OutOfInput,
    Fault(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Fault(refusal)
    }
}

struct Walker<'a> {
    rest: &'a [u8],
    folds: Folds,
}

impl Walker<'_> {
    fn head(&mut self, limits: &Limits) -> Result<(), Stop> {
        self.method(limits)?;
        self.target(limits)?;
        self.version()?;
        self.fields(limits)
    }

    /// `*( field-line CRLF ) CRLF`.
    fn fields(&mut self, limits: &Limits) -> Result<(), Stop> {
        let mut count = 0;
        loop {
            match self.peek()? {
                b'\r' => return self.line_end(),
                b'\n' => return Err(Refusal::BareLineFeed.into()),
                _ if count == limits.fields_in_force() => {
                    return Err(Refusal::FieldsTooMany.into());
                }
                b' ' | b'\t' => return Err(Refusal::FieldFolded.into()),
                _ => self.field(limits)?,
            }
            count += 1;
        }
    }

    /// The status line of a response. `Err(None)`: the input ends within.
    fn status_line(&mut self, limits: &Limits) -> Result<(), Option<ResponseFault>> {
        let input = |stop: Stop| match stop {
            Stop::OutOfInput => None,
            Stop::Fault(refusal) => Some(ResponseFault::Head(refusal)),
        };
        for expected in b"HTTP/" {
            if self.next().map_err(input)? != *expected {
                return Err(Some(ResponseFault::NotHttp));
            }
        }
        let major = self.next().map_err(input)?;
        let is_version = major.is_ascii_digit()
            && self.next().map_err(input)? == b'.'
            && self.next().map_err(input)?.is_ascii_digit();
        if !is_version {
            return Err(Some(ResponseFault::NotHttp));
        }
        if major != b'1' {
            return Err(Some(ResponseFault::VersionUnsupported));
        }
        if self.next().map_err(input)? != b' ' {
            return Err(Some(ResponseFault::NotHttp));
        }
        let first = self.next().map_err(input)?;
        let is_status = matches!(first, b'1'..=b'5')
            && self.next().map_err(input)?.is_ascii_digit()
            && self.next().map_err(input)?.is_ascii_digit();
        if !is_status {
            return Err(Some(ResponseFault::StatusInvalid));
        }
        let mut length = "HTTP/1.1 200".len();
        let mut is_phrase = false;
        loop {
            match self.peek().map_err(input)? {
                b'\r' => return self.line_end().map_err(input),
                b'\n' => return Err(Some(ResponseFault::Head(Refusal::BareLineFeed))),
                b' ' => {}
                _ if !is_phrase => return Err(Some(ResponseFault::StatusInvalid)),
                byte if !is_field_byte(byte) => return Err(Some(ResponseFault::ReasonInvalid)),
                _ => {}
            }
            is_phrase = true;
            if length == limits.field {
                return Err(Some(ResponseFault::StatusLineTooLong));
            }
            length += 1;
            self.next().map_err(input)?;
        }
    }

    fn method(&mut self, limits: &Limits) -> Result<(), Stop> {
        let mut length = 0;
        loop {
            match self.next()? {
                b' ' if length > 0 => return Ok(()),
                byte if !is_tchar(byte) => return Err(Refusal::MethodInvalid.into()),
                _ if length == limits.method => return Err(Refusal::MethodTooLong.into()),
                _ => length += 1,
            }
        }
    }

    fn target(&mut self, limits: &Limits) -> Result<(), Stop> {
        let start = self.rest;
        let mut length = 0;
        loop {
            match self.next()? {
                b' ' if length > 0 => break,
                b'!'..=b'~' | 0x80.. if length == limits.uri_in_force() => {
                    return Err(Refusal::UriTooLong.into());
                }
                b'!'..=b'~' | 0x80.. => length += 1,
                _ => return Err(Refusal::TargetInvalid.into()),
            }
        }
        match std::str::from_utf8(&start[..length]) {
            Ok(_) => Ok(()),
            Err(_) => Err(Refusal::TargetInvalid.into()),
        }
    }

    /// `"HTTP" "/" DIGIT "." DIGIT CRLF`.
    fn version(&mut self) -> Result<(), Stop> {
        for expected in b"HTTP/" {
            if self.next()? != *expected {
                return Err(Refusal::VersionInvalid.into());
            }
        }
        let major = self.next()?;
        if !major.is_ascii_digit() || self.next()? != b'.' || !self.next()?.is_ascii_digit() {
            return Err(Refusal::VersionInvalid.into());
        }
        if major != b'1' {
            return Err(Refusal::VersionUnsupported.into());
        }
        match self.peek()? {
            b'\r' => self.line_end(),
            b'\n' => Err(Refusal::BareLineFeed.into()),
            _ => Err(Refusal::VersionInvalid.into()),
        }
    }

    fn field(&mut self, limits: &Limits) -> Result<(), Stop> {
        let mut length = 0;
        let mut count = || {
            if length == limits.field {
                return Err(Refusal::FieldTooLarge);
            }
            length += 1;
            Ok(())
        };
        let mut name_length = 0;
        loop {
            let byte = self.peek()?;
            match byte {
                b':' if name_length > 0 => {}
                b' ' | b'\t' => return Err(Refusal::FieldNameSpaced.into()),
                _ if !is_tchar(byte) => return Err(Refusal::FieldNameInvalid.into()),
                _ => {}
            }
            count()?;
            self.next()?;
            if byte == b':' {
                break;
            }
            name_length += 1;
        }
        loop {
            let byte = self.peek()?;
            match byte {
                b'\r' => {
                    self.line_end()?;
                    let is_folded =
                        self.folds == Folds::Taken && matches!(self.peek()?, b' ' | b'\t');
                    if !is_folded {
                        return Ok(());
                    }
                    continue;
                }
                b'\n' => return Err(Refusal::BareLineFeed.into()),
                _ if !is_field_byte(byte) => return Err(Refusal::FieldValueInvalid.into()),
                _ => count()?,
            }
            self.next()?;
        }
    }

    /// CRLF, the CR of which is next.
    fn line_end(&mut self) -> Result<(), Stop> {
        self.next()?;
        match self.next()? {
            b'\n' => Ok(()),
            _ => Err(Refusal::BareCarriageReturn.into()),
        }
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.rest.first().copied().ok_or(Stop::OutOfInput)
    }

    fn next(&mut self) -> Result<u8, Stop> {
        let byte = self.peek()?;
        self.rest = &self.rest[1..];
        Ok(byte)
    }
}
