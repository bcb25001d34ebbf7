//! The server's side of the handshake (RFC 6455 section 4.2).

use std::fmt;
use std::io;
use std::rc::Rc;

use eventlet_green::spawn;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::Role;

use super::close::{Close, CloseCode};
use super::error::Error;
use super::handshake::{VERSION, WEBSOCKET, is_key, lists, members, only};
use super::settings::Settings;
use super::socket::WebSocket;
use crate::server::{Body, Upgraded};
use crate::wire::error_page;

/// Answers a request for a WebSocket: `talk` has the connection once the answer is sent. As
/// [`AcceptOptions::accept`] with the defaults.
pub fn accept<B>(
    request: &Request<B>,
    talk: impl FnOnce(WebSocket) -> Result<(), Error> + 'static,
) -> Response<Body> {
    AcceptOptions::new().accept(request, talk)
}

/// From which pages a browser may connect. It says in `Origin` whose page it is, and sends the user's
/// cookies whoever that is; so a server that goes by cookies has to look. Others than browsers
/// send no `Origin`, or what they like.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::websocket::{AcceptOptions, CheckOrigin, Origins, Settings};
///
/// let mut options = AcceptOptions::new();
/// options.origins(Origins::List(vec!["https://example.org".to_owned()]));
/// // Or by a function, for which a request without the field is one of `None`.
/// let check: CheckOrigin = Box::new(|origin| {
///     origin.is_none_or(|origin| origin.as_bytes().ends_with(b".example.org"))
/// });
/// options.origins(Origins::Check(check)).settings(Settings::new());
/// ```
#[derive(Default)]
pub enum Origins {
    /// Those of the same host and port as the request's, and requests without the field. The
    /// default. (Behind a proxy that changes `Host`, use [`List`](Self::List).)
    #[default]
    SameHost,
    /// These, written as browsers do (`https://example.org`), and requests without the field.
    List(Vec<String>),
    /// All: for what needs no cookies.
    Any,
    /// Those of which the function says so; without the field it is asked with `None`.
    Check(CheckOrigin),
}

/// Says whether a page of this origin may connect; `None`: the request does not say.
pub type CheckOrigin = Box<dyn Fn(Option<&HeaderValue>) -> bool>;

impl Origins {
    fn allow<B>(&self, request: &Request<B>) -> bool {
        let origin = request.headers().get(header::ORIGIN);
        match (self, origin) {
            (Origins::Check(check), origin) => check(origin),
            (Origins::Any, _) | (_, None) => true,
            (Origins::List(list), Some(origin)) => {
                let is_it =
                    |allowed: &String| origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes());
                list.iter().any(is_it)
            }
            (Origins::SameHost, Some(origin)) => {
                let host = request.headers().get(header::HOST);
                match (host_of(origin), host) {
                    (Some(from), Some(host)) => from.eq_ignore_ascii_case(host.as_bytes()),
                    _ => false,
                }
            }
        }
    }
}

/// Host and port of an origin; `null` has none.
fn host_of(origin: &HeaderValue) -> Option<&[u8]> {
    let text = origin.to_str().ok()?;
    let (_scheme, host) = text.split_once("://")?;
    Some(host.as_bytes())
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origins::SameHost => f.write_str("SameHost"),
            Origins::List(list) => f.debug_tuple("List").field(list).finish(),
            Origins::Any => f.write_str("Any"),
            Origins::Check(_) => f.write_str("Check"),
        }
    }
}

/// How to answer requests for a WebSocket.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::{Body, RequestBody};
/// use eventlet_protocols::websocket::AcceptOptions;
/// use http::{Request, Response};
///
/// fn prices(request: Request<RequestBody>) -> Response<Body> {
///     let mut options = AcceptOptions::new();
///     options.protocol("prices.v2").protocol("prices.v1");
///     options.accept(&request, |socket| {
///         let is_new = socket.protocol() == Some("prices.v2");
///         socket.send(if is_new { r#"{"price":1}"# } else { "1" })
///     })
/// }
/// # let _ = prices;
/// ```
#[derive(Debug, Default)]
pub struct AcceptOptions {
    protocols: Vec<String>,
    origins: Origins,
    settings: Settings,
}

impl AcceptOptions {
    /// No subprotocol, pages of the same host, the default limits and deadlines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Speaks this subprotocol, too; of those that the client offers, the first named here is chosen.
    /// With a client that offers none of them, none is spoken.
    pub fn protocol(&mut self, name: impl Into<String>) -> &mut Self {
        self.protocols.push(name.into());
        self
    }

    /// From which pages browsers may connect.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::websocket::{AcceptOptions, Origins};
    ///
    /// let mut options = AcceptOptions::new();
    /// options.origins(Origins::Any); // No cookies, nothing to steal.
    /// ```
    pub fn origins(&mut self, origins: Origins) -> &mut Self {
        self.origins = origins;
        self
    }

    /// Limits and deadlines.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::websocket::{AcceptOptions, Settings};
    ///
    /// let mut settings = Settings::new();
    /// settings.message = 64 << 10;
    /// let mut options = AcceptOptions::new();
    /// options.settings(settings);
    /// ```
    pub fn settings(&mut self, settings: Settings) -> &mut Self {
        self.settings = settings;
        self
    }

    /// Answers a request. If it is a request for a WebSocket, `talk` has the connection once the answer
    /// is sent; in the handler's coroutine, as [`Body::upgrade`] says. When it returns, the connection
    /// is closed with [`CloseCode::NORMAL`], after an error with [`CloseCode::ERROR`]; an error that is
    /// not the [peer's](Error::is_peers) is written to standard error. When the server is told to
    /// stop, the peer is told [`CloseCode::AWAY`], and what it answers ends `talk`'s receiving.
    ///
    /// Other requests are answered with what is wrong:
    ///
    /// | status | |
    /// |---|---|
    /// | 405 | the method is not GET |
    /// | 426 | no `Upgrade: websocket`; a version other than 13 |
    /// | 400 | HTTP/1.0; no `Connection: upgrade`; not one well-formed `Sec-WebSocket-Key` |
    /// | 403 | the page's origin is not allowed |
    pub fn accept<B>(
        &self,
        request: &Request<B>,
        talk: impl FnOnce(WebSocket) -> Result<(), Error> + 'static,
    ) -> Response<Body> {
        let key = match self.check(request) {
            Ok(key) => key,
            Err(refusal) => return refusal.into_response(),
        };
        let protocol = self.choose(request);
        let settings = self.settings.clone();
        let chosen = protocol.map(Box::from);
        let body = Body::upgrade(move |connection| converse(connection, settings, chosen, talk));
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let fields = response.headers_mut();
        fields.insert(header::UPGRADE, HeaderValue::from_static(WEBSOCKET));
        fields.insert(header::SEC_WEBSOCKET_ACCEPT, value(&derive_accept_key(key)));
        if let Some(protocol) = protocol {
            fields.insert(header::SEC_WEBSOCKET_PROTOCOL, value(protocol));
        }
        response
    }

    /// The key, if it is a request for a WebSocket that may be answered.
    fn check<'a, B>(&self, request: &'a Request<B>) -> Result<&'a [u8], Refusal> {
        let fields = request.headers();
        if request.method() != Method::GET {
            return Err(Refusal::Method);
        }
        if !lists(fields, header::UPGRADE, WEBSOCKET) {
            return Err(Refusal::NoUpgrade);
        }
        if request.version() < Version::HTTP_11 {
            return Err(Refusal::Incomplete("WebSocket needs HTTP/1.1"));
        }
        if !lists(fields, header::CONNECTION, "upgrade") {
            return Err(Refusal::Incomplete("the Connection field lacks upgrade"));
        }
        if only(fields, header::SEC_WEBSOCKET_VERSION) != Some(VERSION.as_bytes()) {
            return Err(Refusal::Version);
        }
        let Some(key) = only(fields, header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key)) else {
            let text = "Sec-WebSocket-Key must be there once, and be 16 bytes in base64";
            return Err(Refusal::Incomplete(text));
        };
        if !self.origins.allow(request) {
            return Err(Refusal::Origin);
        }
        Ok(key)
    }

    /// The first of ours that the client offers. Names are compared as they are (RFC 6455 section
    /// 11.3.4).
    fn choose<B>(&self, request: &Request<B>) -> Option<&str> {
        let fields = request.headers();
        let is_offered = |name: &&String| {
            let mut offered = members(fields, header::SEC_WEBSOCKET_PROTOCOL);
            offered.any(|other| other == name.as_bytes())
        };
        self.protocols.iter().find(is_offered).map(String::as_str)
    }
}

/// What is of our own making, or stood in a field of the client's.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("it is fit for a field")
}

/// Why a request is not answered with 101.
enum Refusal {
    Method,
    NoUpgrade,
    Version,
    Incomplete(&'static str),
    Origin,
}

impl Refusal {
    fn into_response(self) -> Response<Body> {
        let needed = StatusCode::UPGRADE_REQUIRED;
        let (status, detail, field): (_, _, Option<(HeaderName, &'static str)>) = match self {
            Refusal::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "a WebSocket begins with GET",
                Some((header::ALLOW, "GET")),
            ),
            Refusal::NoUpgrade => (needed, "here is a WebSocket", None),
            Refusal::Version => (
                needed,
                "the version of WebSocket spoken here is 13",
                Some((header::SEC_WEBSOCKET_VERSION, VERSION)),
            ),
            Refusal::Incomplete(what) => (StatusCode::BAD_REQUEST, what, None),
            Refusal::Origin => (StatusCode::FORBIDDEN, "not for pages of this origin", None),
        };
        let mut response = error_page(status, Some(detail)).map(Body::from);
        let fields = response.headers_mut();
        if let Some((name, value)) = field {
            fields.insert(name, HeaderValue::from_static(value));
        }
        if status == needed {
            fields.insert(header::UPGRADE, HeaderValue::from_static(WEBSOCKET));
        }
        response
    }
}

/// Lets the program talk, and closes.
fn converse(
    connection: Upgraded,
    settings: Settings,
    protocol: Option<Box<str>>,
    talk: impl FnOnce(WebSocket) -> Result<(), Error>,
) -> io::Result<()> {
    let carrier = Box::new(connection.clone());
    let socket = WebSocket::new(carrier, Role::Server, settings, protocol, &[]);
    let stopping = Rc::downgrade(socket.shared());
    connection.on_stop(move || {
        if let Some(shared) = stopping.upgrade() {
            let close = Close::new(CloseCode::AWAY, "the server is stopping");
            // If it fails, whoever receives is told.
            spawn(move || drop(shared.close(close)));
        }
    });
    match talk(socket.clone()) {
        Ok(()) => {
            // A peer that does not answer is not the program's concern any more.
            let _ = socket.close(CloseCode::NORMAL, "");
            Ok(())
        }
        Err(error) => {
            socket.shared().close_for_error();
            // That it is closed says only that the peer was faster.
            if error.is_peers() || matches!(error, Error::Closed) {
                return Ok(());
            }
            Err(error.into())
        }
    }
}
