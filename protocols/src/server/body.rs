//! The body of a response: bytes, a reader, a function that writes, or one that takes the
//! connection over.

use std::cell::RefMut;
use std::fmt;
use std::io::{self, Read, Write};

use bytes::Bytes;
use http::HeaderMap;

use super::link::Link;
use super::output::Output;
use super::respond::Start;
use super::upgrade::{Takeover, Upgraded};
use crate::plain_body::plain_body;
use crate::wire::BodySize;

/// How much a reader's bytes are gathered before they go out.
const PIECE: usize = 16 * 1024;

/// The body of a response.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::Body;
/// use std::io::Write;
///
/// let _empty = Body::empty();
/// let _text = Body::from("hello");
/// let _file = Body::reader(std::io::repeat(b'x'));
/// let _pieces = Body::stream(|sink| {
///     for n in 0..3 {
///         writeln!(sink, "piece {n}")?;
///         sink.flush()?;
///     }
///     Ok(())
/// });
/// ```
pub struct Body {
    pub(super) kind: Kind,
}

type Writer = Box<dyn FnOnce(&mut BodySink<'_>) -> io::Result<()>>;

pub(super) enum Kind {
    Bytes(Bytes),
    Stream {
        size: BodySize,
        writer: Writer,
    },
    /// None: the connection is given away.
    Upgrade(Takeover),
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// What `writer` writes, of unknown length: sent in chunks to HTTP/1.1, until close to 1.0. It
    /// runs in the handler's coroutine after the handler has returned, and may wait like any
    /// code. If it fails or panics, the connection is cut, so that the client sees that something
    /// is missing.
    pub fn stream(writer: impl FnOnce(&mut BodySink<'_>) -> io::Result<()> + 'static) -> Self {
        Body {
            kind: Kind::Stream {
                size: BodySize::Unknown,
                writer: Box::new(writer),
            },
        }
    }

    /// As [`stream`](Self::stream), for `length` bytes. What is written beyond is cut off and
    /// logged, and after 64 KiB of it writing gives `InvalidInput`; if less is written, the connection is cut.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::Body;
    /// use std::io::Write;
    ///
    /// let body = Body::sized_stream(10, |sink| (0..10).try_for_each(|n| write!(sink, "{n}")));
    /// assert_eq!((body.len(), body.is_empty()), (Some(10), false));
    /// assert_eq!(Body::sized_reader(3, &b"abcdef"[..]).len(), Some(3));
    /// assert_eq!(Body::reader(&b"abc"[..]).len(), None);
    /// assert!(Body::empty().is_empty());
    /// ```
    pub fn sized_stream(
        length: u64,
        writer: impl FnOnce(&mut BodySink<'_>) -> io::Result<()> + 'static,
    ) -> Self {
        Body {
            kind: Kind::Stream {
                size: BodySize::Known(length),
                writer: Box::new(writer),
            },
        }
    }

    /// What `reader` reads to its end, sent as it comes.
    pub fn reader(reader: impl Read + 'static) -> Self {
        Self::stream(|sink| send_all(reader, PIECE, sink))
    }

    /// As [`reader`](Self::reader), for `length` bytes: what it has beyond is not read.
    pub fn sized_reader(length: u64, reader: impl Read + 'static) -> Self {
        let piece = usize::try_from(length).map_or(PIECE, |length| length.min(PIECE));
        Self::sized_stream(length, move |sink| {
            send_all(reader.take(length), piece, sink)
        })
    }

    /// No body: `takeover` has the connection once the head of the response is sent. For a response
    /// with status 101 to a request that asked for an upgrade (RFC 9110 section 7.8), where the
    /// handler names the protocol in `Upgrade`, and for 2xx to CONNECT (section 9.3.6). With any
    /// other response, as with a 101 without this, the client gets 500 and standard error a line.
    ///
    /// What is left of the request's body is thrown away before the head is sent. `takeover` runs in
    /// the handler's coroutine; the connection is closed when it returns, whoever still has a handle.
    /// More about that is at [`Upgraded`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::{Body, RequestBody};
    /// use http::{Request, Response, StatusCode, header};
    /// use std::io::{self, Write};
    ///
    /// fn shout(request: Request<RequestBody>) -> Response<Body> {
    ///     let asks = request.headers().get(header::UPGRADE);
    ///     if asks.is_none_or(|protocol| protocol != "shout") {
    ///         return Response::new(Body::from("shouting is for those who upgrade"));
    ///     }
    ///     let body = Body::upgrade(|mut connection| {
    ///         connection.write_all(b"HELLO")?;
    ///         io::copy(&mut &connection, &mut &connection).map(drop)
    ///     });
    ///     let mut response = Response::new(body);
    ///     *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    ///     let fields = response.headers_mut();
    ///     fields.insert(header::UPGRADE, "shout".parse().unwrap());
    ///     response
    /// }
    /// # let _ = shout;
    /// ```
    pub fn upgrade(takeover: impl FnOnce(Upgraded) -> io::Result<()> + 'static) -> Self {
        Body {
            kind: Kind::Upgrade(Box::new(takeover)),
        }
    }

    /// How long the body is, if that is known.
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
        match &self.kind {
            Kind::Bytes(bytes) => BodySize::Known(bytes.len() as u64),
            Kind::Stream { size, .. } => *size,
            Kind::Upgrade(_) => BodySize::Known(0),
        }
    }
}

/// Sends each piece as it comes: the client is not to be kept waiting for what has come already by a
/// reader that waits (a request's body, a child process) for more. `piece` is the longest.
fn send_all(mut reader: impl Read, piece: usize, sink: &mut BodySink<'_>) -> io::Result<()> {
    let mut piece = vec![0; piece];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => sink.send(&piece[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body {
            kind: Kind::Bytes(bytes),
        }
    }
}

plain_body!(Body);

/// Where a streaming body is written to. Gathers small pieces; [`flush`](Write::flush) sends what
/// is gathered, as a chunk of its own.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::Agent;
/// use eventlet_protocols::server::{Body, BodySink, RequestBody, Server};
/// use http::{HeaderMap, HeaderValue, Method, Request, Response};
/// use std::io::{self, Read, Write};
///
/// fn count(sink: &mut BodySink<'_>) -> io::Result<()> {
///     for n in 1..=3 {
///         write!(sink, "{n} ")?;
///         sink.flush()?; // Sent now, as a chunk of its own.
///     }
///     let trailer = ("x-lines".parse().unwrap(), HeaderValue::from(3));
///     sink.set_trailers(HeaderMap::from_iter([trailer]));
///     Ok(())
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/", listener.local_addr()?);
/// eventlet_green::spawn(move || {
///     Server::new(|_: Request<RequestBody>| Response::new(Body::stream(count))).serve(listener)
/// });
/// let call = Agent::new().call(Method::GET, &url);
/// let mut body = call.send()?.into_body();
/// let mut text = String::new();
/// body.read_to_string(&mut text)?;
/// assert_eq!(text, "1 2 3 ");
/// assert_eq!(body.take_trailers()["x-lines"], "3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BodySink<'a> {
    pub(super) link: &'a Link,
    /// The head, until the first byte of the body.
    pub(super) start: Option<Start>,
    pub(super) trailers: Option<HeaderMap>,
}

impl BodySink<'_> {
    /// Fields to send after the body. They go out with a chunked body only, and without those that
    /// may not stand there (RFC 9110 section 6.5.1).
    pub fn set_trailers(&mut self, trailers: HeaderMap) {
        self.trailers = Some(trailers);
    }

    /// Writes a piece, and sends it, unless it is the last one, which goes out with the answers of
    /// others.
    fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        let mut output = self.started()?;
        output.gather(piece)?;
        if output.has_whole_body() {
            return Ok(());
        }
        output.send_gathered()
    }

    fn started(&mut self) -> io::Result<RefMut<'_, Output>> {
        if let Some(start) = self.start.take() {
            start.write(self.link);
        }
        // Nobody else writes while a body is under way.
        self.link
            .output
            .try_borrow_mut()
            .map_err(|_| io::ErrorKind::ResourceBusy.into())
    }
}

impl Write for BodySink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.started()?.gather(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.started()?.send_gathered()
    }
}

impl fmt::Debug for BodySink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodySink")
            .field("started", &self.start.is_none())
            .finish_non_exhaustive()
    }
}
