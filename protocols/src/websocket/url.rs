//! Addresses: `ws://host[:port]/path?query`, and `wss://` (RFC 6455 section 3).

use http::Uri;
use http::uri::PathAndQuery;

use super::error::ConnectError;

const PORT: u16 = 80;
const SECURE_PORT: u16 = 443;

/// An address of a server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) is_secure: bool,
    /// A name or an address; an IPv6 address without its brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// For the `Host` field: with the port if it is not the scheme's.
    pub(super) authority: String,
    /// For the request line.
    pub(super) target: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, ConnectError> {
        let wrong = |what: &str| ConnectError::Invalid(format!("{text:?} {what}"));
        if text.contains('#') {
            return Err(wrong(
                "has a fragment, which a WebSocket's address may not have",
            ));
        }
        let uri: Uri = text
            .parse()
            .map_err(|error| wrong(&format!("is no address: {error}")))?;
        let is_secure = match uri.scheme_str() {
            Some(scheme) if scheme.eq_ignore_ascii_case("ws") => false,
            Some(scheme) if scheme.eq_ignore_ascii_case("wss") => true,
            _ => return Err(wrong("is no address of a WebSocket: not ws:// or wss://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user, which goes into a field of the request"));
        }
        let host = authority.host();
        if host.is_empty() {
            return Err(wrong("has no host"));
        }
        let own = if is_secure { SECURE_PORT } else { PORT };
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            // What stands behind a colon is no number that a port can have.
            None if authority.as_str().len() > host.len() => {
                return Err(wrong("has no valid port"));
            }
            None => own,
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        Ok(Url {
            is_secure,
            host: bare.unwrap_or(host).to_owned(),
            port,
            authority: if port == own {
                host.to_owned()
            } else {
                format!("{host}:{port}")
            },
            target: match uri.path_and_query().map_or("", PathAndQuery::as_str) {
                path if path.starts_with('/') => path.to_owned(),
                query => format!("/{query}"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(text: &str, is_secure: bool, host: &str, port: u16, authority: &str, target: &str) {
        let expected = Url {
            is_secure,
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            target: target.to_owned(),
        };
        assert_eq!(Url::parse(text).unwrap(), expected);
    }

    #[test]
    fn addresses() {
        is("ws://a", false, "a", 80, "a", "/");
        is("WS://a:80/b?c=d", false, "a", 80, "a", "/b?c=d");
        is("ws://a:8080?c", false, "a", 8080, "a:8080", "/?c");
        is("wss://a.example/", true, "a.example", 443, "a.example", "/");
        is("wss://[::1]:80/x", true, "::1", 80, "[::1]:80", "/x");
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "a",
            "/path",
            "http://a/",
            "ws:///path",
            "ws://",
            "ws://a:port/",
            "ws://a:65536/",
            "ws://a:/",
            "ws://user@a/",
            "ws://a/#fragment",
            "ws://a/ space",
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(matches!(error, ConnectError::Invalid(_)), "{text:?}");
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
