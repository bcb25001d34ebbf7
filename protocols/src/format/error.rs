//! What went wrong between a value and its bytes, with enough of the bytes to see why.
//!
//! What a server answers for it is in `request`.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::HeaderValue;

/// How much of a body that cannot be loaded an error keeps: 512 bytes, enough to see that it is the
/// error page of a proxy, little enough for a log.
pub const BEGINNING: usize = 512;

/// What a format finds wrong.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A body that is not what it was taken for.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::{Load, Text};
/// use http::HeaderValue;
///
/// let latin = HeaderValue::from_static("text/plain; charset=iso-8859-1");
/// let error = Text.load(Some(&latin), b"gr\xfcn").unwrap_err();
/// assert_eq!(error.content_type(), Some(&latin));
/// assert_eq!(error.beginning(), b"gr\xfcn");
/// assert_eq!(
///     error.to_string(),
///     "cannot load a body of 4 bytes of type text/plain; charset=iso-8859-1: \
///      invalid utf-8 sequence of 1 bytes from index 2; it begins \"gr\\xfcn\""
/// );
/// ```
#[derive(Debug)]
pub struct LoadError {
    content_type: Option<HeaderValue>,
    beginning: Bytes,
    length: usize,
    source: BoxError,
}

impl LoadError {
    /// An error for a body: of this, the first [`BEGINNING`] bytes are kept.
    pub fn new(
        content_type: Option<HeaderValue>,
        body: &[u8],
        source: impl Into<BoxError>,
    ) -> Self {
        LoadError {
            content_type,
            beginning: Bytes::copy_from_slice(&body[..body.len().min(BEGINNING)]),
            length: body.len(),
            source: source.into(),
        }
    }

    /// The content type that the body came with.
    pub fn content_type(&self) -> Option<&HeaderValue> {
        self.content_type.as_ref()
    }

    /// The beginning of the body: [`BEGINNING`] bytes at most.
    pub fn beginning(&self) -> &[u8] {
        &self.beginning
    }

    /// How long the body was.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::format::{BEGINNING, LoadError};
    ///
    /// let page = vec![b'<'; 2 * BEGINNING];
    /// let error = LoadError::new(None, &page, "expected value");
    /// assert_eq!((error.body_len(), error.beginning().len()), (2 * BEGINNING, BEGINNING));
    /// ```
    pub fn body_len(&self) -> usize {
        self.length
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot load a body of {} bytes of ", self.length)?;
        match &self.content_type {
            Some(name) => write!(f, "type {}", name.as_bytes().escape_ascii())?,
            None => f.write_str("no type")?,
        }
        write!(f, ": {}", self.source)?;
        if self.length > 0 {
            write!(f, "; it begins \"{}\"", self.beginning.escape_ascii())?;
        }
        Ok(())
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// A value that has no form in a format.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::DumpError;
/// use http::HeaderValue;
///
/// let error = DumpError::new(HeaderValue::from_static("application/json"), "key must be a string");
/// assert_eq!(error.content_type(), "application/json");
/// ```
#[derive(Debug)]
pub struct DumpError {
    content_type: HeaderValue,
    source: BoxError,
}

impl DumpError {
    /// An error for a value that was to be written as a body of this type.
    pub fn new(content_type: HeaderValue, source: impl Into<BoxError>) -> Self {
        DumpError {
            content_type,
            source: source.into(),
        }
    }

    /// What the body was to be.
    pub fn content_type(&self) -> &HeaderValue {
        &self.content_type
    }
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.content_type.as_bytes().escape_ascii();
        write!(f, "cannot write a value as {name}: {}", self.source)
    }
}

impl Error for DumpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
