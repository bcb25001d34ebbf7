//! From an address to a connection that is ready for requests: look up, connect, tunnel, TLS.
//!
//! This is the one place where a kind of stream comes in; all others see a [`Transport`]. Which
//! connection is used again is the pool's business, which proxy is asked that of [`proxy`](super::proxy).

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use eventlet_green::net::unix::{SocketAddr as UnixAddr, UnixStream};
use eventlet_green::net::{ConnectOptions, Lookup, Stream, TcpStream, ToSocketAddrs};
use eventlet_green::{Time, offload_timeout};

use super::config::Config;
use super::endpoint::{Endpoint, Scheme};
use super::error::Error;
use super::proxy::{Route, Tunnel};
use super::timing::{Limit, Phase};
#[cfg(feature = "tls")]
use super::tls::secure;
use super::transport::Transport;

/// Connects along a route; `whole` is when the request's whole time is over.
pub(super) fn connect(
    route: &Route,
    config: &Config,
    whole: Option<Time>,
) -> Result<Box<dyn Transport>, Error> {
    check(&route.origin)?;
    if let Some(path) = &config.unix_socket {
        return prepare(unix(path, config, whole)?, route, None, config, whole);
    }
    let stream = tcp(route.next_hop(), config, whole)?;
    prepare(stream, route, route.tunnel(), config, whole)
}

/// Whether an endpoint can be gone to at all, before anybody is bothered.
pub(super) fn check(endpoint: &Endpoint) -> Result<(), Error> {
    match endpoint.scheme {
        Scheme::Http => Ok(()),
        Scheme::Https if cfg!(feature = "tls") => Ok(()),
        Scheme::Https => Err(Error::TlsMissing),
    }
}

/// What comes between a socket and its use: the proxy's tunnel, and TLS.
fn prepare<S: Stream + Transport>(
    stream: S,
    route: &Route,
    tunnel: Option<Tunnel<'_>>,
    config: &Config,
    whole: Option<Time>,
) -> Result<Box<dyn Transport>, Error> {
    if let Some(tunnel) = tunnel {
        let limit = Limit::new(Phase::Proxy, config.connect, whole);
        tunnel.open(&stream, &config.limits, &limit)?;
    }
    match route.origin.scheme {
        Scheme::Http => Ok(Box::new(stream)),
        Scheme::Https => {
            let limit = Limit::new(Phase::Tls, config.tls, whole);
            secure(stream, &route.origin, config, &limit)
        }
    }
}

/// Without the feature there is no TLS; [`check`] has said so already.
#[cfg(not(feature = "tls"))]
fn secure<S: Transport>(
    _stream: S,
    _endpoint: &Endpoint,
    _config: &Config,
    _limit: &Limit,
) -> Result<Box<dyn Transport>, Error> {
    Err(Error::TlsMissing)
}

fn tcp(to: &Endpoint, config: &Config, whole: Option<Time>) -> Result<TcpStream, Error> {
    let addresses = resolve(to, config, whole)?;
    let limit = Limit::new(Phase::Connect, config.connect, whole);
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::TimedOut if limit.is_over() => Error::Timeout(limit.phase),
        _ => Error::Connect {
            to: to.authority(),
            source,
        },
    };
    let mut options = ConnectOptions::new();
    if let Some(left) = limit.left() {
        options.timeout(left.max(SHORTEST));
    }
    let stream = options.connect(&addresses[..]).map_err(failed)?;
    // A head and a body that are written apart must not wait for each other's acknowledgements.
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

/// A limit that has run out is still a limit: zero would be refused.
const SHORTEST: Duration = Duration::from_nanos(1);

fn resolve(to: &Endpoint, config: &Config, whole: Option<Time>) -> Result<Vec<SocketAddr>, Error> {
    let limit = Limit::new(Phase::Resolve, config.resolve, whole);
    let failed = |source: std::io::Error| Error::Resolve {
        host: to.host.clone(),
        source,
    };
    let lookup = (to.address_text(), to.port).lookup().map_err(failed)?;
    let found = match (lookup, limit.left()) {
        (Lookup::Known(addresses), _) => return Ok(addresses),
        (name, None) => name.resolve(),
        // Asks on another thread, from there in place: the caller waits for the answer or the time.
        (name, Some(left)) => offload_timeout(left, move || name.resolve()).and_then(|found| found),
    };
    found.map_err(|source| match source.kind() {
        ErrorKind::TimedOut if limit.is_over() => Error::Timeout(limit.phase),
        _ => failed(source),
    })
}

fn unix(path: &Path, config: &Config, whole: Option<Time>) -> Result<UnixStream, Error> {
    let limit = Limit::new(Phase::Connect, config.connect, whole);
    let connected = UnixAddr::from_pathname(path).and_then(|address| match limit.left() {
        Some(left) => UnixStream::connect_timeout(&address, left.max(SHORTEST)),
        None => UnixStream::connect_addr(&address),
    });
    connected.map_err(|source| match source.kind() {
        ErrorKind::TimedOut if limit.is_over() => Error::Timeout(limit.phase),
        _ => Error::Connect {
            to: path.display().to_string(),
            source,
        },
    })
}
