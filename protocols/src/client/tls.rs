//! `https`: TLS over a connection to a server, or through a proxy's tunnel to one.
//!
//! TLS itself is [`tls`](crate::tls)'s; here is what the client needs of it.

use std::io::{self, ErrorKind};
use std::sync::OnceLock;
use std::time::Duration;

use eventlet_green::Interest;
use eventlet_green::net::Stream;

use super::config::Config;
use super::endpoint::Endpoint;
use super::error::Error;
use super::timing::Limit;
use super::transport::Transport;
use crate::tls::{TlsConnector, TlsSetupError, TlsStream};

/// What this client speaks (RFC 7301 section 6).
const PROTOCOL: &str = "http/1.1";

/// TLS over a connection that leads to `endpoint`, whose name the certificate must have.
pub(super) fn secure<S: Stream + Transport>(
    stream: S,
    endpoint: &Endpoint,
    config: &Config,
    limit: &Limit,
) -> Result<Box<dyn Transport>, Error> {
    let own = config.tls_connector.clone().map_or_else(of_platform, Ok);
    let connector = own.map_err(|error| Error::Tls(error.into()))?;
    let secured = connector.connect_within(endpoint.address_text(), stream, limit.left());
    match secured {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) if error.kind() == ErrorKind::TimedOut && limit.is_over() => {
            Err(Error::Timeout(limit.phase))
        }
        Err(error) => Err(Error::Tls(error)),
    }
}

/// One for the process, so that the tickets of servers are everybody's.
fn of_platform() -> Result<TlsConnector, TlsSetupError> {
    static CONNECTOR: OnceLock<TlsConnector> = OnceLock::new();
    if let Some(connector) = CONNECTOR.get() {
        return Ok(connector.clone());
    }
    let connector = TlsConnector::builder().alpn([PROTOCOL]).build()?;
    Ok(CONNECTOR.get_or_init(|| connector).clone())
}

impl<S: Stream + Transport> Transport for TlsStream<S> {
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.try_read(into)
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        self.try_write(from)
    }

    fn try_flush(&self) -> io::Result<()> {
        self.try_flush()
    }

    fn wait(&self, interest: Interest, limit: Option<Duration>) -> io::Result<()> {
        if interest.is_readable() && self.has_something_to_read() {
            return Ok(());
        }
        self.socket().wait(interest, limit)
    }

    fn finish_writing(&self) -> io::Result<()> {
        self.say_goodbye();
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        self.is_quiet_if(|| self.socket().is_quiet())
    }
}
