//! What can go wrong between asking and having the answer, told apart by who is at fault and how far
//! it came.
//!
//! What is malformed in a response is [`ResponseFault`]'s to say; what a status means that of
//! [`StatusError`](super::StatusError).

use std::error;
use std::fmt;
use std::io;

use eventlet_green::ParkError;
use http::StatusCode;

use super::status::StatusError;
use super::timing::Phase;
use crate::format::{DumpError, LoadError};
use crate::wire::ResponseFault;

/// Why a request has no answer, or not the one that was wanted.
///
/// | who | variants |
/// |---|---|
/// | the caller | [`Url`](Error::Url), [`Request`](Error::Request), [`TlsMissing`](Error::TlsMissing), [`RequestBody`](Error::RequestBody), [`RequestLength`](Error::RequestLength), [`Dump`](Error::Dump), [`Wait`](Error::Wait) |
/// | the way there | [`Resolve`](Error::Resolve), [`Connect`](Error::Connect), [`Tls`](Error::Tls), [`ProxyRefused`](Error::ProxyRefused) |
/// | time | [`Timeout`](Error::Timeout), which says which |
/// | the connection | [`Send`](Error::Send), [`Receive`](Error::Receive), [`Closed`](Error::Closed) |
/// | what the server sent | [`Response`](Error::Response), [`Encoding`](Error::Encoding), [`TooManyRedirects`](Error::TooManyRedirects), [`RedirectLoop`](Error::RedirectLoop), [`RedirectInvalid`](Error::RedirectInvalid) |
/// | what it says | [`Status`](Error::Status), [`Load`](Error::Load) |
/// | our limits | [`TooLarge`](Error::TooLarge) |
///
/// Reading the body of a response gives it within an [`io::Error`]; [`Error::of_io`] takes it out.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::client::{self, Error, Phase};
///
/// match client::get("http://127.0.0.1:0/") {
///     Ok(body) => println!("{} bytes", body.len()),
///     Err(Error::Status(error)) => println!("{}: {:?}", error.status(), error.body()),
///     Err(Error::Timeout(Phase::Connect)) => println!("nobody there"),
///     Err(other) => println!("{other}"),
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The URL is none, or not one this client can go to; with the reason.
    Url(String),
    /// The request cannot be sent as it is: a field that is none, or a method or field that is the
    /// client's own; with the reason.
    Request(String),
    /// The URL begins with `https`, and the program was built without the feature `tls`.
    TlsMissing,
    /// The reader of the request's body failed.
    RequestBody(io::Error),
    /// The reader of the request's body ended before its announced length. The connection was
    /// closed, so that the server does not take it for the whole (RFC 9112 section 8).
    RequestLength {
        /// Bytes that were announced and did not come.
        missing: u64,
    },
    /// The caller could not wait for a connection of its host to become free.
    Wait(ParkError),
    /// The name of the host was not found.
    Resolve {
        /// The host.
        host: String,
        /// What the resolver gave.
        source: io::Error,
    },
    /// No connection to the host, or to the proxy.
    Connect {
        /// Host and port, or the path of a Unix socket.
        to: String,
        /// What the attempt gave.
        source: io::Error,
    },
    /// The TLS handshake failed.
    Tls(io::Error),
    /// The proxy did not open a tunnel to the host (RFC 9110 section 9.3.6).
    ProxyRefused {
        /// What it answered instead.
        status: StatusCode,
    },
    /// The time of a phase was over.
    Timeout(Phase),
    /// The connection failed while the request was sent, and no response came.
    Send(io::Error),
    /// The connection failed while a response was waited for or received: a reset, for instance.
    Receive(io::Error),
    /// The server closed the connection without a response.
    Closed,
    /// The response is malformed, cut off, or beyond a limit.
    Response(ResponseFault),
    /// The body came compressed and cannot be decompressed: it is damaged, cut off or becomes longer
    /// than [`Config::inflated`](super::Config); or it was to be text and is not.
    Encoding(io::Error),
    /// More redirects than [`Config::redirects`](super::Config::redirects).
    TooManyRedirects {
        /// How many were followed.
        followed: u32,
    },
    /// A redirect to where the same request has been already; with the URL.
    RedirectLoop(String),
    /// A redirect whose `Location` is missing or cannot be gone to; with the reason.
    RedirectInvalid(String),
    /// The status is none of those that were to count as success.
    Status(Box<StatusError>),
    /// The value to send has no form in its format.
    Dump(Box<DumpError>),
    /// The body is no value of the wanted type in its format.
    Load(Box<LoadError>),
    /// The body has more bytes than were to be held in memory at most.
    TooLarge {
        /// The limit.
        limit: u64,
    },
}

impl Error {
    /// The error within an [`io::Error`] that reading a body gave, or that as it was.
    ///
    /// # Errors
    ///
    /// The `io::Error`, if it has none of ours within.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_protocols::client::{Body, Config, Error, exchange_over};
    /// use http::Request;
    /// use std::io::{self, Read, Write};
    ///
    /// let (near, mut far) = UnixStream::pair()?;
    /// eventlet_green::spawn(move || {
    ///     far.read(&mut [0; 1024])?;
    ///     far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") // Cut off.
    /// });
    /// let request = Request::get("http://a.example/").body(Body::empty())?;
    /// let mut body = exchange_over(near, request, &Config::new())?.into_body();
    /// let error = body.read_to_end(&mut Vec::new()).unwrap_err();
    /// assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    /// let error = Error::of_io(error)?;
    /// assert!(matches!(error, Error::Response(fault) if fault.is_truncation()));
    /// assert!(Error::of_io(io::Error::other("not of ours")).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_io(error: io::Error) -> Result<Error, io::Error> {
        error.downcast()
    }

    /// Whether the time of some phase was over.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::client::{Error, Phase};
    ///
    /// let error = Error::Timeout(Phase::Head);
    /// assert!(error.is_timeout());
    /// assert_eq!(error.status(), None);
    /// ```
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::Timeout(_))
    }

    /// The status, if that is what is wrong.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Error::Status(error) => Some(error.status()),
            _ => None,
        }
    }

    /// What a failed read is: a time that was over, or the connection's failure.
    pub(super) fn of_read(error: io::Error, phase: Phase) -> Error {
        match error.kind() {
            io::ErrorKind::TimedOut => Error::Timeout(phase),
            _ => Error::Receive(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Url(why) => write!(f, "not a URL to go to: {why}"),
            Error::Request(why) => write!(f, "the request cannot be sent: {why}"),
            Error::TlsMissing => {
                f.write_str("https needs the feature \"tls\", which this program was built without")
            }
            Error::RequestBody(error) => write!(f, "reading the body to send: {error}"),
            Error::RequestLength { missing } => {
                write!(
                    f,
                    "the body to send ends {missing} bytes before its announced length"
                )
            }
            Error::Wait(error) => write!(f, "waiting for a connection: {error}"),
            // The resolver's error names the host.
            Error::Resolve { source, .. } => write!(f, "{source}"),
            Error::Connect { to, source } => write!(f, "connecting to {to}: {source}"),
            Error::Tls(error) => write!(f, "the TLS handshake failed: {error}"),
            Error::ProxyRefused { status } => {
                write!(f, "the proxy opened no tunnel, but answered {status}")
            }
            Error::Timeout(phase) => write!(f, "the time was over for {phase}"),
            Error::Send(error) => write!(f, "sending the request: {error}"),
            Error::Receive(error) => write!(f, "receiving the response: {error}"),
            Error::Closed => f.write_str("the server closed the connection without a response"),
            Error::Response(fault) => write!(f, "not a response to take: {fault}"),
            Error::Encoding(error) => write!(f, "the body cannot be decoded: {error}"),
            Error::TooManyRedirects { followed } => {
                write!(f, "still a redirect after {followed} of them")
            }
            Error::RedirectLoop(url) => write!(f, "redirects go in a circle, back to {url}"),
            Error::RedirectInvalid(why) => write!(f, "a redirect that leads nowhere: {why}"),
            Error::Status(error) => error.fmt(f),
            Error::Dump(error) => error.fmt(f),
            Error::Load(error) => error.fmt(f),
            Error::TooLarge { limit } => {
                write!(
                    f,
                    "the body is longer than the {limit} bytes it may have in memory"
                )
            }
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::RequestBody(error)
            | Error::Resolve { source: error, .. }
            | Error::Connect { source: error, .. }
            | Error::Tls(error)
            | Error::Send(error)
            | Error::Receive(error)
            | Error::Encoding(error) => Some(error),
            Error::Wait(error) => Some(error),
            Error::Response(fault) => Some(fault),
            // The messages of these are theirs: what lies behind them is next.
            Error::Dump(error) => error.source(),
            Error::Load(error) => error.source(),
            _ => None,
        }
    }
}

/// For readers: `TimedOut` for a time that was over, `UnexpectedEof` for a body that was cut off,
/// `InvalidData` for what the server sent wrong, the connection's own kind for its failures, else
/// `Other`. [`Error::of_io`] gives the error back.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        use io::ErrorKind as K;
        let kind = match &error {
            Error::Timeout(_) => K::TimedOut,
            Error::Url(_) | Error::Request(_) | Error::RequestLength { .. } | Error::Dump(_) => {
                K::InvalidInput
            }
            Error::TlsMissing => K::Unsupported,
            Error::Closed => K::UnexpectedEof,
            Error::Response(fault) if fault.is_truncation() => K::UnexpectedEof,
            Error::Response(_) | Error::Encoding(_) | Error::Load(_) | Error::TooLarge { .. } => {
                K::InvalidData
            }
            Error::RequestBody(error)
            | Error::Resolve { source: error, .. }
            | Error::Connect { source: error, .. }
            | Error::Tls(error)
            | Error::Send(error)
            | Error::Receive(error) => error.kind(),
            _ => K::Other,
        };
        io::Error::new(kind, error)
    }
}
