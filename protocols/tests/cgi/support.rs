//! A server with one program behind it, and a client that takes nothing from the crate.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::testing::{Leftovers, until};
use eventlet_green::{JoinHandle, spawn};
use eventlet_protocols::gateway::Cgi;
use eventlet_protocols::server::{Server, ServerHandle};

/// A shell script as a program.
pub fn sh(script: &str) -> Cgi {
    Cgi::new("sh").arg("-c").arg(script).arg("script")
}

/// A server that runs in a coroutine of this thread, and what its program has logged.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    log: Rc<RefCell<Vec<String>>>,
}

impl Running {
    pub fn new(cgi: Cgi) -> Self {
        let log = Rc::new(RefCell::new(Vec::new()));
        let theirs = Rc::clone(&log);
        let cgi = cgi.log(move |line| theirs.borrow_mut().push(line.to_owned()));
        let server = Server::new(cgi);
        let handle = server.handle();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = spawn(move || server.serve(listener));
        Running {
            address,
            handle,
            serving,
            log,
        }
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// The whole answer to one request on a connection of its own.
    pub fn ask(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut stream = self.connect();
        stream.write_all(request.as_ref()).unwrap();
        Reply::read(&mut stream)
    }

    /// GET of a path, with more fields if there are any.
    pub fn fetch(&self, path: &str, fields: &str) -> Reply {
        self.ask(format!(
            "GET {path} HTTP/1.1\r\nHost: example.com:8000\r\nConnection: close\r\n{fields}\r\n"
        ))
    }

    pub fn log(&self) -> String {
        self.log.borrow().join("\n")
    }

    pub fn end(self) {
        self.handle.stop(Duration::from_secs(3600));
        self.serving.join().unwrap().unwrap();
        // Programs that were killed are reaped when they have ended.
        until(|| Leftovers::now().is_empty());
    }
}

/// What came until the connection was closed.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
    /// Whether the body came to its proper end.
    pub is_whole: bool,
}

impl Reply {
    pub fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that was cut may end by a reset.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, rest) = text.split_once("\r\n\r\n").expect("a head");
        let head = format!("{head}\r\n");
        let (body, is_whole) = if head.contains("\r\nTransfer-Encoding: chunked\r\n") {
            unchunked(rest)
        } else {
            let length = field(&head, "Content-Length").and_then(|value| value.parse().ok());
            (
                rest.to_owned(),
                length.is_none_or(|length: usize| length == rest.len()),
            )
        };
        Reply {
            status: head[9..12].parse().unwrap(),
            head,
            body,
            is_whole,
        }
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// A line `name=value` of the body.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut lines = self.body.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn unchunked(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let Some(piece) = more.get(..size) else { break };
        body += piece;
        rest = more.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}

/// Whether there is a process of that number that has not ended.
pub fn is_running(id: &str) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else {
        return false;
    };
    !stat
        .rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('Z'))
}
