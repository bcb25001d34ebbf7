//! A listening Unix socket whose `accept` parks the coroutine.

use std::io;
use std::os::unix::net as std_unix;
use std::path::Path;

use super::{SocketAddr, UnixStream};
use crate::fd::{Shared, from_and_into_std, handle, listener, options};

/// A listening Unix socket, in the shape of [`std::os::unix::net::UnixListener`].
///
/// The file that [`bind`](Self::bind) makes stays when the listener is gone, and a second `bind` is
/// refused while it is there; remove it when you are done, or before you bind.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::{UnixListener, UnixStream};
/// use std::io::{Read, Write};
///
/// # let folder = std::env::temp_dir().join(format!("eventlet-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let path = folder.join("socket");
/// let listener = UnixListener::bind(&path)?;
/// let server = eventlet_green::spawn(move || -> std::io::Result<()> {
///     let (mut stream, _) = listener.accept()?;
///     let user = stream.peer_cred()?.uid;
///     write!(stream, "user {user}")
/// });
/// let mut text = String::new();
/// UnixStream::connect(&path)?.read_to_string(&mut text)?;
/// assert!(text.starts_with("user "));
/// # server.join().unwrap()?;
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::unix::{UnixListener, UnixStream};
/// use std::io::ErrorKind;
/// use std::os::unix::net::SocketAddr;
/// use std::time::Duration;
///
/// # let path = std::env::temp_dir().join(format!("eventlet-doc-unix-{}", std::process::id()));
/// # let _ = std::fs::remove_file(&path);
/// let listener = UnixListener::bind_addr(&SocketAddr::from_pathname(&path)?)?;
/// assert_eq!(listener.local_addr()?.as_pathname(), Some(&*path));
/// listener.set_accept_timeout(Some(Duration::from_millis(1)))?;
/// assert_eq!(listener.accept_timeout(), Some(Duration::from_millis(1)));
/// assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::TimedOut);
/// listener.set_accept_timeout(None)?;
///
/// let _clients = [UnixStream::connect(&path)?, UnixStream::connect(&path)?];
/// listener.wait_readable()?;
/// listener.accept_patiently()?; // Waits out a lack of descriptors.
/// assert!(listener.incoming().next().is_some_and(|next| next.is_ok()));
/// assert!(listener.take_error()?.is_none());
/// listener.try_with(|socket| socket.try_clone().map(drop))?;
/// listener.try_clone()?.close()?; // For both handles.
///
/// # std::fs::remove_file(&path)?;
/// let listener = std::os::unix::net::UnixListener::bind(&path)?;
/// let listener = UnixListener::from_std(listener)?.into_std()?;
/// # drop(listener);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::unix::{Incoming, UnixListener, UnixStream};
///
/// # let path = std::env::temp_dir().join(format!("eventlet-doc-incoming-{}", std::process::id()));
/// # let _ = std::fs::remove_file(&path);
/// let listener = UnixListener::bind(&path)?;
/// let _client = UnixStream::connect(&path)?;
/// let mut incoming: Incoming<'_> = listener.incoming();
/// assert!(incoming.next().is_some_and(|next| next.is_ok()));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct UnixListener {
    watched: Shared<std_unix::UnixListener>,
}

handle!(UnixListener over std_unix::UnixListener);
from_and_into_std!(UnixListener over std_unix::UnixListener);
listener!(UnixListener over std_unix::UnixListener, gives UnixStream and SocketAddr);

impl UnixListener {
    /// Listens on a path, with the backlog of `std`. It makes the file, which must not be there.
    ///
    /// # Errors
    ///
    /// `AddrInUse`: the file is there. `InvalidInput`: the path is too long (108 bytes on Linux, with
    /// the closing zero) or has a zero byte. What else the system gives.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::from_std(std_unix::UnixListener::bind(path)?)
    }

    /// Listens on an address, which may be one in the abstract namespace of Linux: see
    /// `std::os::linux::net::SocketAddrExt`.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        Self::from_std(std_unix::UnixListener::bind_addr(address)?)
    }
}

options! { UnixListener:
    /// The address it listens on.
    fn local_addr() -> SocketAddr;
    /// Takes an error that is pending on the socket (`SO_ERROR`).
    fn take_error() -> Option<io::Error>;
}
