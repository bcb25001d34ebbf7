//! Folders of a test's own, writers that are held up or fail, a sink that remembers, a syslog daemon.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use eventlet_green::net::unix::UnixDatagram;
use eventlet_green::testing::{Leftovers, until};
use eventlet_protocols::log::{Record, Sink};

/// Long enough for whatever is waited for.
pub const LONG: Duration = Duration::from_secs(50);

/// A folder that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("eventlet-log-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A writer that keeps what it gets, once its gate is open; its clones are the same.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    open: bool,
    held: bool,
    text: Vec<u8>,
}

impl Gate {
    pub fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    /// Whether somebody waits before it.
    pub fn is_held(&self) -> bool {
        self.0.0.lock().unwrap().held
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().text.clone()).unwrap()
    }
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.0.lock().unwrap();
        while !state.open {
            state.held = true;
            state = self.0.1.wait(state).unwrap();
        }
        state.held = false;
        state.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Remembers records as `LEVEL target message key=value…`.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Vec<String>>>);

impl Memory {
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Sink for Memory {
    fn record(&self, record: &Record<'_>) {
        let mut text = format!("{} {} {}", record.level, record.target, record.message);
        for (name, value) in record.fields {
            text.push_str(&format!(" {name}={value}"));
        }
        self.0.lock().unwrap().push(text);
    }

    fn flush(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

/// A syslog daemon, as far as its socket is concerned.
pub struct Daemon(UnixDatagram);

impl Daemon {
    pub fn at(path: impl AsRef<Path>) -> Self {
        Daemon(UnixDatagram::bind(path).unwrap())
    }

    /// The next datagram.
    pub fn text(&self) -> String {
        let mut datagram = [0; 64 * 1024];
        let length = self.0.recv(&mut datagram).unwrap();
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    }

    /// What the next datagram says behind `target [who] `.
    pub fn message(&self) -> String {
        let text = self.text();
        text.split_once("] ").unwrap().1.to_owned()
    }

    /// It dies, and its socket is left behind.
    pub fn die(self) {
        self.0.close().unwrap();
    }
}

/// Waits until coroutines and sockets of what was dropped are gone.
pub fn settled() {
    until(|| Leftovers::now().is_empty());
}
