//! `https`: TLS over a connection to a server, or through a proxy's tunnel to one.
//!
//! TLS itself is [`tls`](crate::tls)'s; here is what the client needs of it.

use std::io::{self, ErrorKind};
use std::time::Duration;

use eventlet_green::Interest;
use eventlet_green::net::Stream;

use super::config::Config;
use super::endpoint::Endpoint;
use super::error::Error;
use super::timing::Limit;
use super::transport::Transport;
use crate::tls::{TlsConnector, TlsStream};

/// TLS over a connection that leads to `endpoint`, whose name the certificate must have.
pub(super) fn secure<S: Stream + Transport>(
    stream: S,
    endpoint: &Endpoint,
    config: &Config,
    limit: &Limit,
) -> Result<Box<dyn Transport>, Error> {
    let own = config.tls_connector.clone();
    let connector = own.map_or_else(TlsConnector::of_platform, Ok);
    let connector = connector.map_err(|error| Error::Tls(error.into()))?;
    let secured = connector.connect_within(endpoint.address_text(), stream, limit.left());
    match secured {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) if error.kind() == ErrorKind::TimedOut && limit.is_over() => {
            Err(Error::Timeout(limit.phase))
        }
        Err(error) => Err(Error::Tls(error)),
    }
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
