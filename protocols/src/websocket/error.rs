//! What can go wrong with a WebSocket, by whose fault: with an open one, [`Error`] and [`Fault`];
//! with the making of one, [`ConnectError`].

use std::error;
use std::fmt;
use std::io;

use http::Response;
use tungstenite::error::{CapacityError, ProtocolError};

use super::close::CloseCode;

/// Why an operation of a [`WebSocket`](super::WebSocket) failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer has broken the protocol. It has been told, and the connection is over.
    Protocol(Fault),
    /// The peer sends a message or a frame beyond the limit. It has been told, and the connection is
    /// over.
    TooLarge {
        /// How large, as far as it is known.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The connection has ended without a close.
    Lost,
    /// The peer has not answered a ping, or a close, in time; the connection is closed.
    Unresponsive,
    /// The peer has not read what was sent to it in time; the connection is closed.
    Stalled,
    /// The connection is closed, or closing: nothing more can be sent, or, after a failure that has
    /// been told, received.
    Closed,
    /// Nothing came in the time that the caller has set; the connection goes on.
    Elapsed,
    /// What the connection gives, or why the caller could not wait.
    Io(io::Error),
}

/// How a peer can break the protocol (RFC 6455).
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_protocols::websocket::{Error, Fault, Settings, WebSocket};
/// use std::io::Write;
///
/// let (near, mut far) = UnixStream::pair()?;
/// let server = WebSocket::server_over(near, Settings::new());
/// far.write_all(&[0x81, 2, b'h', b'i'])?; // A text frame, not masked as a client's has to be.
/// let error = server.receive().unwrap_err();
/// assert!(matches!(error, Error::Protocol(Fault::Unmasked)));
/// assert!(error.is_peers());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A frame of a kind that is not defined (section 5.2).
    Opcode(u8),
    /// A reserved bit is set, and no extension was agreed upon (section 5.2).
    ReservedBits,
    /// A client sent a frame that is not masked (section 5.1).
    Unmasked,
    /// A server sent a frame that is masked (section 5.1).
    Masked,
    /// A ping, pong or close in fragments (section 5.5).
    FragmentedControl,
    /// A ping, pong or close of more than 125 bytes (section 5.5).
    LongControl,
    /// A continuation of nothing (section 5.4).
    UnexpectedContinuation,
    /// Another message within one in fragments (section 5.4).
    ExpectedContinuation,
    /// A close frame of one byte (section 5.5.1).
    BadClose,
    /// Something after the close (section 5.5.1).
    AfterClose,
    /// Text that is not UTF-8, in a message or a close (section 8.1).
    NotUtf8,
}

impl Fault {
    /// What the peer is told (section 7.4.1).
    pub(super) fn code(self) -> CloseCode {
        match self {
            Fault::NotUtf8 => CloseCode::INVALID,
            _ => CloseCode::PROTOCOL,
        }
    }

    fn explain(self) -> &'static str {
        match self {
            Fault::Opcode(_) => "a frame of an unknown kind",
            Fault::ReservedBits => "a reserved bit is set",
            Fault::Unmasked => "a client's frame is not masked",
            Fault::Masked => "a server's frame is masked",
            Fault::FragmentedControl => "a control frame in fragments",
            Fault::LongControl => "a control frame of more than 125 bytes",
            Fault::UnexpectedContinuation => "a continuation of nothing",
            Fault::ExpectedContinuation => "a message within another one's fragments",
            Fault::BadClose => "a close frame of one byte",
            Fault::AfterClose => "a frame after the close",
            Fault::NotUtf8 => "text that is not UTF-8",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explain())?;
        match self {
            Fault::Opcode(number) => write!(f, " ({number})"),
            _ => Ok(()),
        }
    }
}

impl Error {
    /// Whether it is the peer's doing, or the network's, and not that of this program.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::websocket::Error;
    ///
    /// assert!(Error::Lost.is_peers());
    /// assert!(!Error::Elapsed.is_peers(), "the caller's own limit");
    /// ```
    pub fn is_peers(&self) -> bool {
        matches!(
            self,
            Error::Protocol(_)
                | Error::TooLarge { .. }
                | Error::Lost
                | Error::Unresponsive
                | Error::Stalled
        )
    }

    /// What the peer is told of it: code and reason.
    pub(super) fn to_tell(&self) -> Option<(CloseCode, String)> {
        match self {
            Error::Protocol(fault) => Some((fault.code(), fault.to_string())),
            Error::TooLarge { limit, .. } => {
                let reason = format!("more than {limit} bytes are not accepted");
                Some((CloseCode::TOO_LARGE, reason))
            }
            _ => None,
        }
    }

    /// What the codec says.
    pub(super) fn of_codec(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Error::Lost
            }
            tungstenite::Error::Protocol(ProtocolError::SendAfterClosing)
            | tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed => Error::Closed,
            tungstenite::Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                Error::TooLarge {
                    size,
                    limit: max_size,
                }
            }
            tungstenite::Error::Protocol(fault) => match fault_of(&fault) {
                Some(fault) => Error::Protocol(fault),
                None => Error::Io(io::Error::other(fault)),
            },
            tungstenite::Error::Utf8(_) => Error::Protocol(Fault::NotUtf8),
            tungstenite::Error::Io(error) => Error::Io(error),
            other => Error::Io(io::Error::other(other)),
        }
    }
}

/// Of those that can come up once the handshake is over.
fn fault_of(error: &ProtocolError) -> Option<Fault> {
    Some(match error {
        ProtocolError::NonZeroReservedBits => Fault::ReservedBits,
        ProtocolError::UnmaskedFrameFromClient => Fault::Unmasked,
        ProtocolError::MaskedFrameFromServer => Fault::Masked,
        ProtocolError::FragmentedControlFrame => Fault::FragmentedControl,
        ProtocolError::ControlFrameTooBig => Fault::LongControl,
        ProtocolError::UnknownControlFrameType(number)
        | ProtocolError::UnknownDataFrameType(number)
        | ProtocolError::InvalidOpcode(number) => Fault::Opcode(*number),
        ProtocolError::UnexpectedContinueFrame => Fault::UnexpectedContinuation,
        ProtocolError::ExpectedFragment(_) => Fault::ExpectedContinuation,
        ProtocolError::InvalidCloseSequence => Fault::BadClose,
        ProtocolError::ReceivedAfterClosing => Fault::AfterClose,
        _ => return None,
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Protocol(fault) => write!(f, "the peer has broken the protocol: {fault}"),
            Error::TooLarge { size, limit } => {
                write!(
                    f,
                    "{size} bytes from the peer are beyond the limit of {limit}"
                )
            }
            Error::Lost => f.write_str("the connection has ended without a close"),
            Error::Unresponsive => f.write_str("the peer has not answered in time"),
            Error::Stalled => f.write_str("the peer has not read in time"),
            Error::Closed => f.write_str("the connection is closed"),
            Error::Elapsed => f.write_str("nothing came in time"),
            Error::Io(error) => error.fmt(f),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

/// Of the kinds that fit best.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Protocol(_) | Error::TooLarge { .. } => io::ErrorKind::InvalidData,
            Error::Lost => io::ErrorKind::UnexpectedEof,
            Error::Unresponsive | Error::Stalled | Error::Elapsed => io::ErrorKind::TimedOut,
            Error::Closed => io::ErrorKind::NotConnected,
            Error::Io(_) => io::ErrorKind::Other,
        };
        match error {
            Error::Io(error) => error,
            other => io::Error::new(kind, other),
        }
    }
}

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address, or another thing that was asked for, cannot be: the caller's fault.
    Invalid(String),
    /// The server could not be reached; the error says why.
    Unreachable(io::Error),
    /// TLS could not be agreed upon.
    Tls(io::Error),
    /// The server did not answer in time; what was waited for last.
    TimedOut(&'static str),
    /// The server answered with another status than 101: what, without its body.
    Refused(Box<Response<()>>),
    /// The server's answer is no answer to a WebSocket handshake, or not to this one.
    Answer(&'static str),
    /// The connection failed before the answer was there.
    Io(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Invalid(what) => f.write_str(what),
            ConnectError::Unreachable(error) => write!(f, "the server cannot be reached: {error}"),
            ConnectError::Tls(error) => write!(f, "no TLS with the server: {error}"),
            ConnectError::TimedOut(what) => write!(f, "{what} did not come in time"),
            ConnectError::Refused(response) => {
                write!(f, "the server answered with status {}", response.status())
            }
            ConnectError::Answer(what) => {
                write!(f, "the server's answer is wrong: {what}")
            }
            ConnectError::Io(error) => {
                write!(f, "the connection failed during the handshake: {error}")
            }
        }
    }
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            ConnectError::Unreachable(error)
            | ConnectError::Tls(error)
            | ConnectError::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// Of the kinds that fit best.
impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        let kind = match &error {
            ConnectError::Invalid(_) => io::ErrorKind::InvalidInput,
            ConnectError::TimedOut(_) => io::ErrorKind::TimedOut,
            ConnectError::Refused(_) => io::ErrorKind::ConnectionRefused,
            ConnectError::Answer(_) => io::ErrorKind::InvalidData,
            ConnectError::Unreachable(inner)
            | ConnectError::Tls(inner)
            | ConnectError::Io(inner) => inner.kind(),
        };
        io::Error::new(kind, error)
    }
}
