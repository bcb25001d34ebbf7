//! The server's settings: deadlines, how many connections, what is said of it.

use std::time::Duration;

use http::HeaderValue;

use super::log::AccessLog;
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
    /// How long one read of a request's body may wait. Default 30 s.
    pub body: Duration,
    /// How long one write of a response may wait for a slow reader. Default 30 s.
    pub write: Duration,
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
    /// See [`connections`](Self::connections).
    pub const DEFAULT_CONNECTIONS: usize = 100_000;

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
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
            exchange: None,
            connections: Self::DEFAULT_CONNECTIONS,
            server: Some(HeaderValue::from_static("eventlet")),
            names: NameCase::default(),
            log: None,
        }
    }
}
