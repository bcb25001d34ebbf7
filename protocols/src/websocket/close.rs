//! Why a connection is closed, as one side tells the other (RFC 6455 section 7.4).

use std::fmt;

use tungstenite::Utf8Bytes;
use tungstenite::protocol::CloseFrame;

/// The code in a close frame (RFC 6455 section 7.4.1, and the IANA registry).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::websocket::CloseCode;
///
/// assert_eq!(CloseCode::AWAY.number(), 1001);
/// assert_eq!(CloseCode::new(4711), Some(CloseCode::new(4711).unwrap()));
/// // These are never sent: they stand for the absence of a frame.
/// assert_eq!(CloseCode::new(1006), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = CloseCode(1000);
    /// A server stops, or somebody has left a page.
    pub const AWAY: Self = CloseCode(1001);
    /// The peer has broken the protocol.
    pub const PROTOCOL: Self = CloseCode(1002);
    /// A kind of data that cannot be accepted.
    pub const UNSUPPORTED: Self = CloseCode(1003);
    /// Data that is not what its kind says, such as text that is not UTF-8.
    pub const INVALID: Self = CloseCode(1007);
    /// Against what is allowed here.
    pub const POLICY: Self = CloseCode(1008);
    /// Too large a message.
    pub const TOO_LARGE: Self = CloseCode(1009);
    /// The server has met with something unexpected.
    pub const ERROR: Self = CloseCode(1011);
    /// The server starts anew: come again in a while.
    pub const RESTART: Self = CloseCode(1012);
    /// The server has too much to do: come again later.
    pub const TRY_LATER: Self = CloseCode(1013);

    /// A code by its number; 3000 to 3999 are registered by libraries, 4000 to 4999 are free for
    /// agreements. `None` for one that may not stand in a frame: below 1000, 1004 to 1006, 1015 to
    /// 2999, above 4999.
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(CloseCode(number)),
            _ => None,
        }
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a close frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code.
    pub code: CloseCode,
    /// For whoever looks for a fault; not for users.
    pub reason: Utf8Bytes,
}

/// The longest reason, in bytes: a control frame holds 125, two of which are the code's (RFC 6455
/// section 5.5).
const LONGEST_REASON: usize = 123;

impl Close {
    /// A reason that is too long is cut at 123 bytes, between two characters.
    pub(super) fn new(code: CloseCode, reason: &str) -> Self {
        let mut end = reason.len().min(LONGEST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Close {
            code,
            reason: reason[..end].into(),
        }
    }

    /// A code that may not be sent has been replaced by the codec, before.
    pub(super) fn of_frame(frame: CloseFrame) -> Self {
        Close {
            code: CloseCode(frame.code.into()),
            reason: frame.reason,
        }
    }

    pub(super) fn into_frame(self) -> CloseFrame {
        CloseFrame {
            code: self.code.0.into(),
            reason: self.reason,
        }
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => self.code.fmt(f),
            reason => write!(f, "{} ({reason})", self.code),
        }
    }
}
