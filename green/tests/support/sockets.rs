//! What several tests of sockets need: full buffers, a folder for Unix sockets, ports that refuse or
//! never answer, and whether there is IPv6.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eventlet_green::net::{TcpListener, TcpStream};

/// Writes until the kernel takes no more. The limit of time that is set for that must not be in use
/// otherwise; the caller is the only writer.
pub fn fill<W>(writer: &W)
where
    for<'a> &'a W: Write,
{
    let outcome = eventlet_green::timeout(Duration::from_secs(1), || {
        let mut writer = writer;
        writer.write_all(&super::flood())
    });
    assert!(outcome.unwrap_err().is_elapsed());
}

/// A folder that is removed in the end.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("eventlet-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        TempDir(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port of this machine that nobody listens on.
pub fn dead_port() -> SocketAddr {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

/// A listener whose queue is full, so that who connects is never answered. Needs a clock that jumps.
pub struct BlackHole {
    listener: TcpListener,
    _held: Vec<TcpStream>,
}

impl BlackHole {
    pub fn new() -> Self {
        let listener = TcpListener::bind_with_backlog("127.0.0.1:0", 0).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(1));
        let _held = std::iter::from_fn(|| connect().ok()).collect();
        BlackHole { listener, _held }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

/// Whether the loopback of IPv6 can be bound; says so loudly if not.
pub fn has_ipv6() -> bool {
    let has = std::net::TcpListener::bind("[::1]:0").is_ok();
    if !has {
        eprintln!("SKIPPED: no IPv6 loopback on this machine, what needs it is left out");
    }
    has
}
