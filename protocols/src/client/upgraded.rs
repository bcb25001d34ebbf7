//! A connection that speaks another protocol from now on (RFC 9110 section 7.8).

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

use eventlet_green::now;

use super::exchange::Conn;
use super::transport::Transport;
use crate::server::input::Input;

/// A connection after `101 Switching Protocols`: bytes in both directions. Reading gives first what
/// came together with the response.
///
/// # Examples
///
/// ```no_run
/// use eventlet_protocols::client::Agent;
/// use http::{Method, StatusCode};
///
/// let agent = Agent::new();
/// let request = agent
///     .call(Method::GET, "http://localhost/chat")
///     .header("connection", "upgrade")
///     .header("upgrade", "chat");
/// let response = request.send()?;
/// assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
/// let stream = response.into_body().into_upgraded().expect("after 101");
/// # Ok::<(), eventlet_protocols::client::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_protocols::client::{Body, Config, exchange_over};
/// use http::Request;
/// use std::io::{Read, Write};
/// use std::time::Duration;
///
/// let (near, mut far) = UnixStream::pair()?;
/// let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n";
/// far.write_all(head.as_bytes())?;
/// far.write_all(b"HI")?;
/// let request = Request::get("http://a.example/")
///     .header("connection", "upgrade")
///     .header("upgrade", "shout")
///     .body(Body::empty())?;
/// let response = exchange_over(near, request, &Config::new())?;
///
/// let mut upgraded = response.into_body().into_upgraded().expect("after 101");
/// upgraded.set_read_timeout(Some(Duration::from_secs(5)));
/// upgraded.set_write_timeout(Some(Duration::from_secs(5)));
/// let mut word = [0; 2];
/// upgraded.read_exact(&mut word)?; // It may have come together with the head.
/// assert_eq!(&word, b"HI");
/// upgraded.write_all(b"HO")?;
/// let (_stream, unread) = upgraded.into_parts();
/// assert!(unread.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Upgraded {
    stream: Box<dyn Transport>,
    ahead: Input,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl Upgraded {
    pub(super) fn new(conn: Conn) -> Self {
        Upgraded {
            stream: conn.stream,
            ahead: conn.input,
            read_timeout: None,
            write_timeout: None,
        }
    }

    /// How long one read may wait. Default: `None`, for ever.
    pub fn set_read_timeout(&mut self, limit: Option<Duration>) {
        self.read_timeout = limit;
    }

    /// How long one write may wait. Default: `None`, for ever.
    pub fn set_write_timeout(&mut self, limit: Option<Duration>) {
        self.write_timeout = limit;
    }

    /// The connection, and what came on it that has not been read.
    pub fn into_parts(self) -> (Box<dyn Transport>, Vec<u8>) {
        let ahead = self.ahead.waiting().to_vec();
        (self.stream, ahead)
    }
}

impl Read for Upgraded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let waiting = self.ahead.waiting();
        if !waiting.is_empty() {
            let count = waiting.len().min(into.len());
            into[..count].copy_from_slice(&waiting[..count]);
            self.ahead.consume(count);
            return Ok(count);
        }
        let deadline = self.read_timeout.map(|limit| now() + limit);
        self.stream.read_until(into, deadline)
    }
}

impl Write for Upgraded {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let deadline = self.write_timeout.map(|limit| now() + limit);
        self.stream.write_until(from, deadline)
    }

    fn flush(&mut self) -> io::Result<()> {
        let deadline = self.write_timeout.map(|limit| now() + limit);
        self.stream.flush_until(deadline)
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").finish_non_exhaustive()
    }
}
