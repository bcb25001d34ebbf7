//! Addresses to connect or bind to; names are looked up without holding up the loop.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::offload::offload;

/// What an address turned out to be.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{Lookup, ToSocketAddrs};
///
/// assert!(matches!("127.0.0.1:80".lookup()?, Lookup::Known(_)));
/// let lookup = ("localhost", 80).lookup()?;
/// assert!(matches!(lookup, Lookup::Name(..)), "to be asked for on another thread");
/// assert!(lookup.resolve()?.iter().all(|address| address.ip().is_loopback()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lookup {
    /// Numbers: nothing to look up.
    Known(Vec<SocketAddr>),
    /// A host name and a port: ask the system's resolver.
    Name(String, u16),
}

impl Lookup {
    /// The addresses; a name is looked up by the system's resolver (so the hosts file and all else
    /// that is configured counts), on another thread, while the caller is parked.
    ///
    /// # Errors
    ///
    /// What the resolver gives; why the caller could not wait.
    pub fn resolve(self) -> io::Result<Vec<SocketAddr>> {
        match self {
            Lookup::Known(addresses) => Ok(addresses),
            Lookup::Name(host, port) => offload(move || {
                let found = std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), port));
                match found {
                    Ok(addresses) => Ok(addresses.collect()),
                    Err(error) => {
                        let text = format!("looking up {host}: {error}");
                        Err(io::Error::new(error.kind(), text))
                    }
                }
            })?,
        }
    }
}

/// Something that stands for socket addresses, as [`std::net::ToSocketAddrs`] does for `std`. That
/// trait looks names up in place and would hold up every coroutine of the thread.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{Lookup, ToSocketAddrs};
///
/// assert_eq!("127.0.0.1:80".lookup()?, Lookup::Known(vec![([127, 0, 0, 1], 80).into()]));
/// assert_eq!(("localhost", 80).lookup()?, Lookup::Name("localhost".into(), 80));
/// assert!("localhost".lookup().is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ToSocketAddrs {
    /// The addresses, or the name to look up.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for text that is no address, or has no port.
    fn lookup(&self) -> io::Result<Lookup>;
}

impl ToSocketAddrs for SocketAddr {
    fn lookup(&self) -> io::Result<Lookup> {
        Ok(Lookup::Known(vec![*self]))
    }
}

impl ToSocketAddrs for SocketAddrV4 {
    fn lookup(&self) -> io::Result<Lookup> {
        SocketAddr::V4(*self).lookup()
    }
}

impl ToSocketAddrs for SocketAddrV6 {
    fn lookup(&self) -> io::Result<Lookup> {
        SocketAddr::V6(*self).lookup()
    }
}

impl ToSocketAddrs for (IpAddr, u16) {
    fn lookup(&self) -> io::Result<Lookup> {
        SocketAddr::from(*self).lookup()
    }
}

impl ToSocketAddrs for (Ipv4Addr, u16) {
    fn lookup(&self) -> io::Result<Lookup> {
        SocketAddr::from(*self).lookup()
    }
}

impl ToSocketAddrs for (Ipv6Addr, u16) {
    fn lookup(&self) -> io::Result<Lookup> {
        SocketAddr::from(*self).lookup()
    }
}

impl ToSocketAddrs for (&str, u16) {
    fn lookup(&self) -> io::Result<Lookup> {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(ip) => (ip, port).lookup(),
            Err(_) => Ok(Lookup::Name(host.to_owned(), port)),
        }
    }
}

impl ToSocketAddrs for (String, u16) {
    fn lookup(&self) -> io::Result<Lookup> {
        (self.0.as_str(), self.1).lookup()
    }
}

impl ToSocketAddrs for str {
    fn lookup(&self) -> io::Result<Lookup> {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return address.lookup();
        }
        let parts = self.rsplit_once(':');
        // A colon within is that of a v6 address without brackets, or without a port.
        let Some((host, port)) = parts.filter(|(host, _)| !host.is_empty() && !host.contains(':'))
        else {
            return Err(no_address(self));
        };
        let port = port.parse().map_err(|_| no_address(self))?;
        (host, port).lookup()
    }
}

impl ToSocketAddrs for String {
    fn lookup(&self) -> io::Result<Lookup> {
        self.as_str().lookup()
    }
}

impl ToSocketAddrs for [SocketAddr] {
    fn lookup(&self) -> io::Result<Lookup> {
        Ok(Lookup::Known(self.to_vec()))
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn lookup(&self) -> io::Result<Lookup> {
        (**self).lookup()
    }
}

fn no_address(text: &str) -> io::Error {
    let text = format!("\"{text}\" is no socket address; write host:port, or [v6-address]:port");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Tries each address in turn until one serves.
pub(crate) fn first_that<T>(
    addresses: impl ToSocketAddrs,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in addresses.lookup()?.resolve()? {
        match attempt(address) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(no_address_at_all))
}

pub(super) fn no_address_at_all() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "there is no address to try")
}
