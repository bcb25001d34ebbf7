//! The server's settings: deadlines, how many connections, what is said of it.

use std::num::NonZeroU32;
use std::time::Duration;

use http::HeaderValue;

use super::log::AccessLog;
use super::pace::Patience;
use crate::wire::{Limits, NameCase};

/// Settings of a [`Server`](super::Server). Every field has a default that is safe to face the
/// world with.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::Config;
/// use std::time::Duration;
///
/// let mut config = Config::default();
/// config.idle = Duration::from_secs(5);
/// assert_eq!(config.head, Config::DEFAULT_HEAD);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// What is accepted at most of a request.
    pub limits: Limits,
    /// How long a connection may be without a request. Default 75 s, longer than the usual
    /// load balancer's 60, so that it is the balancer who closes. The original had 300.
    pub idle: Duration,
    /// How long a head may take, from its first byte to its last. Default 20 s: a head fits a few
    /// packets; slower ones hold connections on purpose.
    pub head: Duration,
    /// How long one read of a request's body may wait. Then the read fails, and the client is told
    /// 408 if the response has not begun. Default 30 s.
    pub body: Duration,
    /// How long one write of a response may wait for a slow reader; then the connection is cut.
    /// Default 30 s.
    pub write: Duration,
    /// How slow a client may be over the whole of a body that it sends, and of all that it is sent,
    /// in bytes a second: it may be waited for as long as one read ([`body`](Self::body)) or write
    /// ([`write`](Self::write)) may wait, and a second more for each so many bytes, but never longer
    /// at a time. What the handler takes is not counted. Default 240, which a modem of 1984 did: slower ones hold connections
    /// on purpose. `None` for conversations in which long silences are in order.
    pub least_rate: Option<NonZeroU32>,
    /// How long a handler with its request and response may take in all. Default none; it is then
    /// unwound, and the client told 503 if nothing has been sent.
    pub exchange: Option<Duration>,
    /// How many connections are served at a time; others wait in the kernel's queue. Default
    /// 100,000, to be below what descriptors allow; at least one, at most 2,097,152.
    pub connections: usize,
    /// The `Server` field. Default `eventlet`; `None` leaves it out.
    pub server: Option<HeaderValue>,
    /// How field names are written. Default `Content-Type`.
    pub names: NameCase,
    /// How many proxies of one's own every request comes through, each of which adds to
    /// `X-Forwarded-For`: so many addresses are believed, told to handlers as
    /// [`ForwardedFor`](super::ForwardedFor), and logged. Default 0: anybody can send the field. A
    /// number that is too high believes what clients make up.
    pub trusted_hops: usize,
    /// Where a line a request goes. Default nowhere.
    pub log: Option<AccessLog>,
}

impl Config {
    /// See [`idle`](Self::idle).
    pub const DEFAULT_IDLE: Duration = Duration::from_secs(75);
    /// See [`head`](Self::head).
    pub const DEFAULT_HEAD: Duration = Duration::from_secs(20);
    /// See [`body`](Self::body).
    pub const DEFAULT_BODY: Duration = Duration::from_secs(30);
    /// See [`write`](Self::write).
    pub const DEFAULT_WRITE: Duration = Duration::from_secs(30);
    /// See [`least_rate`](Self::least_rate).
    pub const DEFAULT_LEAST_RATE: NonZeroU32 = NonZeroU32::new(240).unwrap();
    /// See [`connections`](Self::connections).
    pub const DEFAULT_CONNECTIONS: usize = 100_000;

    /// The defaults.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::Config;
    /// use std::time::Duration;
    ///
    /// let mut config = Config::new();
    /// config.idle = Duration::from_secs(5);
    /// assert_eq!(config.head, Config::DEFAULT_HEAD);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// With the sender of a body.
    pub(super) fn patience_to_read(&self) -> Patience {
        Patience {
            limit: self.body,
            rate: self.least_rate,
        }
    }

    /// With the reader of a response.
    pub(super) fn patience_to_write(&self) -> Patience {
        Patience {
            limit: self.write,
            rate: self.least_rate,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            idle: Self::DEFAULT_IDLE,
            head: Self::DEFAULT_HEAD,
            body: Self::DEFAULT_BODY,
            write: Self::DEFAULT_WRITE,
            least_rate: Some(Self::DEFAULT_LEAST_RATE),
            exchange: None,
            connections: Self::DEFAULT_CONNECTIONS,
            server: Some(HeaderValue::from_static("eventlet")),
            names: NameCase::default(),
            trusted_hops: 0,
            log: None,
        }
    }
}
