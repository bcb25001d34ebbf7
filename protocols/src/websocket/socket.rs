//! A WebSocket connection, as the program sees it.
//!
//! What goes on behind it is the business of `shared`; how one is made, of `accept` and `connect`.

use std::fmt;
use std::io::{Read, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::Stream;
use eventlet_green::now;
use tungstenite::protocol::Role;

use super::carrier::{Carried, Carrier};
use super::close::{Close, CloseCode};
use super::error::Error;
use super::message::Message;
use super::settings::Settings;
use super::shared::{End, Shared};

/// A WebSocket connection. Clones are further handles to it.
///
/// Any number of coroutines may send and receive at once, each with a handle or a reference:
///
/// * Senders take turns, message by message. Receivers take turns, too; each message goes to one.
/// * Whoever receives is never held up by a peer that does not read: pongs are sent by another
///   coroutine if they have to wait for room.
/// * A sender that is killed in the middle of a message leaves it to be sent by whoever is next. A
///   receiver that is killed has lost nothing.
///
/// **Pings** are answered while somebody receives, and are not shown. A peer that has been silent for
/// [`Settings::ping`] is asked itself, while somebody receives.
///
/// **Ends.** When the peer closes, it gets its answer, [`receive`](Self::receive) gives `None`, and
/// [`peer_close`](Self::peer_close) what the peer said. To close, there is [`close`](Self::close).
/// When the last handle is dropped without that, the connection is cut, which the peer sees as a
/// failure. A peer that breaks the protocol is told so with the code of RFC 6455 section 7.4.1, and
/// gives an [`Error`] once; then all gives [`Error::Closed`].
///
/// # Examples
///
/// One coroutine sends while another receives:
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_green::spawn;
/// use eventlet_protocols::websocket::{CloseCode, Settings, WebSocket};
///
/// let (near, far) = UnixStream::pair()?;
/// let client = WebSocket::client_over(near, Settings::default());
/// let server = WebSocket::server_over(far, Settings::default());
///
/// let sending = server.clone();
/// spawn(move || {
///     for number in 0..3 {
///         sending.send(format!("number {number}"))?;
///     }
///     sending.close(CloseCode::NORMAL, "")
/// });
/// spawn(move || while let Ok(Some(_)) = server.receive() {});
///
/// let texts: Result<Vec<_>, _> = client.messages().collect();
/// assert_eq!(texts?.last().unwrap().as_text(), Some("number 2"));
/// assert_eq!(client.peer_close().unwrap().code, CloseCode::NORMAL);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_protocols::websocket::{Error, Settings, WebSocket};
/// use std::time::Duration;
///
/// let (near, far) = UnixStream::pair()?;
/// let socket = WebSocket::client_over(near, Settings::default());
/// let nothing = socket.receive_timeout(Duration::from_millis(1));
/// assert!(matches!(nothing, Err(Error::Elapsed)) && socket.is_open());
/// assert_eq!(socket.protocol(), None, "there was no handshake to agree on one");
/// drop(far);
/// assert!(matches!(socket.receive(), Err(Error::Lost)) && !socket.is_open());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct WebSocket {
    handle: Rc<Handle>,
}

/// What the handles have in common; a coroutine that sends a pong has no handle.
struct Handle {
    shared: Rc<Shared>,
    protocol: Option<Box<str>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl WebSocket {
    /// The client's side of a connection whose handshake is over, or that needs none.
    pub fn client_over<S: Stream>(stream: S, settings: Settings) -> Self
    where
        for<'a> &'a S: Read + Write,
    {
        Self::new(Box::new(Carried(stream)), Role::Client, settings, None, &[])
    }

    /// The server's side of a connection whose handshake is over, or that needs none.
    pub fn server_over<S: Stream>(stream: S, settings: Settings) -> Self
    where
        for<'a> &'a S: Read + Write,
    {
        Self::new(Box::new(Carried(stream)), Role::Server, settings, None, &[])
    }

    pub(super) fn new(
        carrier: Box<dyn Carrier>,
        role: Role,
        settings: Settings,
        protocol: Option<Box<str>>,
        ahead: &[u8],
    ) -> Self {
        let shared = Rc::new(Shared::new(carrier, role, settings, ahead));
        WebSocket {
            handle: Rc::new(Handle { shared, protocol }),
        }
    }

    /// The subprotocol that was agreed upon.
    pub fn protocol(&self) -> Option<&str> {
        self.handle.protocol.as_deref()
    }

    /// The next message; waits for it. `None`: the peer has closed, and has got its answer.
    ///
    /// # Errors
    ///
    /// * [`Error::Protocol`], [`Error::TooLarge`]: the peer's fault.
    /// * [`Error::Lost`], [`Error::Unresponsive`], [`Error::Io`]: the connection has ended.
    /// * [`Error::Closed`]: it had failed before.
    pub fn receive(&self) -> Result<Option<Message>, Error> {
        self.shared().receive(None)
    }

    /// As [`receive`](Self::receive), waiting at most `limit`.
    ///
    /// # Errors
    ///
    /// As there; [`Error::Elapsed`] when nothing came in time. The connection goes on.
    pub fn receive_timeout(&self, limit: Duration) -> Result<Option<Message>, Error> {
        self.shared().receive(Some(now() + limit))
    }

    /// Sends a message, and waits until the kernel has taken it.
    ///
    /// # Errors
    ///
    /// * [`Error::Closed`]: closed by either side, or failed before.
    /// * [`Error::Stalled`]: the peer does not read; the connection has been closed.
    /// * [`Error::Io`]: what the connection gives.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        self.shared().send(message.into())
    }

    /// The messages until the peer closes, or until an error, which is the last.
    pub fn messages(&self) -> Messages<'_> {
        Messages {
            socket: self,
            is_over: false,
        }
    }

    /// Closes: says so to the peer, and waits until it has said so, too, at most for
    /// [`Settings::close`]. What it sends before can still be received, then or by another coroutine
    /// meanwhile; of what nobody receives, a thousand messages are kept, and no more bytes than one
    /// message may have. A reason is cut at 123 bytes. Does nothing if it has ended.
    ///
    /// # Errors
    ///
    /// * [`Error::Unresponsive`], [`Error::Stalled`]: not in time; the connection has been closed.
    /// * As for receiving and sending.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.shared().close(Close::new(code, reason))
    }

    /// What the peer said when it closed; a close frame may also say nothing.
    pub fn peer_close(&self) -> Option<Close> {
        match self.shared().end() {
            Some(End::Clean(close)) => close,
            _ => None,
        }
    }

    /// Whether messages can be sent: nobody has closed, and nothing has failed.
    pub fn is_open(&self) -> bool {
        self.shared().is_open()
    }

    pub(super) fn shared(&self) -> &Rc<Shared> {
        &self.handle.shared
    }
}

impl<'a> IntoIterator for &'a WebSocket {
    type Item = Result<Message, Error>;
    type IntoIter = Messages<'a>;

    fn into_iter(self) -> Messages<'a> {
        self.messages()
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("open", &self.is_open())
            .field("end", &self.shared().end())
            .field("protocol", &self.protocol())
            .finish()
    }
}

/// The messages of a connection; see [`WebSocket::messages`].
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_protocols::websocket::{CloseCode, Settings, WebSocket};
///
/// let (near, far) = UnixStream::pair()?;
/// let server = WebSocket::server_over(far, Settings::default());
/// let serving = eventlet_green::spawn(move || {
///     for text in ["one", "two"] {
///         server.send(text)?;
///     }
///     server.close(CloseCode::NORMAL, "")
/// });
/// let client = WebSocket::client_over(near, Settings::default());
/// let lengths: Result<Vec<_>, _> = client.messages().map(|one| Ok(one?.len())).collect();
/// # let lengths: Result<Vec<usize>, eventlet_protocols::websocket::Error> = lengths;
/// assert_eq!(lengths?, [3, 3]);
/// serving.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Messages<'a> {
    socket: &'a WebSocket,
    is_over: bool,
}

impl Iterator for Messages<'_> {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.socket.receive().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}
