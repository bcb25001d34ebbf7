//! Every limit of the wire code: its default, why that one, and the attack it stops.
//!
//! A limit is checked where the bytes are read ([`request_parser`](super::request_parser),
//! [`chunked`](super::chunked), [`body`](super::body)); going past it is a
//! [`Refusal`](super::Refusal) with the status to answer. Deadlines and the number of connections
//! are not here: they need a clock and sockets, so they belong to the server.
//!
//! | limit | default | answer | the attack it stops |
//! |---|---|---|---|
//! | [`method`](Limits::method) | 32 bytes | 501 | a request line that never reaches its target |
//! | [`uri`](Limits::uri) | 8 KiB | 414 | long targets that fill memory and logs |
//! | [`empty_lines`](Limits::empty_lines) | 4 | 400 | a peer that sends CRLF for ever and is never idle |
//! | [`head`](Limits::head) | 64 KiB | 431 | a head without end |
//! | [`fields`](Limits::fields) | 100 | 431 | many tiny fields: each costs a table entry |
//! | [`field`](Limits::field) | 8 KiB | 431 | one field without end |
//! | [`body`](Limits::body) | none | 413 | uploads that fill a disk (handlers stream, so memory is safe) |
//! | [`chunk_extension`](Limits::chunk_extension) | 256 bytes | 400 | a chunk-size line without end |
//! | [`chunk_overhead`](Limits::chunk_overhead) | 16 KiB | 400 | one byte of data under hundreds of extension |
//! | [`trailers`](Limits::trailers) | 8 KiB | 431 | a trailer section without end |
//! | [`trailer_fields`](Limits::trailer_fields) | 32 | 431 | many tiny trailers |
//! | [`drain`](Limits::drain) | 256 KiB | close | making the server read what no handler wants |
//! | [`requests`](Limits::requests) | none | close | one peer holding a connection for ever |
//! | [`interims`](Limits::interims) | 16 | | a server that answers with 1xx for ever |
//!
//! A client holds responses to the same ones, without an answer but an error
//! ([`ResponseFault`](super::ResponseFault)); methods, targets, empty lines, `requests` are a server's
//! alone, and `interims` is a client's.

/// What the wire code accepts before it refuses.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::Limits;
///
/// let limits = Limits {
///     body: Some(1 << 20),
///     ..Limits::default()
/// };
/// assert_eq!(limits.uri, Limits::DEFAULT_URI);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a method. Past it: 501 (RFC 9112 section 3).
    /// Default [`Limits::DEFAULT_METHOD`].
    pub method: usize,
    /// Bytes of a request target. Past it: 414 (RFC 9112 section 3). The `http` crate cannot hold
    /// more than 65,534, so a higher value acts as that one. Default [`Limits::DEFAULT_URI`].
    pub uri: usize,
    /// Empty lines skipped before a request line (RFC 9112 section 2.2). Past it: 400.
    /// Default [`Limits::DEFAULT_EMPTY_LINES`].
    pub empty_lines: usize,
    /// Bytes of a whole head: request line, field lines and the empty line, with their line ends.
    /// Past it: 431. A read buffer must be able to grow to this size. Default
    /// [`Limits::DEFAULT_HEAD`].
    pub head: usize,
    /// Field lines of a head. Past it: 431 (RFC 6585 section 5). The `http` crate cannot hold
    /// more than 24,576, so a higher value acts as that one. Default [`Limits::DEFAULT_FIELDS`].
    pub fields: usize,
    /// Bytes of one field line without its line end. Past it: 431. Default
    /// [`Limits::DEFAULT_FIELD`].
    pub field: usize,
    /// Bytes of a request body, or `None` for any number. Past it: 413. Default `None`: a body is
    /// streamed, and what is too much is the handler's to say.
    pub body: Option<u64>,
    /// Bytes between a chunk size and the end of its line. Past it: 400. Default
    /// [`Limits::DEFAULT_CHUNK_EXTENSION`].
    pub chunk_extension: usize,
    /// By how many bytes chunk extensions may outweigh the data of their chunks, counted over a
    /// body. Past it: 400. Default [`Limits::DEFAULT_CHUNK_OVERHEAD`].
    pub chunk_overhead: u64,
    /// Bytes of the lines of a trailer section with their line ends, without the empty line that
    /// ends it. Past it: 431. Default [`Limits::DEFAULT_TRAILERS`].
    pub trailers: usize,
    /// Field lines of a trailer section. Past it: 431. Default
    /// [`Limits::DEFAULT_TRAILER_FIELDS`].
    pub trailer_fields: usize,
    /// Bytes of an unread request body that are read and thrown away to keep the connection
    /// (framing bytes count too). A longer rest closes it. Default [`Limits::DEFAULT_DRAIN`].
    pub drain: u64,
    /// Requests on one connection; the last is answered with `Connection: close`. Default `None`:
    /// any number.
    pub requests: Option<u64>,
    /// Interim responses (1xx) that a client passes over before the final one (RFC 9110 section
    /// 15.2). Default [`Limits::DEFAULT_INTERIMS`].
    pub interims: usize,
}

impl Limits {
    /// 32 bytes. The longest method in the IANA registry (`UPDATEREDIRECTREF`) has 17.
    pub const DEFAULT_METHOD: usize = 32;
    /// 8,192 bytes: what the original had; RFC 9112 section 3 asks for 8,000 at least.
    pub const DEFAULT_URI: usize = 8 * 1024;
    /// 4 lines. RFC 9112 section 2.2 asks for one at least; old clients send one after a body.
    pub const DEFAULT_EMPTY_LINES: usize = 4;
    /// 65,536 bytes: what the original had.
    pub const DEFAULT_HEAD: usize = 64 * 1024;
    /// 100 fields. Browsers behind a proxy send 15 to 30.
    pub const DEFAULT_FIELDS: usize = 100;
    /// 8,192 bytes: what the original had. A full cookie of a browser has 4,096.
    pub const DEFAULT_FIELD: usize = 8 * 1024;
    /// 256 bytes. Extensions are hardly ever sent; a signature per chunk fits.
    pub const DEFAULT_CHUNK_EXTENSION: usize = 256;
    /// 16,384 bytes: a sender of sensible chunks never comes near it, however long its body.
    pub const DEFAULT_CHUNK_OVERHEAD: u64 = 16 * 1024;
    /// 8,192 bytes. Trailers carry digests and timings.
    pub const DEFAULT_TRAILERS: usize = 8 * 1024;
    /// 32 trailer fields.
    pub const DEFAULT_TRAILER_FIELDS: usize = 32;
    /// 262,144 bytes: reading that much costs less than a new connection; more does not.
    pub const DEFAULT_DRAIN: u64 = 256 * 1024;
    /// 16 interim responses. Servers send one or two: to go on, and hints.
    pub const DEFAULT_INTERIMS: usize = 16;

    /// The longest target an [`http::Uri`] can hold.
    pub(crate) const URI_CEILING: usize = u16::MAX as usize - 1;
    /// The number of entries an [`http::HeaderMap`] can hold.
    pub(crate) const FIELDS_CEILING: usize = 24_576;

    /// The limit of the target that is in force.
    pub(crate) fn uri_in_force(&self) -> usize {
        self.uri.min(Self::URI_CEILING)
    }

    /// The limit of the number of fields that is in force.
    pub(crate) fn fields_in_force(&self) -> usize {
        self.fields.min(Self::FIELDS_CEILING)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            method: Self::DEFAULT_METHOD,
            uri: Self::DEFAULT_URI,
            empty_lines: Self::DEFAULT_EMPTY_LINES,
            head: Self::DEFAULT_HEAD,
            fields: Self::DEFAULT_FIELDS,
            field: Self::DEFAULT_FIELD,
            body: None,
            chunk_extension: Self::DEFAULT_CHUNK_EXTENSION,
            chunk_overhead: Self::DEFAULT_CHUNK_OVERHEAD,
            trailers: Self::DEFAULT_TRAILERS,
            trailer_fields: Self::DEFAULT_TRAILER_FIELDS,
            drain: Self::DEFAULT_DRAIN,
            requests: None,
            interims: Self::DEFAULT_INTERIMS,
        }
    }
}
