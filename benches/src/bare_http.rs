//! A bare edge-triggered epoll loop with httparse: what one request costs when nothing is in the way.
//!
//! It answers `GET /plaintext`, and `POST /echo` with a body that fits into its buffer, with the bytes a
//! real server would send (status line, Server, Date, Content-Length, Content-Type), with keep-alive and
//! pipelining, on one thread. It does the honest
//! work of a server (every request is parsed, every head is put together, the date is kept up to
//! date) and nothing more: no timeouts, no streamed bodies, no lingering close, no log, two routes. It is the lower bound
//! that the real servers' CPU time per request is set against, not an example of how to write one.
//!
//! What makes it fast: all requests in one read are answered by one write; a read that fills less
//! than the buffer means drained, so no read is wasted on `EAGAIN`; the two buffers are shared by
//! all connections and stay in the cache, and a connection keeps bytes of its own only while a
//! request is cut in two or its peer reads too slowly.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::time::SystemTime;

use httparse::Status;
use nix::sys::epoll::EpollFlags as Flags;

use crate::bare_loop::{BareLoop, Service};

/// The body of `GET /plaintext`.
pub const PLAINTEXT: &[u8] = b"Hello, World!";

/// Where a body comes back.
const ECHO: &str = "/echo";

/// What one read takes at most; also the longest request head there may be.
const READ_BUFFER: usize = 16 * 1024;

/// Header fields of one request; more are answered with 400.
const MAX_HEADERS: usize = 64;

/// The server: made by [`bind`](Self::bind), driven by [`run`](Self::run).
#[derive(Debug)]
pub struct BareHttp {
    sockets: BareLoop<Answers>,
}

/// What all connections share.
#[derive(Debug)]
struct Answers {
    date: Date,
    /// What is being parsed: shared, because one event is handled at a time.
    input: Box<[u8; READ_BUFFER]>,
    /// What is being answered.
    output: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// The beginning of a request whose rest has not come yet.
    kept: Vec<u8>,
    /// What the peer has not taken yet. While there is some, nothing is read.
    unsent: Vec<u8>,
    next: Next,
}

/// What becomes of a connection when its output is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Read,
    Close,
}

/// The `Date` field's value, formatted anew at most once a second.
#[derive(Debug)]
struct Date {
    second: u64,
    text: String,
}

impl BareHttp {
    /// Listens on `address`.
    ///
    /// # Errors
    ///
    /// Those of the socket and epoll calls: `AddrInUse`, too many open files.
    pub fn bind(address: SocketAddr) -> io::Result<BareHttp> {
        let answers = Answers {
            date: Date::new(),
            input: Box::new([0; READ_BUFFER]),
            output: Vec::with_capacity(READ_BUFFER),
        };
        let sockets = BareLoop::bind(address, answers)?;
        Ok(BareHttp { sockets })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Those of `getsockname(2)`.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.sockets.address()
    }

    /// Serves until an error that concerns the server, not a connection.
    ///
    /// # Errors
    ///
    /// Those of waiting and of accepting.
    pub fn run(&mut self) -> io::Result<()> {
        self.sockets.run()
    }
}

impl Service for Answers {
    type Connection = Connection;

    const WATCHED: Flags = Flags::EPOLLIN
        .union(Flags::EPOLLOUT)
        .union(Flags::EPOLLRDHUP);

    fn open(&mut self, stream: TcpStream) -> Connection {
        Connection {
            stream,
            kept: Vec::new(),
            unsent: Vec::new(),
            next: Next::Read,
        }
    }

    fn woken(&mut self) {
        self.date.refresh();
    }

    /// An error of the connection ends the connection.
    fn handle(&mut self, connection: &mut Connection, flags: Flags) -> ControlFlow<()> {
        match connection.serve(flags, &mut self.input[..], &mut self.output, &self.date) {
            Ok(Next::Read) => ControlFlow::Continue(()),
            Ok(Next::Close) | Err(_) => ControlFlow::Break(()),
        }
    }
}

impl Connection {
    /// Reads, answers and writes as far as it goes.
    fn serve(
        &mut self,
        flags: Flags,
        input: &mut [u8],
        output: &mut Vec<u8>,
        date: &Date,
    ) -> io::Result<Next> {
        if !self.unsent.is_empty() {
            let sent = write_some(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
            if !self.unsent.is_empty() {
                return Ok(Next::Read);
            }
        }
        if self.next == Next::Close {
            return Ok(Next::Close);
        }
        if !flags.intersects(Flags::EPOLLIN | CLOSING) {
            return Ok(Next::Read);
        }
        loop {
            let begun = self.kept.len();
            input[..begun].copy_from_slice(&self.kept);
            self.kept.clear();
            let room = input.len() - begun;
            let count = match self.stream.read(&mut input[begun..]) {
                Ok(0) => return Ok(Next::Close),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.kept.extend_from_slice(&input[..begun]);
                    return Ok(Next::Read);
                }
                Err(error) => return Err(error),
            };
            output.clear();
            let filled = &input[..begun + count];
            let (parsed, next) = answer_all(filled, output, date);
            self.next = next;
            if !output.is_empty() {
                let sent = write_some(&mut self.stream, output)?;
                self.unsent.extend_from_slice(&output[sent..]);
            }
            if next == Next::Close && self.unsent.is_empty() {
                return Ok(Next::Close);
            }
            self.kept.extend_from_slice(&filled[parsed..]);
            if !self.unsent.is_empty() {
                // Goes on when the peer has taken some. That event tells of unread input as well:
                // epoll reports all that a descriptor is ready for, not only what has changed.
                return Ok(Next::Read);
            }
            // Less than there was room for: drained. Unless the peer's end is what comes next, which
            // has been reported already and would not be again.
            if count < room && !flags.intersects(CLOSING) {
                return Ok(Next::Read);
            }
        }
    }
}

/// Answers the whole requests at the beginning of `input`: how many bytes they were, and whether to
/// go on after them.
fn answer_all(input: &[u8], output: &mut Vec<u8>, date: &Date) -> (usize, Next) {
    let mut parsed = 0;
    while parsed < input.len() {
        let begun = parsed;
        let mut body_length = 0;
        let mut headers = [MaybeUninit::uninit(); MAX_HEADERS];
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(&input[parsed..], &mut headers) {
            Ok(Status::Complete(length)) => parsed += length,
            Ok(Status::Partial) if input.len() < READ_BUFFER => return (parsed, Next::Read),
            // Parsed requests make room when the rest is kept; a head as long as the buffer never can.
            Ok(Status::Partial) if parsed > 0 => return (parsed, Next::Read),
            Ok(Status::Partial) => {
                refuse(output, date, b"431 Request Header Fields Too Large");
                return (parsed, Next::Close);
            }
            Err(_) => {
                refuse(output, date, b"400 Bad Request");
                return (parsed, Next::Close);
            }
        }
        let mut next = match request.version {
            Some(1) => Next::Read,
            _ => Next::Close,
        };
        for header in request.headers.iter() {
            match header.name.len() {
                10 if header.name.eq_ignore_ascii_case("connection")
                    && header.value.eq_ignore_ascii_case(b"close") =>
                {
                    next = Next::Close;
                }
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    match length_of(header.value) {
                        // What does not fit, and what nobody has asked for.
                        Some(length)
                            if length == 0
                                || request.path == Some(ECHO)
                                    && parsed - begun + length <= READ_BUFFER =>
                        {
                            body_length = length;
                        }
                        _ => {
                            refuse(output, date, b"413 Content Too Large");
                            return (parsed, Next::Close);
                        }
                    }
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    refuse(output, date, b"413 Content Too Large");
                    return (parsed, Next::Close);
                }
                _ => {}
            }
        }
        let Some(body) = input.get(parsed..parsed + body_length) else {
            return (begun, Next::Read);
        };
        parsed += body_length;
        match (request.method, request.path) {
            (Some("POST"), Some(ECHO)) => respond(output, date, b"200 OK", body),
            (Some("GET"), Some("/plaintext")) => respond(output, date, b"200 OK", PLAINTEXT),
            _ => respond(output, date, b"404 Not Found", b"not found\n"),
        }
        if next == Next::Close {
            return (parsed, Next::Close);
        }
    }
    (parsed, Next::Read)
}

/// The value of a Content-Length: digits alone.
fn length_of(value: &[u8]) -> Option<usize> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn respond(output: &mut Vec<u8>, date: &Date, status: &[u8], body: &[u8]) {
    output.extend_from_slice(b"HTTP/1.1 ");
    output.extend_from_slice(status);
    output.extend_from_slice(b"\r\nServer: bare\r\nDate: ");
    output.extend_from_slice(date.text.as_bytes());
    output.extend_from_slice(b"\r\nContent-Type: text/plain\r\nContent-Length: ");
    output.extend_from_slice(itoa::Buffer::new().format(body.len()).as_bytes());
    output.extend_from_slice(b"\r\n\r\n");
    output.extend_from_slice(body);
}

/// An answer after which the connection ends.
fn refuse(output: &mut Vec<u8>, date: &Date, status: &[u8]) {
    respond(output, date, status, status);
}

fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Ok(count) => Ok(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error),
    }
}

impl Date {
    fn new() -> Date {
        let mut date = Date {
            second: 0,
            text: String::new(),
        };
        date.refresh();
        date
    }

    fn refresh(&mut self) {
        let now = SystemTime::now();
        let second = match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => since.as_secs(),
            Err(_) => 0,
        };
        if second != self.second {
            self.second = second;
            self.text = httpdate::fmt_http_date(now);
        }
    }
}

/// The peer will send no more, or is gone: read on until the read says so.
const CLOSING: Flags = Flags::EPOLLRDHUP
    .union(Flags::EPOLLHUP)
    .union(Flags::EPOLLERR);
