//! The phases of a request, how long each may take, and which of the limits is met first.
//!
//! The defaults and what they are for are in `config`.

use std::fmt;
use std::time::Duration;

use eventlet_green::{Time, now};

/// A part of a request's life that has a time of its own.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::client::{Error, Phase};
///
/// fn is_worth_another_server(error: &Error) -> bool {
///     matches!(error, Error::Timeout(Phase::Resolve | Phase::Connect | Phase::Tls))
/// }
///
/// assert!(is_worth_another_server(&Error::Timeout(Phase::Connect)));
/// assert!(!is_worth_another_server(&Error::Timeout(Phase::Body)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for one of the host's connections, all of which are in use.
    Pool,
    /// Looking the host's name up.
    Resolve,
    /// Connecting, to whichever of its addresses.
    Connect,
    /// Having the proxy open a tunnel.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// Sending the request: one wait for room.
    Send,
    /// From the request's last byte to the end of the response's head.
    Head,
    /// Receiving the response's body: one wait for data.
    Body,
    /// All of it, redirects and the body included.
    Whole,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Pool => "a free connection to this host",
            Phase::Resolve => "looking up the host's name",
            Phase::Connect => "connecting",
            Phase::Proxy => "the tunnel through the proxy",
            Phase::Tls => "the TLS handshake",
            Phase::Send => "sending the request",
            Phase::Head => "the head of the response",
            Phase::Body => "the body of the response",
            Phase::Whole => "the whole request",
        })
    }
}

/// Until when something may wait, and what is over then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) deadline: Option<Time>,
    pub(super) phase: Phase,
}

impl Limit {
    /// The time of a phase that begins now, or of the whole if that is over before.
    pub(super) fn new(phase: Phase, limit: Option<Duration>, whole: Option<Time>) -> Self {
        let own = limit.map(|limit| now() + limit);
        match (own, whole) {
            (Some(own), Some(whole)) if whole <= own => Limit::whole(Some(whole)),
            (Some(own), _) => Limit {
                deadline: Some(own),
                phase,
            },
            (None, Some(whole)) => Limit::whole(Some(whole)),
            (None, None) => Limit {
                deadline: None,
                phase,
            },
        }
    }

    fn whole(deadline: Option<Time>) -> Self {
        Limit {
            deadline,
            phase: Phase::Whole,
        }
    }

    /// How long is left: zero when it is over.
    pub(super) fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline - now())
    }

    pub(super) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now())
    }
}
