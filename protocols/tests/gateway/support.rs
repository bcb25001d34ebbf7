//! A server to talk to, a client of raw bytes, and folders that go away again.

use std::fs;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{JoinHandle, spawn};
use eventlet_protocols::gateway::{IntoHandler, handler};
use eventlet_protocols::server::{Config, Server, ServerHandle};

pub use eventlet_green::testing::{on_each_hub, on_each_hub_jumping, until};

/// How long a server that is stopped by a test may finish what it is doing: never needed.
const GRACE: Duration = Duration::from_secs(3600);

/// A server that runs in a coroutine of this thread.
pub struct Running {
    address: SocketAddr,
    pub handle: ServerHandle,
    serving: JoinHandle<io::Result<()>>,
}

impl Running {
    pub fn new<K>(app: impl IntoHandler<K>) -> Self {
        Self::with(Config::new(), app)
    }

    pub fn with<K>(config: Config, app: impl IntoHandler<K>) -> Self {
        let server = Server::with_config(handler(app), config);
        let handle = server.handle();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = spawn(move || server.serve(listener));
        Running {
            address,
            handle,
            serving,
        }
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        // Pieces are to arrive as pieces, also by a clock that jumps.
        stream.set_nodelay(true).unwrap();
        Client {
            stream,
            ahead: Vec::new(),
        }
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub fn ask(&self, request: impl AsRef<[u8]>) -> Reply {
        self.connect().ask(request)
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Reply {
        self.ask_with(target, "")
    }

    /// Fields are lines with their ends.
    #[track_caller]
    pub fn ask_with(&self, target: &str, fields: &str) -> Reply {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
    }

    /// Waits until all clients are gone, stops the server and waits for its end.
    pub fn end(self) {
        until(|| self.handle.status().open == 0);
        self.handle.stop(GRACE);
        self.serving.join().unwrap().unwrap();
    }
}

/// A request with a body of a length.
pub fn post(target: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// A response, its body without framing.
#[derive(Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
    /// Whether the body came to the end that its framing announces.
    pub is_whole: bool,
}

impl Reply {
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<&str> {
        let is_it = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        let mut values = self.fields.iter().filter(is_it);
        let value = values.next().map(|(_, value)| &**value);
        assert_eq!(values.next(), None, "{name} is repeated in {self:?}");
        value
    }

    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }
}

/// A connection of a client.
pub struct Client {
    pub stream: TcpStream,
    ahead: Vec<u8>,
}

impl Client {
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    #[track_caller]
    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> Reply {
        let is_head = request.as_ref().starts_with(b"HEAD ");
        self.send(request);
        let mut reply = self.head();
        if !is_head {
            self.body(&mut reply);
            assert!(reply.is_whole, "cut off: {reply:?}");
        }
        reply
    }

    /// The head of the next response.
    #[track_caller]
    pub fn head(&mut self) -> Reply {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut parsed = httparse::Response::new(&mut fields);
            if let httparse::Status::Complete(length) = parsed.parse(&self.ahead).unwrap() {
                let reply = Reply {
                    status: parsed.code.unwrap(),
                    fields: owned(parsed.headers),
                    ..Reply::default()
                };
                self.ahead.drain(..length);
                return reply;
            }
            assert!(self.more(), "the end instead of a head: {:?}", self.ahead);
        }
    }

    /// The body of the response with this head, however much of it comes.
    #[track_caller]
    pub fn body(&mut self, reply: &mut Reply) {
        if reply.status < 200 || matches!(reply.status, 204 | 304) {
            reply.is_whole = true;
        } else if reply.field("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk() {
                if chunk.is_empty() {
                    reply.trailers = self.trailers();
                    reply.is_whole = true;
                    return;
                }
                reply.body.extend(chunk);
            }
        } else {
            let length = reply.field("content-length").expect("a length");
            let length = length.parse().unwrap();
            reply.is_whole = self.wait_for(length);
            let there = length.min(self.ahead.len());
            reply.body = self.ahead.drain(..there).collect();
        }
    }

    /// The next chunk, empty for the last; `None` if the connection ends within it.
    #[track_caller]
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        loop {
            if let httparse::Status::Complete((start, size)) =
                httparse::parse_chunk_size(&self.ahead).unwrap()
            {
                self.ahead.drain(..start);
                if size == 0 {
                    return Some(Vec::new());
                }
                let size = size as usize;
                if !self.wait_for(size + 2) {
                    return None;
                }
                let chunk = self.ahead.drain(..size).collect();
                assert_eq!(self.ahead.drain(..2).collect::<Vec<_>>(), b"\r\n");
                return Some(chunk);
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn trailers(&mut self) -> Vec<(String, String)> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; 8];
            if let httparse::Status::Complete((length, parsed)) =
                httparse::parse_headers(&self.ahead, &mut fields).unwrap()
            {
                let trailers = owned(parsed);
                self.ahead.drain(..length);
                return trailers;
            }
            assert!(self.more(), "the end instead of trailers");
        }
    }

    /// Whether so many bytes come.
    fn wait_for(&mut self, count: usize) -> bool {
        while self.ahead.len() < count {
            if !self.more() {
                return false;
            }
        }
        true
    }

    /// Whether more comes; a reset is an end, too.
    fn more(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        let count = match self.stream.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("{error}"),
        };
        self.ahead.extend_from_slice(&piece[..count]);
        count > 0
    }

    #[track_caller]
    pub fn expect_end(&mut self) {
        assert!(!self.more(), "not the end: {:?}", self.ahead);
    }
}

fn owned(fields: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let pairs = fields.iter();
    pairs
        .map(|field| (field.name.to_owned(), text(field.value)))
        .collect()
}

/// A folder of a test's own; removed when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("eventlet-gateway-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean up.
        let _ = fs::remove_dir_all(&self.0);
    }
}
