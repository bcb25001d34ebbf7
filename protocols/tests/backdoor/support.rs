//! A console to talk to, and a client that knows only bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eventlet_green::net::{Stream, TcpStream};
use eventlet_protocols::backdoor::{Backdoor, Config, Names, Opened, Place, Telnet};

pub use eventlet_green::testing::{on_each_hub, on_each_hub_jumping, until};

pub const PROMPT: &str = ">>> ";
pub const CONTINUED: &str = "... ";
pub const SECOND: Duration = Duration::from_secs(1);

/// Settings without what tests do not look at.
pub fn config() -> Config {
    let mut config = Config::new();
    config.telnet = Telnet::NotAsked;
    config.banner = Some("hello".to_owned());
    config
}

/// A console that listens, in this thread.
pub struct Console {
    pub backdoor: Backdoor,
    pub opened: Opened,
}

impl Console {
    pub fn new() -> Self {
        Self::with(config(), Names::new())
    }

    pub fn with(config: Config, names: Names) -> Self {
        Self::of(Backdoor::new(config, names))
    }

    pub fn of(backdoor: Backdoor) -> Self {
        let opened = backdoor.open(&"127.0.0.1:0".parse().unwrap()).unwrap();
        Console { backdoor, opened }
    }

    pub fn address(&self) -> SocketAddr {
        match self.opened.place() {
            Place::Tcp(address) => *address,
            other => panic!("not an address: {other}"),
        }
    }

    /// A client that has not read anything.
    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address()).unwrap();
        // Pieces are to arrive as such, and without waiting for acknowledgements.
        stream.set_nodelay(true).unwrap();
        Client::over(stream)
    }

    /// A client at its first prompt.
    pub fn session(&self) -> Client {
        let mut client = self.connect();
        assert_eq!(client.until(PROMPT), "hello\r\n");
        client
    }

    pub fn until_sessions(&self, count: usize) {
        until(|| self.backdoor.sessions() == count);
    }

    /// Waits until all clients are gone, and closes it.
    pub fn end(self) {
        self.until_sessions(0);
        self.opened.close().unwrap();
    }
}

pub struct Client<S = TcpStream> {
    pub stream: S,
    ahead: Vec<u8>,
}

impl<S: Stream + Read + Write> Client<S> {
    pub fn over(stream: S) -> Self {
        let ahead = Vec::new();
        Client { stream, ahead }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    pub fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// What comes before this text, which is taken too.
    #[track_caller]
    pub fn until(&mut self, end: &str) -> String {
        let bytes = self.until_bytes(end.as_bytes());
        String::from_utf8(bytes).unwrap()
    }

    #[track_caller]
    pub fn until_bytes(&mut self, end: &[u8]) -> Vec<u8> {
        let mut from = 0;
        loop {
            let new = &self.ahead[from..];
            if let Some(at) = new.windows(end.len()).position(|some| some == end) {
                let before = self.ahead.drain(..from + at).collect();
                self.ahead.drain(..end.len());
                return before;
            }
            from = (self.ahead.len() + 1).saturating_sub(end.len());
            assert!(
                self.more(),
                "the end instead of {:?}, after {:?}",
                String::from_utf8_lossy(end),
                String::from_utf8_lossy(&self.ahead)
            );
        }
    }

    /// What a statement shows.
    #[track_caller]
    pub fn ask(&mut self, statement: &str) -> String {
        self.send(format!("{statement}\r\n"));
        self.until(PROMPT)
    }

    /// Everything to the end.
    pub fn rest(&mut self) -> String {
        while self.more() {}
        String::from_utf8(std::mem::take(&mut self.ahead)).unwrap()
    }

    fn more(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            // A console that closes with input unread resets the connection.
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.ahead.extend_from_slice(&piece[..count]);
                true
            }
        }
    }
}

/// A folder that is removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("eventlet-backdoor-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
