//! Where the daemon is, and the socket to it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use eventlet_green::net::unix::UnixDatagram;
use eventlet_green::net::{ToSocketAddrs, UdpSocket};

/// Where this machine's daemon listens, on one system or another; the first that is there is used.
pub const LOCAL_PLACES: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

#[derive(Clone, Debug)]
pub(super) enum Place {
    /// At one of these paths.
    Local(Vec<PathBuf>),
    /// `HOST:PORT`.
    Udp(String),
}

impl Place {
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Place::Local(_))
    }

    /// A socket whose sends wait at most `patience`.
    pub(super) fn connect(&self, patience: Duration) -> io::Result<Socket> {
        match self {
            Place::Local(paths) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_write_timeout(Some(patience))?;
                let mut problem = io::Error::from(io::ErrorKind::NotFound);
                for path in paths {
                    match socket.connect(path) {
                        Ok(()) => return Ok(Socket::Local(socket)),
                        Err(error) => {
                            let text = format!("no syslog at {}: {error}", path.display());
                            problem = io::Error::new(error.kind(), text);
                        }
                    }
                }
                Err(problem)
            }
            Place::Udp(address) => {
                let told = |error: io::Error| {
                    io::Error::new(error.kind(), format!("no syslog at {address}: {error}"))
                };
                let peers = address.lookup().and_then(|lookup| lookup.resolve());
                let peers = peers.map_err(told)?;
                let peer = peers.first();
                let peer = *peer.ok_or_else(|| told(io::ErrorKind::NotFound.into()))?;
                let any: SocketAddr = if peer.is_ipv4() {
                    (Ipv4Addr::UNSPECIFIED, 0).into()
                } else {
                    (Ipv6Addr::UNSPECIFIED, 0).into()
                };
                let socket = UdpSocket::bind(any)?;
                socket.set_write_timeout(Some(patience))?;
                socket.connect(peer).map_err(told)?;
                Ok(Socket::Udp(socket))
            }
        }
    }
}

pub(super) enum Socket {
    Local(UnixDatagram),
    Udp(UdpSocket),
}

impl Socket {
    /// Sends a datagram, and waits while there is no room for it.
    pub(super) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        match self {
            Socket::Local(socket) => socket.send(datagram).map(drop),
            Socket::Udp(socket) => socket.send(datagram).map(drop),
        }
    }

    /// Whether a refusal is of an earlier datagram: with UDP it comes by an answer from the network.
    pub(super) fn refuses_late(&self) -> bool {
        matches!(self, Socket::Udp(_))
    }
}
