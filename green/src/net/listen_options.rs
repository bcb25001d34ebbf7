//! How a TCP listener is made: backlog, reuse of address and port, which families.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

use super::address::{ToSocketAddrs, first_that};
use super::tcp_listener::TcpListener;
use crate::sys::socket::{reuse_address, share_port};

/// How many connections the kernel keeps for a listener until they are accepted, unless something
/// else is asked for. The kernel lowers it to its own limit (`net.core.somaxconn`).
pub const DEFAULT_BACKLOG: i32 = 1024;

/// Settings for a [`TcpListener`], in the shape of [`std::fs::OpenOptions`].
///
/// The socket is non-blocking and close-on-exec in any case. Options that have no method here can be
/// set with `socket2`, before the listener is taken over with
/// [`from_std`](TcpListener::from_std).
///
/// # Examples
///
/// Two listeners on one port, which share the connections:
///
/// ```
/// use eventlet_green::net::ListenOptions;
///
/// let mut options = ListenOptions::new();
/// options.backlog(64).reuse_port(true);
/// let first = options.listen("127.0.0.1:0")?;
/// let second = options.listen(first.local_addr()?)?;
/// assert_eq!(first.local_addr()?, second.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListenOptions {
    backlog: i32,
    reuse_address: bool,
    reuse_port: bool,
    only_v6: Option<bool>,
}

impl ListenOptions {
    /// The settings of [`TcpListener::bind`].
    pub fn new() -> Self {
        ListenOptions {
            backlog: DEFAULT_BACKLOG,
            reuse_address: true,
            reuse_port: false,
            only_v6: None,
        }
    }

    /// How many connections the kernel keeps until they are accepted; it lowers the number to its
    /// own limit. Default: 1024, so that a burst is not turned away.
    pub fn backlog(&mut self, backlog: i32) -> &mut Self {
        self.backlog = backlog;
        self
    }

    /// Whether an address that connections of an earlier listener still linger on can be bound
    /// (`SO_REUSEADDR`). Default: true, as for `std` on Unix, so that a server can be restarted at
    /// once. Not looked at on Windows: nothing lingers in the way there, and the option means that
    /// others may take the port.
    pub fn reuse_address(&mut self, reuse: bool) -> &mut Self {
        self.reuse_address = reuse;
        self
    }

    /// Whether several listeners, all of which ask for it, may have the same port
    /// (`SO_REUSEPORT`): Linux spreads the connections over them. Default: false, since two servers
    /// on one port are a mistake more often than not. Windows, illumos and Solaris have no such option:
    /// listening then gives `Unsupported`.
    pub fn reuse_port(&mut self, reuse: bool) -> &mut Self {
        self.reuse_port = reuse;
        self
    }

    /// Whether a listener on a v6 address takes v6 connections only, or v4 ones too
    /// (`IPV6_V6ONLY`). Not looked at for a v4 address. Default: as the system is set up
    /// (`net.ipv6.bindv6only`; Linux takes both).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::ListenOptions;
    /// use std::io::ErrorKind;
    ///
    /// let mut options = ListenOptions::new();
    /// options.reuse_address(true).only_v6(true);
    /// match options.listen("[::1]:0") {
    ///     Ok(listener) => assert!(listener.local_addr()?.is_ipv6()),
    ///     Err(error) if error.kind() == ErrorKind::AddrNotAvailable => println!("no v6 here"),
    ///     Err(error) => println!("no v6 here: {error}"),
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn only_v6(&mut self, only: bool) -> &mut Self {
        self.only_v6 = Some(only);
        self
    }

    /// Listens on the first of the addresses that can be bound.
    ///
    /// # Errors
    ///
    /// As for [`TcpListener::bind`]; `InvalidInput` for a backlog below zero; what the system gives
    /// for an option that it does not know.
    pub fn listen(&self, addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
        if self.backlog < 0 {
            let text = format!("a backlog of {} connections", self.backlog);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        first_that(addresses, |address| self.listen_at(address))
    }

    fn listen_at(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        reuse_address(&socket, self.reuse_address)?;
        if self.reuse_port {
            share_port(&socket)?;
        }
        if let (Some(only), SocketAddr::V6(_)) = (self.only_v6, address) {
            socket.set_only_v6(only)?;
        }
        socket.bind(&address.into())?;
        socket.listen(self.backlog)?;
        TcpListener::watch(socket.into())
    }
}

impl Default for ListenOptions {
    fn default() -> Self {
        ListenOptions::new()
    }
}
