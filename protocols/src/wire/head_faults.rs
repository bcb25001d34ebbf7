//! What is wrong with a request head, and where the first fault is (RFC 9112 sections 2, 3 and 5).
//!
//! `httparse` reads heads, fast, but is more lenient than we are in places and does not say what it
//! found. Whenever it refuses, or a limit or a rule of ours is in doubt, this slow walk decides: it
//! goes over the bytes in order, so that the answer is the same however the input was cut.
//!
//! ```text
//! request-line = method SP request-target SP HTTP-version CRLF
//! field-line   = field-name ":" OWS field-value OWS CRLF
//! ```

use super::limits::Limits;
use super::refusal::Refusal;
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
    let mut walker = Walker { rest: bounded };
    match walker.head(limits) {
        Ok(()) => Walk::Complete,
        Err(Stop::Fault(refusal)) => Walk::Fault(refusal),
        Err(Stop::OutOfInput) if input.len() > limits.head => Walk::Fault(Refusal::HeadTooLarge),
        Err(Stop::OutOfInput) => Walk::Incomplete,
    }
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
}

impl Walker<'_> {
    fn head(&mut self, limits: &Limits) -> Result<(), Stop> {
        self.method(limits)?;
        self.target(limits)?;
        self.version()?;
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
                b'\r' => return self.line_end(),
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
