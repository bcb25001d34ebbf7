//! Load on a server: connections that keep asking, each answer checked; over HTTP, or for an echo.
//!
//! One thread, one epoll. Each connection writes a burst of requests (its depth) at once, and the
//! next burst when the last answer of this one has come; so there are never more than connections ×
//! depth requests under way, and the server sets the pace. The number of requests and the time are
//! bounded, and only loopback addresses are accepted: this is a measuring tool, not a way to strain
//! somebody else's machine.
//!
//! Checking must not cost more than serving, or the server would be measured waiting. So an answer
//! is compared with the last one that was parsed and found good, byte by byte; only when it differs
//! (the date moves on once a second) is it parsed. An echo is compared with what was sent.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use httparse::Status;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// Events of one wait.
const BATCH: usize = 1024;

/// What one read takes at most.
const READ_BUFFER: usize = 64 * 1024;

/// The longest burst: what a fresh socket certainly takes in one write.
const MAX_BURST: usize = 16 * 1024;

/// Header fields of one answer.
const MAX_HEADERS: usize = 64;

/// What is asked, by how many, how often at once.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server; on loopback.
    pub address: SocketAddr,
    /// What is asked, and what every answer must be.
    pub ask: Ask,
    /// Connections, all of them kept alive.
    pub connections: usize,
    /// Requests written at once.
    pub depth: usize,
}

/// What is asked, and what every answer must be.
#[derive(Clone, Debug)]
pub enum Ask {
    /// An HTTP request, answered with 200 and a body.
    Http {
        /// The request line, without the version: `GET /plaintext`.
        line: String,
        /// What is sent with it; nothing, and no length, where it is empty.
        sent: Vec<u8>,
        /// The body of every answer.
        body: Vec<u8>,
    },
    /// Bytes, which come back as they are.
    Echo(Vec<u8>),
}

impl Ask {
    /// `GET` of a path, answered with that body.
    pub fn get(path: &str, body: &[u8]) -> Ask {
        Ask::Http {
            line: format!("GET {path}"),
            sent: Vec::new(),
            body: body.to_vec(),
        }
    }

    /// `POST` of a body to a path, answered with the same.
    pub fn post_back(path: &str, body: &[u8]) -> Ask {
        Ask::Http {
            line: format!("POST {path}"),
            sent: body.to_vec(),
            body: body.to_vec(),
        }
    }

    /// One question, as it is written.
    fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        match self {
            Ask::Echo(bytes) => bytes.clone(),
            Ask::Http { line, sent, .. } => {
                let mut bytes = format!("{line} HTTP/1.1\r\nHost: {address}\r\n").into_bytes();
                if !sent.is_empty() {
                    let length = format!("Content-Length: {}\r\n", sent.len());
                    bytes.extend_from_slice(length.as_bytes());
                }
                bytes.extend_from_slice(b"\r\n");
                bytes.extend_from_slice(sent);
                bytes
            }
        }
    }
}

/// Open connections to a server.
#[derive(Debug)]
pub struct Load {
    epoll: Epoll,
    connections: Vec<Connection>,
    burst: Burst,
    checker: Checker,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// The beginning of an answer whose rest has not come yet.
    kept: Vec<u8>,
    /// Answers of the burst that are still to come.
    missing: usize,
    burst_begun: Instant,
}

/// What is written at once.
#[derive(Debug)]
struct Burst {
    depth: usize,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Checker {
    ask: Ask,
    /// The last answer that was parsed and found good, head and body; the echo.
    good: Vec<u8>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Requests answered, every answer checked.
    pub requests: u64,
    /// From the first write to the last answer.
    pub elapsed: Duration,
    /// From the write of a burst to its last answer; of each burst, shortest first.
    latencies: Vec<Duration>,
}

impl Load {
    /// Opens the connections.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an address that is not loopback, for nothing to ask, and for a burst that
    /// a socket might not take in one write; else those of connecting.
    pub fn connect(plan: &Plan) -> io::Result<Load> {
        let refuse = |text| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        if !plan.address.ip().is_loopback() {
            return refuse(format!("{} is not a loopback address", plan.address));
        }
        if plan.connections == 0 || plan.depth == 0 {
            return refuse("at least one connection and one request at a time".to_owned());
        }
        let request = plan.ask.bytes(plan.address);
        if request.is_empty() {
            return refuse("an echo of nothing never comes".to_owned());
        }
        if request.len() * plan.depth > MAX_BURST {
            return refuse(format!("a burst is at most {MAX_BURST} bytes"));
        }
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut connections = Vec::with_capacity(plan.connections);
        for index in 0..plan.connections {
            let stream = TcpStream::connect(plan.address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            epoll.add(&stream, event)?;
            connections.push(Connection {
                stream,
                kept: Vec::new(),
                missing: 0,
                burst_begun: Instant::now(),
            });
        }
        Ok(Load {
            epoll,
            connections,
            burst: Burst {
                depth: plan.depth,
                bytes: request.repeat(plan.depth),
            },
            checker: Checker {
                ask: plan.ask.clone(),
                good: match &plan.ask {
                    Ask::Echo(bytes) => bytes.clone(),
                    Ask::Http { .. } => Vec::new(),
                },
            },
        })
    }

    /// Asks `requests` times, rounded up to whole bursts, and waits for all the answers.
    ///
    /// # Errors
    ///
    /// `TimedOut` when `limit` is over; `InvalidData` for an answer that is not the expected one;
    /// `UnexpectedEof` when the server closes; else those of the socket. The load is of no use
    /// after an error.
    pub fn run(&mut self, requests: u64, limit: Duration) -> io::Result<Report> {
        let bursts = requests.div_ceil(self.burst.depth as u64);
        let mut latencies = Vec::with_capacity(usize::try_from(bursts).unwrap_or(0));
        let mut buffer = vec![0; READ_BUFFER];
        let mut events = [EpollEvent::empty(); BATCH];
        let begun = Instant::now();
        let mut unasked = bursts;
        for connection in &mut self.connections {
            if unasked == 0 {
                break;
            }
            unasked -= 1;
            connection.ask(&self.burst, Instant::now())?;
        }
        while (latencies.len() as u64) < bursts {
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                let text = format!(
                    "{} of {bursts} bursts answered in {limit:?}",
                    latencies.len()
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            let timeout = EpollTimeout::try_from(left).unwrap_or(EpollTimeout::MAX);
            let count = match self.epoll.wait(&mut events, timeout) {
                Ok(count) => count,
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                let connection = &mut self.connections[event.data() as usize];
                if !connection.take_answers(&mut buffer, &mut self.checker)? {
                    continue;
                }
                let now = Instant::now();
                latencies.push(now - connection.burst_begun);
                if unasked > 0 {
                    unasked -= 1;
                    connection.ask(&self.burst, now)?;
                }
            }
        }
        let elapsed = begun.elapsed();
        latencies.sort_unstable();
        Ok(Report {
            requests: bursts * self.burst.depth as u64,
            elapsed,
            latencies,
        })
    }
}

impl Connection {
    fn ask(&mut self, burst: &Burst, now: Instant) -> io::Result<()> {
        self.burst_begun = now;
        self.missing = burst.depth;
        let sent = self.stream.write(&burst.bytes)?;
        if sent < burst.bytes.len() {
            let text = "the socket did not take a burst in one write";
            return Err(io::Error::new(io::ErrorKind::WriteZero, text));
        }
        Ok(())
    }

    /// Reads once, checks the answers: whether the burst is answered with that.
    fn take_answers(&mut self, buffer: &mut [u8], checker: &mut Checker) -> io::Result<bool> {
        let begun = self.kept.len();
        buffer[..begun].copy_from_slice(&self.kept);
        let count = match self.stream.read(&mut buffer[begun..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        self.kept.clear();
        let mut rest = &buffer[..begun + count];
        while !rest.is_empty() {
            match checker.check(rest)? {
                Some(length) if self.missing > 0 => {
                    self.missing -= 1;
                    rest = &rest[length..];
                }
                Some(_) => return Err(wrong("an answer nobody asked for", rest)),
                None if rest.len() == buffer.len() => {
                    return Err(wrong("an answer longer than the buffer", rest));
                }
                None => {
                    self.kept.extend_from_slice(rest);
                    return Ok(false);
                }
            }
        }
        Ok(self.missing == 0)
    }
}

impl Checker {
    /// The length of the answer at the beginning of `bytes`; nothing if it is not all there.
    fn check(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        if !self.good.is_empty() && bytes.starts_with(&self.good) {
            return Ok(Some(self.good.len()));
        }
        let Ask::Http { body: expected, .. } = &self.ask else {
            return match self.good.starts_with(bytes) {
                true => Ok(None),
                false => Err(wrong("not the echo of what was sent", bytes)),
            };
        };
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let head = match response.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(error) => return Err(wrong(&error.to_string(), bytes)),
        };
        if response.code != Some(200) {
            return Err(wrong("a status other than 200", bytes));
        }
        let length = response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"))
            .and_then(|header| {
                std::str::from_utf8(header.value)
                    .ok()?
                    .parse::<usize>()
                    .ok()
            });
        if length != Some(expected.len()) {
            return Err(wrong("not the expected Content-Length", bytes));
        }
        let Some(body) = bytes.get(head..head + expected.len()) else {
            return Ok(None);
        };
        if body != expected {
            return Err(wrong("not the expected body", bytes));
        }
        self.good.clear();
        self.good.extend_from_slice(&bytes[..head + body.len()]);
        Ok(Some(self.good.len()))
    }
}

impl Report {
    /// Requests answered per second.
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that `share` of the bursts did not exceed: 0.5 is the median, 1.0 the longest.
    pub fn latency(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * share.clamp(0.0, 1.0)).round() as usize;
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests in {:.2} s, {:.0} per second; latency 50 % {:?}, 99 % {:?}, longest {:?}",
            self.requests,
            self.elapsed.as_secs_f64(),
            self.per_second(),
            self.latency(0.5),
            self.latency(0.99),
            self.latency(1.0),
        )
    }
}

/// `InvalidData`: what is wrong, and how the answer begins.
fn wrong(what: &str, bytes: &[u8]) -> io::Error {
    const SHOWN: usize = 200;
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]);
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {shown:?}"))
}
