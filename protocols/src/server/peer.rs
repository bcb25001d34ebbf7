//! Who is at the other end of a connection, as far as the transport knows.
//!
//! What a proxy says of the client in front of it is not here; see `forwarded`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use eventlet_green::net::unix;

/// The other end of a connection.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::Peer;
///
/// let peer = Peer::Ip("[::1]:4711".parse().unwrap());
/// assert_eq!(peer.to_string(), "[::1]:4711");
/// assert_eq!(peer.ip().unwrap().to_string(), "::1");
/// assert_eq!(Peer::Unknown.to_string(), "-");
/// ```
///
/// ```
/// use eventlet_protocols::server::Peer;
/// use std::net::SocketAddr;
///
/// let address: SocketAddr = "10.0.0.1:4711".parse()?;
/// let peer = Peer::from(address);
/// assert_eq!((peer.ip_addr(), peer.ip()), (Some(address), Some(address.ip())));
/// assert_eq!(Peer::Unknown.ip(), None);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Peer {
    /// Over IP.
    Ip(SocketAddr),
    /// Over a Unix socket. Few clients bind theirs to a path: most addresses are unnamed.
    Unix(unix::SocketAddr),
    /// Over something that has no addresses.
    Unknown,
}

impl Peer {
    /// Address and port, over IP.
    pub fn ip_addr(&self) -> Option<SocketAddr> {
        match self {
            Peer::Ip(address) => Some(*address),
            _ => None,
        }
    }

    /// The address alone, over IP.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip_addr().map(|address| address.ip())
    }

    /// As it stands in an access log: the address without its port.
    pub(super) fn host(&self) -> Host<'_> {
        Host(self)
    }
}

/// `unix:` for a Unix socket, with its path if it has one; `-` if nothing is known.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Ip(address) => address.fmt(f),
            Peer::Unix(address) => match address.as_pathname() {
                Some(path) => write!(f, "unix:{}", path.display()),
                None => f.write_str("unix:"),
            },
            Peer::Unknown => f.write_str("-"),
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Peer::Ip(address)
    }
}

impl From<unix::SocketAddr> for Peer {
    fn from(address: unix::SocketAddr) -> Self {
        Peer::Unix(address)
    }
}

pub(super) struct Host<'a>(&'a Peer);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.ip() {
            Some(ip) => ip.fmt(f),
            None => self.0.fmt(f),
        }
    }
}
