//! The body of a request: bytes, or a reader with or without a known length.
//!
//! Sending it is the business of `send`.

use std::io::Read;

use bytes::Bytes;
use http::HeaderMap;

use crate::plain_body::plain_body;
use crate::wire::BodySize;

/// The body of a request.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::client::Body;
/// use std::io::{self, Read};
///
/// let _none = Body::empty();
/// let _text = Body::from("n=3");
/// let _upload = Body::reader(io::repeat(b'x').take(1 << 20)); // in chunks
/// let _sized = Body::sized_reader(3, &b"abc"[..]); // with Content-Length
/// ```
#[derive(Default)]
pub struct Body {
    pub(super) source: Source,
    pub(super) trailers: Option<Trailers>,
}

/// What gives the fields after a body, once it has been sent.
pub(super) type Trailers = Box<dyn FnOnce() -> HeaderMap>;

/// Where the bytes come from.
pub(super) enum Source {
    Bytes(Bytes),
    /// A reader, and how much of it is sent.
    Reader(Box<dyn Read>, BodySize),
}

impl Default for Source {
    fn default() -> Self {
        Source::Bytes(Bytes::new())
    }
}

impl Body {
    /// No body.
    pub fn empty() -> Self {
        Self::default()
    }

    /// What `reader` reads to its end, of unknown length: sent in chunks, as it comes. Reading may
    /// wait, like any code.
    ///
    /// It is read once: a request with such a body is not sent again, neither after a failure nor
    /// for a redirect that wants it whole.
    pub fn reader(reader: impl Read + 'static) -> Self {
        Body {
            source: Source::Reader(Box::new(reader), BodySize::Unknown),
            trailers: None,
        }
    }

    /// As [`reader`](Self::reader), for the first `length` bytes, which are announced. If fewer
    /// come, the request fails with [`Error::RequestLength`](super::Error::RequestLength).
    pub fn sized_reader(length: u64, reader: impl Read + 'static) -> Self {
        Body {
            source: Source::Reader(Box::new(reader), BodySize::Known(length)),
            trailers: None,
        }
    }

    /// With fields after the body, asked for when all of it has been read (RFC 9110 section 6.5).
    /// They go out with a body of unknown length only, without those that may not stand there.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::Body;
    /// use http::{HeaderMap, HeaderValue};
    ///
    /// let body = Body::reader(&b"hello"[..]).with_trailers(|| {
    ///     // Asked for when all has been sent: a checksum may be known by then.
    ///     HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("5d41"))])
    /// });
    /// assert_eq!((body.len(), body.is_empty()), (None, false));
    /// assert_eq!(Body::from("hello").len(), Some(5));
    /// assert!(Body::empty().is_empty());
    /// ```
    pub fn with_trailers(mut self, trailers: impl FnOnce() -> HeaderMap + 'static) -> Self {
        self.trailers = Some(Box::new(trailers));
        self
    }

    /// How long it is, if that is known.
    pub fn len(&self) -> Option<u64> {
        match self.size() {
            BodySize::Known(length) => Some(length),
            BodySize::Unknown => None,
        }
    }

    /// Whether it is known to have no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    pub(super) fn size(&self) -> BodySize {
        match &self.source {
            Source::Bytes(bytes) => BodySize::Known(bytes.len() as u64),
            Source::Reader(_, size) => *size,
        }
    }

    /// The same again, if it can be sent twice.
    pub(super) fn again(&self) -> Option<Body> {
        match &self.source {
            Source::Bytes(bytes) => Some(bytes.clone().into()),
            Source::Reader(..) => None,
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body {
            source: Source::Bytes(bytes),
            trailers: None,
        }
    }
}

plain_body!(Body);
