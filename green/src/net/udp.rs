//! A UDP socket whose sends and receives park the coroutine.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::address::{ToSocketAddrs, first_that, no_address_at_all};
use super::datagram::datagrams;
use crate::fd::{Shared, from_and_into_std, handle, options, readable, writable};

/// A UDP socket, in the shape of [`std::net::UdpSocket`].
///
/// One reader and one writer may wait at a time, as for [`TcpStream`](super::TcpStream). What differs
/// from `std`: handles made by [`try_clone`](Self::try_clone) share the descriptor and the time
/// limits, and [`close`](Self::close) ends it for all of them.
///
/// Options for which there is no method (several sockets on one port, buffer sizes) are set through
/// `socket2`; those that come before `bind` on a socket that [`from_std`](Self::from_std) takes over.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::UdpSocket;
///
/// let server = UdpSocket::bind("127.0.0.1:0")?;
/// let address = server.local_addr()?;
/// let echo = eventlet_green::spawn(move || -> std::io::Result<()> {
///     let mut datagram = [0; 1500];
///     let (length, peer) = server.recv_from(&mut datagram)?;
///     server.send_to(&datagram[..length], peer)?;
///     Ok(())
/// });
/// let client = UdpSocket::bind("127.0.0.1:0")?;
/// client.connect(address)?;
/// client.send(b"hello")?;
/// let mut answer = [0; 1500];
/// assert_eq!(client.recv(&mut answer)?, 5);
/// echo.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::UdpSocket;
/// use std::io::ErrorKind;
/// use std::time::Duration;
///
/// let (near, far) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
/// near.set_read_timeout(Some(Duration::from_millis(1)))?;
/// near.set_write_timeout(None)?;
/// assert_eq!((near.read_timeout(), near.write_timeout()), (Some(Duration::from_millis(1)), None));
/// assert_eq!(near.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::TimedOut);
/// near.set_read_timeout(None)?;
///
/// far.connect(near.local_addr()?)?;
/// assert_eq!(far.peer_addr()?, near.local_addr()?);
/// far.wait_writable()?;
/// far.write_with(|socket| socket.send(b"hello"))?;
/// near.wait_readable()?;
/// let mut text = [0; 16];
/// assert_eq!(near.peek(&mut text)?, 5); // It stays there.
/// assert_eq!(near.peek_from(&mut text)?, (5, far.local_addr()?));
/// assert_eq!(near.read_with(|socket| socket.recv(&mut text))?, 5);
///
/// near.try_with(|socket| socket.set_ttl(32))?; // What has no method here, and what has:
/// assert_eq!(near.ttl()?, 32);
/// let near: std::net::UdpSocket = near.into_std()?;
/// let near = UdpSocket::from_std(near)?;
/// near.try_clone()?.close()?; // For both handles.
/// assert_eq!(near.recv(&mut text).unwrap_err().kind(), ErrorKind::NotConnected);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct UdpSocket {
    watched: Shared<std::net::UdpSocket>,
}

handle!(UdpSocket over std::net::UdpSocket);
from_and_into_std!(UdpSocket over std::net::UdpSocket);
readable!(UdpSocket over std::net::UdpSocket);
writable!(UdpSocket over std::net::UdpSocket);
datagrams!(UdpSocket);

impl UdpSocket {
    /// Binds to the first of the addresses that can be bound. Port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// * What the last address gave: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, …
    /// * `InvalidInput`: text that is no address, or no address at all.
    /// * What the resolver gives for a name.
    pub fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        first_that(addresses, |address| {
            Self::from_std(std::net::UdpSocket::bind(address)?)
        })
    }

    /// Sets the peer, the first of the addresses that the system accepts: where
    /// [`send`](Self::send) sends to, and the only one that datagrams are received from.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind); nothing is sent, so a peer that is not there is no error yet.
    pub fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<()> {
        first_that(addresses, |address| self.watched.source()?.connect(address))
    }

    /// Waits for a datagram, and gives its length and where it comes from. What does not fit into
    /// the buffer is lost. (Windows gives an error for such a one, `WSAEMSGSIZE`, and loses it.)
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn recv_from(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.read_with(|socket| socket.recv_from(into))
    }

    /// As [`recv_from`](Self::recv_from), without taking the datagram.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn peek_from(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.read_with(|socket| socket.peek_from(into))
    }

    /// As [`recv`](Self::recv), without taking the datagram.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
        self.read_with(|socket| socket.peek(into))
    }

    /// Sends a datagram to the first of the addresses, and waits until the kernel has room for it. A
    /// name is looked up each time; look it up once and keep the address where many are sent.
    ///
    /// # Errors
    ///
    /// As for [`write_with`](Self::write_with); `EMSGSIZE` for more than fits; `InvalidInput` for
    /// text that is no address, or no address at all; what the resolver gives for a name.
    pub fn send_to(&self, datagram: &[u8], addresses: impl ToSocketAddrs) -> io::Result<usize> {
        let addresses = addresses.lookup()?.resolve()?;
        let to = addresses.first().ok_or_else(no_address_at_all)?;
        self.write_with(|socket| socket.send_to(datagram, to))
    }

    /// Joins a v4 multicast group, on the interface with the given address
    /// ([`UNSPECIFIED`](Ipv4Addr::UNSPECIFIED): one that the system chooses).
    ///
    /// # Errors
    ///
    /// What the system gives; `NotConnected` after [`close`](Self::close).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::UdpSocket;
    /// use std::net::{Ipv4Addr, Ipv6Addr};
    ///
    /// let socket = UdpSocket::bind("0.0.0.0:0")?;
    /// socket.set_ttl(64)?;
    /// socket.set_broadcast(true)?;
    /// socket.set_multicast_loop_v4(false)?;
    /// socket.set_multicast_ttl_v4(2)?;
    /// assert!(socket.broadcast()? && !socket.multicast_loop_v4()?);
    /// assert_eq!((socket.ttl()?, socket.multicast_ttl_v4()?), (64, 2));
    /// assert!(socket.take_error()?.is_none());
    ///
    /// // A machine without a network has no interface to join on.
    /// let (group, any) = (Ipv4Addr::new(239, 255, 0, 1), Ipv4Addr::UNSPECIFIED);
    /// if socket.join_multicast_v4(&group, &any).is_ok() {
    ///     socket.leave_multicast_v4(&group, &any)?;
    /// }
    /// if let Ok(socket) = UdpSocket::bind("[::]:0") {
    ///     socket.set_multicast_loop_v6(false)?;
    ///     assert!(!socket.multicast_loop_v6()?);
    ///     let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x4711);
    ///     if socket.join_multicast_v6(&group, 0).is_ok() {
    ///         socket.leave_multicast_v6(&group, 0)?;
    ///     }
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.watched.source()?.join_multicast_v4(group, interface)
    }

    /// Leaves a v4 multicast group.
    ///
    /// # Errors
    ///
    /// As for [`join_multicast_v4`](Self::join_multicast_v4).
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.watched.source()?.leave_multicast_v4(group, interface)
    }

    /// Joins a v6 multicast group, on the interface with the given index (0: one that the system
    /// chooses).
    ///
    /// # Errors
    ///
    /// As for [`join_multicast_v4`](Self::join_multicast_v4).
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.watched.source()?.join_multicast_v6(group, interface)
    }

    /// Leaves a v6 multicast group.
    ///
    /// # Errors
    ///
    /// As for [`join_multicast_v4`](Self::join_multicast_v4).
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.watched.source()?.leave_multicast_v6(group, interface)
    }
}

options! { UdpSocket:
    /// The address it is bound to.
    fn local_addr() -> SocketAddr;
    /// The address of the peer it is [connected](UdpSocket::connect) to.
    fn peer_addr() -> SocketAddr;
    /// Whether it may send to broadcast addresses (`SO_BROADCAST`).
    fn broadcast() -> bool;
    /// Lets it send to broadcast addresses (`SO_BROADCAST`). Default: false.
    fn set_broadcast(broadcast: bool) -> ();
    /// Whether what it sends to a v4 group comes back to this machine (`IP_MULTICAST_LOOP`).
    fn multicast_loop_v4() -> bool;
    /// Sets whether what it sends to a v4 group comes back to this machine (`IP_MULTICAST_LOOP`).
    /// Default: true.
    fn set_multicast_loop_v4(comes_back: bool) -> ();
    /// The time to live of what it sends to a v4 group (`IP_MULTICAST_TTL`), in hops.
    fn multicast_ttl_v4() -> u32;
    /// Sets the time to live of what it sends to a v4 group (`IP_MULTICAST_TTL`), in hops. Default:
    /// 1, the local network.
    fn set_multicast_ttl_v4(ttl: u32) -> ();
    /// Whether what it sends to a v6 group comes back to this machine (`IPV6_MULTICAST_LOOP`).
    fn multicast_loop_v6() -> bool;
    /// Sets whether what it sends to a v6 group comes back to this machine (`IPV6_MULTICAST_LOOP`).
    /// Default: true.
    fn set_multicast_loop_v6(comes_back: bool) -> ();
    /// The time to live of the packets it sends (`IP_TTL`), in hops.
    fn ttl() -> u32;
    /// Sets the time to live of the packets it sends (`IP_TTL`), in hops.
    fn set_ttl(ttl: u32) -> ();
    /// Takes an error that is pending on the socket (`SO_ERROR`).
    fn take_error() -> Option<io::Error>;
}
