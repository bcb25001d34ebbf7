//! The client in front of trusted proxies, for handlers and for the access log.
//!
//! How the field is read is [`wire`](crate::wire::forwarded_for)'s; how many proxies are trusted is
//! said by [`Config::trusted_hops`](super::Config::trusted_hops).

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use crate::wire::{self, HeadView};

/// Where a request came from, by the word of trusted proxies: in the request's extensions if
/// [`Config::trusted_hops`](super::Config::trusted_hops) says that there are some, and they have
/// said something.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::{Config, ForwardedFor, RequestBody};
/// use http::Request;
/// use std::net::IpAddr;
///
/// let mut config = Config::default();
/// config.trusted_hops = 1; // one reverse proxy, and no way around it
///
/// fn client(request: &Request<RequestBody>) -> Option<IpAddr> {
///     match request.extensions().get::<ForwardedFor>() {
///         Some(forwarded) => Some(forwarded.client()),
///         None => request.body().peer().ip(),
///     }
/// }
/// # let _ = client;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedFor {
    /// Not empty. Shared with the access log.
    addresses: Arc<[IpAddr]>,
}

impl ForwardedFor {
    /// `None` if nobody is to be believed, or nothing was said.
    #[inline]
    pub(super) fn of(fields: &HeaderMap, trusted_hops: usize) -> Option<Self> {
        if trusted_hops == 0 {
            return None;
        }
        let addresses = wire::forwarded_for(fields, trusted_hops);
        (!addresses.is_empty()).then(|| ForwardedFor {
            addresses: addresses.into(),
        })
    }

    /// As [`of`](Self::of), for a head of which no table was made.
    pub(super) fn of_simple(head: &HeadView<'_>, trusted_hops: usize) -> Option<Self> {
        if trusted_hops == 0 {
            return None;
        }
        let mut lines = HeaderMap::new();
        for (name, value) in head.fields() {
            if let Ok(value) = HeaderValue::from_bytes(value)
                && name.eq_ignore_ascii_case(wire::forwarded::FIELD)
            {
                lines.append(wire::forwarded::FIELD, value);
            }
        }
        Self::of(&lines, trusted_hops)
    }

    /// The client's address.
    pub fn client(&self) -> IpAddr {
        self.addresses[0]
    }

    /// The client's address, and those of the proxies behind it but the last, which is the
    /// connection's [`Peer`](super::Peer).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::TcpListener;
    /// use eventlet_protocols::client::Agent;
    /// use eventlet_protocols::server::{Body, Config, ForwardedFor, RequestBody, Server};
    /// use http::{Method, Request, Response};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let url = format!("http://{}/", listener.local_addr()?);
    /// eventlet_green::spawn(move || {
    ///     let mut config = Config::new();
    ///     config.trusted_hops = 2;
    ///     let tell = |request: Request<RequestBody>| {
    ///         let forwarded = request.extensions().get::<ForwardedFor>().expect("the field is there");
    ///         Response::new(Body::from(format!("{:?}", forwarded.addresses())))
    ///     };
    ///     Server::with_config(tell, config).serve(listener)
    /// });
    /// // The first address is what anybody can say, and not believed.
    /// let call = Agent::new().call(Method::GET, &url);
    /// let answer = call.header("x-forwarded-for", "6.6.6.6, 10.0.0.1, 10.0.0.2").fetch()?;
    /// assert_eq!(answer.body(), "[10.0.0.1, 10.0.0.2]");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
}
