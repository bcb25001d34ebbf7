//! Servers to talk to, made of raw bytes, and the kit's names.
//!
//! A server here is a coroutine of the same loop that does what a test says, on each connection: no
//! test waits by sleeping, and where time matters the clock jumps.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::pool::Group;
use eventlet_green::sync::Event;
use eventlet_green::{JoinHandle, spawn, turn_count};
use eventlet_protocols::client::{Agent, Config};
use socket2::SockRef;

pub use eventlet_green::testing::{on_each_hub, on_each_hub_jumping, until, until_parked};

/// What the kernel keeps for a server that does not read.
const SMALL: usize = 16 * 1024;

/// More than the kernel takes from a client whose server does not read: 4 MiB, on Linux.
pub const LARGE: usize = 6 * 1024 * 1024;

/// A body that is different at each place.
pub fn pattern(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    for number in 0..length / 8 {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// A server that does on each connection what it is told.
pub struct Peer {
    pub address: SocketAddr,
    accepted: Rc<Cell<usize>>,
    serving: Rc<RefCell<Group>>,
    accepting: Option<JoinHandle<()>>,
}

impl Peer {
    /// `serve` gets the connection and its number, from 0.
    pub fn new(serve: impl Fn(&mut Talk, usize) + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Its connections inherit it.
        SockRef::from(&listener)
            .set_recv_buffer_size(SMALL)
            .unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Rc::new(Cell::new(0));
        let serving: Rc<RefCell<Group>> = Rc::default();
        let (count, group, serve) = (Rc::clone(&accepted), Rc::clone(&serving), Rc::new(serve));
        let accepting = spawn(move || {
            for stream in listener.incoming() {
                let mut talk = Talk::new(stream.unwrap());
                let number = count.replace(count.get() + 1);
                let serve = Rc::clone(&serve);
                drop(group.borrow().spawn(move || serve(&mut talk, number)));
            }
        });
        Peer {
            address,
            accepted,
            serving,
            accepting: Some(accepting),
        }
    }

    /// Answers each request with these bytes, whatever it is, for as long as more come.
    pub fn answering(answer: impl AsRef<[u8]> + 'static) -> Self {
        Self::new(move |talk, _| {
            while talk.request().is_some() {
                talk.send(&answer);
            }
        })
    }

    /// Answers one request with these bytes, and closes.
    pub fn answering_once(answer: impl AsRef<[u8]> + 'static) -> Self {
        Self::new(move |talk, _| {
            talk.request();
            talk.send(&answer);
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many connections there have been.
    pub fn accepted(&self) -> usize {
        self.accepted.get()
    }

    /// How many connections are being served.
    pub fn open(&self) -> usize {
        self.serving.borrow().running()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Of a test that has failed, the first message is the one that counts.
        if std::thread::panicking() {
            return;
        }
        let accepting = self.accepting.take().expect("dropped once");
        accepting.kill().unwrap();
        accepting.join().unwrap_err();
        let group = self.serving.borrow();
        group.kill_all().unwrap();
        let _ = group.join_all();
    }
}

/// The server's end of a connection.
pub struct Talk {
    pub stream: TcpStream,
    /// What has come and was not looked at.
    pub ahead: Vec<u8>,
}

impl Talk {
    pub fn new(stream: TcpStream) -> Self {
        // What is sent in pieces is to arrive in pieces.
        stream.set_nodelay(true).unwrap();
        Talk {
            stream,
            ahead: Vec::new(),
        }
    }

    /// The next head, with its empty line; `None` at the end.
    pub fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.ahead.drain(..end + 4).collect();
                return Some(String::from_utf8(head).unwrap());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// The next request: its head and its body, framing and all.
    pub fn request(&mut self) -> Option<(String, String)> {
        let head = self.head()?;
        let field = |name: &str| {
            let lower = head.to_ascii_lowercase();
            let start = lower.find(&format!("\r\n{name}: "))? + name.len() + 4;
            let rest = &head[start..];
            rest.split_once("\r\n").map(|(value, _)| value.to_owned())
        };
        if let Some(length) = field("content-length") {
            let body = self.take(length.parse().unwrap());
            return Some((head, String::from_utf8(body).unwrap()));
        }
        let mut body = Vec::new();
        while field("transfer-encoding").is_some() && !body.ends_with(b"0\r\n\r\n") {
            body.extend(self.take(1));
        }
        Some((head, String::from_utf8(body).unwrap()))
    }

    /// Exactly so many bytes.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.ahead.len() < count {
            assert!(self.more(), "the end after {:?}", self.ahead);
        }
        self.ahead.drain(..count).collect()
    }

    /// Everything until the client closes.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.ahead)
    }

    fn more(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        // A client that resets has come to an end, too.
        let count = self.stream.read(&mut piece).unwrap_or(0);
        self.ahead.extend_from_slice(&piece[..count]);
        count > 0
    }

    /// Sends, if the client is still there.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Does nothing any more, until the server ends.
    pub fn idle(&mut self) {
        let _ = Event::<()>::new().wait();
    }

    /// Sends no more.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset.
    pub fn reset(&mut self) {
        self.stream.set_linger(Some(Duration::ZERO)).unwrap();
        self.stream.close().unwrap();
    }
}

/// Lets everybody else go on until they wait, also in a coroutine.
pub fn pause() {
    /// More than the turns that bytes take from one end of a connection to the other's coroutine.
    const TURNS: u64 = 4;
    let end = turn_count() + TURNS;
    until(|| turn_count() >= end);
}

/// A response of 200 with this body.
pub fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// An agent with settings that are changed a little.
pub fn agent_with(change: impl FnOnce(&mut Config)) -> Agent {
    let mut config = Config::new();
    change(&mut config);
    Agent::with_config(config)
}

/// Nothing is in use, and nobody waits.
#[track_caller]
pub fn assert_unused(agent: &Agent) {
    let status = agent.status();
    assert_eq!((status.in_use, status.waiting), (0, 0), "{status:?}");
}

/// Nothing is left in the pool.
#[track_caller]
pub fn assert_empty(agent: &Agent) {
    assert_unused(agent);
    let status = agent.status();
    assert_eq!((status.idle, status.hosts), (0, 0), "{status:?}");
}
