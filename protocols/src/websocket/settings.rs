//! Limits and deadlines of a connection.

use std::time::Duration;

use tungstenite::protocol::WebSocketConfig;

use super::codec::BACKLOG;

/// Limits and deadlines of a [`WebSocket`](super::WebSocket).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::websocket::Settings;
/// use std::time::Duration;
///
/// let mut settings = Settings::default();
/// settings.message = 64 * 1024;
/// settings.ping = Some(Duration::from_secs(10));
/// ```
///
/// ```
/// use eventlet_protocols::websocket::Settings;
/// use std::time::Duration;
///
/// let mut settings = Settings::new();
/// settings.message = 64 << 10;
/// settings.ping = Some(Duration::from_secs(5));
/// assert_eq!(settings.write, Settings::DEFAULT_WRITE);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The most bytes a message from the peer may have, in all its frames together. Default 8 MiB,
    /// the original's: enough for what people paste, and a hundred at a time fit in memory.
    pub message: usize,
    /// The most bytes one frame from the peer may have; its length is announced before it comes.
    /// Default 8 MiB, as a message.
    pub frame: usize,
    /// How long a write may wait for room. A peer that does not read for so long is left. Default
    /// 30 s, as for a response.
    pub write: Duration,
    /// How long closing may take, from the frame that begins it to the end of the connection.
    /// Default 10 s.
    pub close: Duration,
    /// After how long without a byte from the peer it is sent a ping, while somebody waits to
    /// receive. Default 30 s: routers forget connections that are silent for a minute or more.
    /// `None`: never.
    pub ping: Option<Duration>,
    /// How long it may then be silent before it counts as gone. Default 20 s.
    pub pong: Duration,
}

impl Settings {
    /// See [`message`](Self::message).
    pub const DEFAULT_MESSAGE: usize = 8 * 1024 * 1024;
    /// See [`frame`](Self::frame).
    pub const DEFAULT_FRAME: usize = 8 * 1024 * 1024;
    /// See [`write`](Self::write).
    pub const DEFAULT_WRITE: Duration = Duration::from_secs(30);
    /// See [`close`](Self::close).
    pub const DEFAULT_CLOSE: Duration = Duration::from_secs(10);
    /// See [`ping`](Self::ping).
    pub const DEFAULT_PING: Duration = Duration::from_secs(30);
    /// See [`pong`](Self::pong).
    pub const DEFAULT_PONG: Duration = Duration::from_secs(20);

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn for_codec(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(BACKLOG)
            .max_message_size(Some(self.message))
            .max_frame_size(Some(self.frame))
    }
}

/// How much the codec takes at a time of what has been read; kept by idle connections.
const READ_BUFFER: usize = 4 * 1024;

impl Default for Settings {
    fn default() -> Self {
        Settings {
            message: Self::DEFAULT_MESSAGE,
            frame: Self::DEFAULT_FRAME,
            write: Self::DEFAULT_WRITE,
            close: Self::DEFAULT_CLOSE,
            ping: Some(Self::DEFAULT_PING),
            pong: Self::DEFAULT_PONG,
        }
    }
}
