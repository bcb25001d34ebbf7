//! Where a URL points: scheme, host and port, and what of it is written into a request
//! (RFC 9110 section 4.2, RFC 9112 section 3.2).

use http::Uri;

use super::error::Error;
use crate::wire::is_valid_host;

/// The schemes a client goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// RFC 9110 sections 4.2.1 and 4.2.2.
    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// An origin: two URLs with the same are the same server's (RFC 9110 section 4.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Endpoint {
    pub(super) scheme: Scheme,
    /// In lower case; an IPv6 address with its brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Endpoint {
    /// Where a URL points.
    ///
    /// # Errors
    ///
    /// [`Error::Url`], with the reason.
    pub(super) fn of(uri: &Uri) -> Result<Self, Error> {
        let refuse = |why: &str| Err(Error::Url(format!("{uri} {why}")));
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(_) => return refuse("has a scheme other than http and https"),
            None => return refuse(NO_SCHEME),
        };
        let Some(authority) = uri.authority() else {
            return refuse("has no host");
        };
        if authority.as_str().contains('@') {
            // Not repeated: it may hold a password.
            let why = "it has a user name; credentials belong in an Authorization field";
            return Err(Error::Url(why.to_owned()));
        }
        if authority.host().is_empty() || !is_valid_host(authority.as_str().as_bytes()) {
            return refuse("has a host or a port that is none");
        }
        let port = match authority.port_u16() {
            Some(0) => return refuse("has the port 0, which nobody can listen on"),
            port => port.unwrap_or(scheme.default_port()),
        };
        Ok(Endpoint {
            scheme,
            host: authority.host().to_ascii_lowercase(),
            port,
        })
    }

    /// The host as the resolver wants it: an IPv6 address without its brackets.
    pub(super) fn address_text(&self) -> &str {
        let inner = self.host.strip_prefix('[');
        let inner = inner.and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(&self.host)
    }

    /// `host:port`: for CONNECT, and for messages.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// For the `Host` field: without the scheme's own port.
    pub(super) fn host_field(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.clone()
        } else {
            self.authority()
        }
    }
}

const NO_SCHEME: &str = "has no scheme; it must begin with http:// or https://";

/// The URL of a text.
///
/// # Errors
///
/// [`Error::Url`], with the reason.
pub(super) fn parse_url(text: &str) -> Result<Uri, Error> {
    text.parse().map_err(|error| {
        let text = text.escape_debug();
        Error::Url(match text.to_string().contains("://") {
            true => format!("{text}: {error}"),
            false => format!("{text} {NO_SCHEME}"),
        })
    })
}

/// The target in origin-form (RFC 9112 section 3.2.1).
pub(super) fn origin_form(uri: &Uri) -> String {
    match uri.path_and_query().map(|target| target.as_str()) {
        None | Some("") => "/".to_owned(),
        Some(target) if target.starts_with('?') => format!("/{target}"),
        Some(target) => target.to_owned(),
    }
}

/// The target in absolute-form (RFC 9112 section 3.2.2): what a proxy is asked for.
pub(super) fn absolute_form(endpoint: &Endpoint, uri: &Uri) -> String {
    format!("http://{}{}", endpoint.host_field(), origin_form(uri))
}
