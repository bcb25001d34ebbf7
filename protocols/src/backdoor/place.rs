//! Where a console listens, and that nobody gets there who should not.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net as std_unix;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use eventlet_green::net::unix::UnixListener;
use eventlet_green::net::{ListenOptions, TcpListener};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::config::Exposure;

/// How many connections the system keeps for a console until they are accepted.
const BACKLOG: i32 = 16;
/// Only the owner may connect.
const OWNERS: u32 = 0o600;
/// The bits of a mode by which others may do something.
const OTHERS: u32 = 0o077;

/// Where a console listens.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::Place;
///
/// assert!(matches!("127.0.0.1:3000".parse(), Ok(Place::Tcp(_))));
/// let path: Place = "unix:/run/program/console".parse().unwrap();
/// assert_eq!(path.to_string(), "unix:/run/program/console");
/// assert!("localhost".parse::<Place>().is_err());
/// ```
///
/// ```
/// use eventlet_protocols::backdoor::Place;
///
/// let place = Place::Tcp("127.0.0.1:3000".parse()?);
/// assert_eq!(place.to_string(), "127.0.0.1:3000");
/// let place = Place::Unix("/run/app/console".into());
/// assert_eq!(place.to_string(), "unix:/run/app/console");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// An address and port.
    Tcp(SocketAddr),
    /// The path of a Unix socket. The file is made, with mode 0600, and removed in the end.
    Unix(PathBuf),
}

impl FromStr for Place {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Place::Unix(path.into()));
        }
        text.parse().map(Place::Tcp).map_err(|_| {
            let text = format!("{text} is neither an address with a port nor unix:PATH");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(address) => address.fmt(f),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

pub(super) fn listen_tcp(address: SocketAddr, exposure: Exposure) -> io::Result<TcpListener> {
    check_address(address, exposure)?;
    ListenOptions::new().backlog(BACKLOG).listen(address)
}

/// Listens on a path. The file can be connected to only when its mode is right: until `listen` is
/// called, connections are refused (unix(7)).
pub(super) fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    remove_if_abandoned(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let bound = fs::set_permissions(path, fs::Permissions::from_mode(OWNERS))
        .and_then(|()| socket.listen(BACKLOG))
        .and_then(|()| UnixListener::from_std(std_unix::UnixListener::from(socket)));
    if bound.is_err() {
        // The first error is the one to be told.
        let _ = fs::remove_file(path);
    }
    bound
}

/// A socket that nobody listens on is what a program has left that was killed.
fn remove_if_abandoned(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let is_abandoned = is_socket
        && std_unix::UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_abandoned {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Removes the file of a socket, if it is one still.
pub(super) fn remove(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        // Somebody else may have done it.
        let _ = fs::remove_file(path);
    }
}

/// # Errors
///
/// `PermissionDenied`.
pub(super) fn check_tcp(listener: &TcpListener, exposure: Exposure) -> io::Result<()> {
    check_address(listener.local_addr()?, exposure)?;
    // The mark of an interrupt (`IAC DM`) is urgent data, which would be missing from the stream.
    SockRef::from(listener).set_out_of_band_inline(true)
}

fn check_address(address: SocketAddr, exposure: Exposure) -> io::Result<()> {
    if exposure == Exposure::Anybody || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(refused(&format!(
        "{address} can be reached from elsewhere, and a console changes the program at will"
    )))
}

/// # Errors
///
/// `PermissionDenied`.
pub(super) fn check_unix(listener: &UnixListener, exposure: Exposure) -> io::Result<()> {
    if exposure == Exposure::Anybody {
        return Ok(());
    }
    let address = listener.local_addr()?;
    let Some(path) = address.as_pathname() else {
        return Err(refused("a socket without a file is open to all users"));
    };
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & OTHERS != 0 {
        let (path, mode) = (path.display(), mode & 0o777);
        return Err(refused(&format!(
            "{path} has the mode {mode:o}, which lets others in; 600 would not"
        )));
    }
    Ok(())
}

fn refused(why: &str) -> io::Error {
    let text = format!("{why}; Exposure::Anybody allows it");
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}
