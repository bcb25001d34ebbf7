//! A client of the tests: raw bytes out, and responses parsed by rules written down again here, so
//! that a mistake of the crate's own parsers cannot hide.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};

use eventlet_green::net::{Stream, TcpStream};

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The status line without its end.
    pub line: String,
    /// Names as they came.
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What followed the last chunk.
    pub trailers: Vec<(String, String)>,
    /// Whether the body came to the end that its framing announces.
    pub is_whole: bool,
}

impl Reply {
    /// The value of a field that is there once.
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self
            .fields
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "{name} is repeated in {self:?}");
        value
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn is_closing(&self) -> bool {
        self.field("connection") == Some("close")
    }

    pub fn is_chunked(&self) -> bool {
        self.field("transfer-encoding") == Some("chunked")
    }
}

/// Whether a response to come has a body by the request's method (RFC 9112 section 6.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Head,
    Other,
}

/// A connection of a client.
pub struct Client<S = TcpStream> {
    pub stream: S,
    /// What has come and was not looked at.
    pub ahead: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // What is sent in pieces is to arrive in pieces, and without waiting for acknowledgements,
        // which a clock that jumps would not wait for.
        stream.set_nodelay(true).unwrap();
        Client::over(stream)
    }
}

impl<S: Stream + Read + Write> Client<S> {
    pub fn over(stream: S) -> Self {
        Client {
            stream,
            ahead: Vec::new(),
        }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends no more.
    pub fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    #[track_caller]
    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> Reply {
        self.send(request);
        self.reply()
    }

    /// The next response, to any method but HEAD; whole.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        let reply = self.reply_or_part(Asked::Other);
        assert!(reply.is_whole, "cut off: {reply:?}");
        reply
    }

    /// The next response, to HEAD.
    #[track_caller]
    pub fn reply_to_head(&mut self) -> Reply {
        self.reply_or_part(Asked::Head)
    }

    /// The next response, however much of its body comes.
    #[track_caller]
    pub fn reply_or_part(&mut self, asked: Asked) -> Reply {
        let mut reply = self.head();
        let is_bodiless =
            asked == Asked::Head || reply.status < 200 || matches!(reply.status, 204 | 304);
        if is_bodiless {
            reply.is_whole = true;
        } else if reply.is_chunked() {
            assert_eq!(reply.field("content-length"), None, "two framings");
            reply.is_whole = self.chunks(&mut reply);
        } else if let Some(length) = reply.field("content-length") {
            let length = length.parse().unwrap();
            while self.ahead.len() < length && self.more().unwrap() {}
            let there = self.ahead.len().min(length);
            reply.body = self.ahead.drain(..there).collect();
            reply.is_whole = there == length;
        } else {
            reply.body = self.rest().unwrap();
            reply.is_whole = true;
        }
        reply
    }

    /// The head of the next response.
    #[track_caller]
    pub fn head(&mut self) -> Reply {
        let Some(line) = self.line() else {
            panic!("the end instead of a response, after {:?}", self.ahead);
        };
        let mut reply = Reply {
            status: line
                .strip_prefix("HTTP/1.1 ")
                .and_then(|rest| rest.get(..3))
                .and_then(|code| code.parse().ok())
                .unwrap_or_else(|| panic!("not a status line: {line:?}")),
            line,
            ..Reply::default()
        };
        reply.fields = self.fields().expect("a head is whole");
        reply
    }

    /// Whether the connection has come to its end without another byte.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let rest = self.rest().unwrap();
        assert!(
            rest.is_empty(),
            "not the end: {:?}",
            String::from_utf8_lossy(&rest)
        );
    }

    /// Everything until the end of the connection.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.more()? {}
        Ok(std::mem::take(&mut self.ahead))
    }

    /// Waits until so many bytes are ahead, and takes them.
    #[track_caller]
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.ahead.len() < count {
            assert!(self.more().unwrap(), "the end after {:?}", self.ahead);
        }
        self.ahead.drain(..count).collect()
    }

    /// Takes exactly this text.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let got = self.take(text.len());
        assert_eq!(String::from_utf8_lossy(&got), text);
    }

    fn chunks(&mut self, reply: &mut Reply) -> bool {
        loop {
            let Some(line) = self.line() else {
                return false;
            };
            let size = usize::from_str_radix(&line, 16).expect("a chunk size");
            if size == 0 {
                break;
            }
            while self.ahead.len() < size + 2 && self.more().unwrap() {}
            let there = self.ahead.len().min(size);
            reply.body.extend(self.ahead.drain(..there));
            if there < size || self.ahead.len() < 2 {
                return false;
            }
            assert_eq!(self.ahead.drain(..2).collect::<Vec<_>>(), b"\r\n");
        }
        match self.fields() {
            Some(trailers) => reply.trailers = trailers,
            None => return false,
        }
        true
    }

    fn fields(&mut self) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Some(fields);
            }
            let (name, value) = line.split_once(": ").expect("a field line");
            fields.push((name.to_owned(), value.to_owned()));
        }
    }

    /// A line that ends in CRLF, without it; `None` if the connection ends before.
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|two| two == b"\r\n") {
                let line = self.ahead.drain(..end).collect();
                self.ahead.drain(..2);
                return Some(String::from_utf8(line).unwrap());
            }
            if !self.more().unwrap() {
                return None;
            }
        }
    }

    /// Reads what comes next; `false` at the end.
    pub fn more(&mut self) -> io::Result<bool> {
        let mut piece = [0; 16 * 1024];
        let count = self.stream.read(&mut piece)?;
        self.ahead.extend_from_slice(&piece[..count]);
        Ok(count > 0)
    }
}
