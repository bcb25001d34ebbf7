//! The client's settings: times, connections, redirects, proxies, limits.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;

use super::proxy::Proxies;
#[cfg(feature = "tls")]
use crate::tls::TlsConnector;
use crate::wire::{Limits, NameCase};

/// Settings of an [`Agent`](super::Agent). Every field has a default that is safe with a server one
/// does not trust.
///
/// A time of `None` is no limit.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::client::{Agent, Config};
/// use std::time::Duration;
///
/// let mut config = Config::default();
/// config.whole = Some(Duration::from_secs(5));
/// config.redirects = 0;
/// let agent = Agent::with_config(config);
/// # drop(agent);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What is accepted at most of a response.
    pub limits: Limits,
    /// How long to wait for a connection of a host, all of which are in use. Default 30 s.
    pub pool: Option<Duration>,
    /// How long looking a name up may take. Default 10 s: the system's resolver asks again after 5.
    pub resolve: Option<Duration>,
    /// How long connecting may take, over all addresses of the host; and after that, again, having a
    /// proxy open a tunnel. Default 10 s: four attempts of TCP to be heard.
    pub connect: Option<Duration>,
    /// How long a TLS handshake may take. Default 10 s.
    pub tls: Option<Duration>,
    /// Whom to trust, who one is, and more, for `https` URLs. Default `None`: whom the platform trusts,
    /// and nobody. One of one's own should name the protocol `http/1.1` by
    /// [`alpn`](crate::tls::TlsConnectorBuilder::alpn).
    #[cfg(feature = "tls")]
    pub tls_connector: Option<TlsConnector>,
    /// How long one write of the request may wait for a slow reader. Default 30 s.
    pub send: Option<Duration>,
    /// How long the head of the response may take, from the last byte of the request to its own.
    /// Default 60 s: servers think before they answer.
    pub head: Option<Duration>,
    /// How long one read of the response's body may wait. Default 30 s.
    pub body: Option<Duration>,
    /// How long all may take, from the call to the last byte of the body, with redirects and
    /// retries. It is what stops a body that comes byte by byte. Default none: how long a download
    /// takes depends on its size.
    pub whole: Option<Duration>,
    /// How long `100 Continue` is waited for before a body is sent without it, if the request has
    /// `Expect: 100-continue` (RFC 9110 section 10.1.1). Default 1 s.
    pub continue_wait: Duration,
    /// How many connections a host may have at a time; who wants one more waits. Default 32; at
    /// least one.
    pub connections_per_host: usize,
    /// How many idle connections are kept for a host. Default 8.
    pub idle_per_host: usize,
    /// How many idle connections are kept in all; of more, the one that has idled longest is closed.
    /// Default 64.
    pub idle_connections: usize,
    /// How long a connection may idle and be used again. Default 55 s, a little less than what
    /// servers and balancers commonly wait before they close it (60 and 75).
    pub idle: Duration,
    /// How old a connection may be to be used again. Default 5 minutes, so that a name that has
    /// moved to another address is noticed.
    pub age: Duration,
    /// How many redirects are followed; with 0, none: the response is given as it is. Default 8,
    /// which the original had.
    pub redirects: u32,
    /// Which proxies are asked. Default none, whatever the environment says.
    pub proxies: Proxies,
    /// A Unix socket that all connections go to, whatever the host of the URL, which only goes into
    /// the `Host` field. No proxy is asked then. Default none.
    pub unix_socket: Option<PathBuf>,
    /// The `User-Agent` field, unless the request has one. Default `eventlet`; `None` leaves it
    /// out.
    pub user_agent: Option<HeaderValue>,
    /// How field names are written. Default `Content-Type`.
    pub names: NameCase,
    /// How long a body may be that is read into memory as a whole. Default 64 MiB.
    pub in_memory: u64,
    /// How much of the body a status error keeps. Default 64 KiB: more than any page that a person
    /// wants to read.
    pub error_body: usize,
    /// Whether responses may come compressed. Default [`Compression::None`].
    #[cfg(feature = "gzip")]
    pub compression: Compression,
    /// How long a body may become that came compressed: a kilobyte can be a thousand times as much.
    /// Default 256 MiB.
    #[cfg(feature = "gzip")]
    pub inflated: u64,
}

/// What is done about compressed responses (RFC 9110 section 8.4).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::client::{Agent, Compression, Config};
///
/// let mut config = Config::new();
/// config.compression = Compression::Gzip;
/// config.inflated = 1 << 20; // Of a body that came compressed, at most a MiB.
/// let agent = Agent::with_config(config);
/// # drop(agent);
/// ```
#[cfg(feature = "gzip")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// None is asked for, and a body is given as it comes.
    #[default]
    None,
    /// `Accept-Encoding: gzip` is sent, and such a body decompressed while it is read; its
    /// `Content-Encoding` and `Content-Length` are taken out of the head. A request that has an
    /// `Accept-Encoding` of its own gets what it asked for, as it comes.
    Gzip,
}

impl Config {
    /// See [`pool`](Self::pool).
    pub const DEFAULT_POOL: Duration = Duration::from_secs(30);
    /// See [`resolve`](Self::resolve).
    pub const DEFAULT_RESOLVE: Duration = Duration::from_secs(10);
    /// See [`connect`](Self::connect).
    pub const DEFAULT_CONNECT: Duration = Duration::from_secs(10);
    /// See [`tls`](Self::tls).
    pub const DEFAULT_TLS: Duration = Duration::from_secs(10);
    /// See [`send`](Self::send).
    pub const DEFAULT_SEND: Duration = Duration::from_secs(30);
    /// See [`head`](Self::head).
    pub const DEFAULT_HEAD: Duration = Duration::from_secs(60);
    /// See [`body`](Self::body).
    pub const DEFAULT_BODY: Duration = Duration::from_secs(30);
    /// See [`continue_wait`](Self::continue_wait).
    pub const DEFAULT_CONTINUE_WAIT: Duration = Duration::from_secs(1);
    /// See [`connections_per_host`](Self::connections_per_host).
    pub const DEFAULT_CONNECTIONS_PER_HOST: usize = 32;
    /// See [`idle_per_host`](Self::idle_per_host).
    pub const DEFAULT_IDLE_PER_HOST: usize = 8;
    /// See [`idle_connections`](Self::idle_connections).
    pub const DEFAULT_IDLE_CONNECTIONS: usize = 64;
    /// See [`idle`](Self::idle).
    pub const DEFAULT_IDLE: Duration = Duration::from_secs(55);
    /// See [`age`](Self::age).
    pub const DEFAULT_AGE: Duration = Duration::from_secs(300);
    /// See [`redirects`](Self::redirects).
    pub const DEFAULT_REDIRECTS: u32 = 8;
    /// See [`in_memory`](Self::in_memory).
    pub const DEFAULT_IN_MEMORY: u64 = 64 << 20;
    /// See [`error_body`](Self::error_body).
    pub const DEFAULT_ERROR_BODY: usize = 64 << 10;
    /// See [`inflated`](Self::inflated).
    #[cfg(feature = "gzip")]
    pub const DEFAULT_INFLATED: u64 = 256 << 20;

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            pool: Some(Self::DEFAULT_POOL),
            resolve: Some(Self::DEFAULT_RESOLVE),
            connect: Some(Self::DEFAULT_CONNECT),
            tls: Some(Self::DEFAULT_TLS),
            #[cfg(feature = "tls")]
            tls_connector: None,
            send: Some(Self::DEFAULT_SEND),
            head: Some(Self::DEFAULT_HEAD),
            body: Some(Self::DEFAULT_BODY),
            whole: None,
            continue_wait: Self::DEFAULT_CONTINUE_WAIT,
            connections_per_host: Self::DEFAULT_CONNECTIONS_PER_HOST,
            idle_per_host: Self::DEFAULT_IDLE_PER_HOST,
            idle_connections: Self::DEFAULT_IDLE_CONNECTIONS,
            idle: Self::DEFAULT_IDLE,
            age: Self::DEFAULT_AGE,
            redirects: Self::DEFAULT_REDIRECTS,
            proxies: Proxies::none(),
            unix_socket: None,
            user_agent: Some(HeaderValue::from_static("eventlet")),
            names: NameCase::default(),
            in_memory: Self::DEFAULT_IN_MEMORY,
            error_body: Self::DEFAULT_ERROR_BODY,
            #[cfg(feature = "gzip")]
            compression: Compression::None,
            #[cfg(feature = "gzip")]
            inflated: Self::DEFAULT_INFLATED,
        }
    }
}
