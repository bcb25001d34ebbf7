//! The client's side of the handshake (RFC 6455 section 4.1).

use std::io::{self, Read, Write};
use std::time::Duration;

use eventlet_green::net::{self, Stream, TcpStream};
use eventlet_green::{Time, now};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::Role;

use super::carrier::{Carried, Carrier};
use super::error::ConnectError;
use super::handshake::{VERSION, WEBSOCKET, lists, members, only};
use super::settings::Settings;
use super::socket::WebSocket;
use super::url::Url;
use crate::server::input::Input;
#[cfg(feature = "tls")]
use crate::tls::TlsConnector;
use crate::wire::{Limits, ParsedResponse, ResponseFault, ResponseParser};

/// Connects to a server, by an address such as `ws://example.org/chat`. As
/// [`ConnectOptions::connect`] with the defaults.
///
/// # Errors
///
/// As there.
pub fn connect(url: &str) -> Result<WebSocket, ConnectError> {
    ConnectOptions::new().connect(url)
}

/// How to connect to a server.
///
/// # Examples
///
/// ```no_run
/// use eventlet_protocols::websocket::ConnectOptions;
/// use http::{HeaderValue, header};
/// use std::time::Duration;
///
/// let mut options = ConnectOptions::new();
/// options.protocol("chat").timeout(Duration::from_secs(5));
/// options.header(header::COOKIE, HeaderValue::from_static("id=4711"));
/// let socket = options.connect("ws://example.org/chat")?;
/// # Ok::<(), eventlet_protocols::websocket::ConnectError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    fields: HeaderMap,
    protocols: Vec<String>,
    timeout: Duration,
    settings: Settings,
    #[cfg(feature = "tls")]
    tls_connector: Option<TlsConnector>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        ConnectOptions {
            fields: HeaderMap::new(),
            protocols: Vec::new(),
            timeout: Self::DEFAULT_TIMEOUT,
            settings: Settings::default(),
            #[cfg(feature = "tls")]
            tls_connector: None,
        }
    }
}

impl ConnectOptions {
    /// See [`timeout`](Self::timeout).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// No further fields, no subprotocol, the default limits and deadlines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field to the request, such as `Authorization`, `Cookie` or `Origin`.
    pub fn header(&mut self, name: HeaderName, value: HeaderValue) -> &mut Self {
        self.fields.append(name, value);
        self
    }

    /// Offers a subprotocol; the earlier, the rather. The server may choose none.
    pub fn protocol(&mut self, name: impl Into<String>) -> &mut Self {
        self.protocols.push(name.into());
        self
    }

    /// How long all may take until there is a connection: looking the name up, connecting, TLS and
    /// the handshake. Default 30 s.
    pub fn timeout(&mut self, limit: Duration) -> &mut Self {
        self.timeout = limit;
        self
    }

    /// Whom to trust, who one is, and more, for `wss`. By default, whom the platform trusts, and nobody.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::tls::{Roots, TlsConnector};
    /// use eventlet_protocols::websocket::{ConnectError, ConnectOptions};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let authority = made.cert.pem();
    /// let connector = TlsConnector::builder().roots(Roots::from_pem(&authority)?).build()?;
    /// let mut options = ConnectOptions::new();
    /// options.tls_connector(connector);
    /// // Nobody listens on port 0.
    /// let error = options.connect("wss://127.0.0.1:0/chat").unwrap_err();
    /// assert!(matches!(error, ConnectError::Unreachable(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls_connector(&mut self, connector: TlsConnector) -> &mut Self {
        self.tls_connector = Some(connector);
        self
    }

    /// Limits and deadlines of the connection.
    pub fn settings(&mut self, settings: Settings) -> &mut Self {
        self.settings = settings;
        self
    }

    /// Connects. Redirects are not followed: a [`Refused`](ConnectError::Refused) says where to.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ConnectError::Invalid): the address, a subprotocol that is no token, or one of
    ///   the fields that belong to the handshake.
    /// * [`Unreachable`](ConnectError::Unreachable), [`Tls`](ConnectError::Tls),
    ///   [`TimedOut`](ConnectError::TimedOut), [`Io`](ConnectError::Io): there is no connection.
    /// * [`Refused`](ConnectError::Refused), [`Answer`](ConnectError::Answer): the server.
    pub fn connect(&self, url: &str) -> Result<WebSocket, ConnectError> {
        let deadline = now() + self.timeout;
        let url = Url::parse(url)?;
        self.check()?;
        if url.is_secure && !cfg!(feature = "tls") {
            let text = format!(
                "wss to {} needs the feature tls, which is not built in",
                url.host
            );
            let error = io::Error::new(io::ErrorKind::Unsupported, text);
            return Err(ConnectError::Tls(error));
        }
        let mut options = net::ConnectOptions::new();
        options.timeout(self.timeout);
        let stream = options
            .connect((url.host.as_str(), url.port))
            .map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => ConnectError::TimedOut("the connection"),
                _ => ConnectError::Unreachable(error),
            })?;
        // Messages go out whole; waiting for more would only hold the last piece up.
        let _ = stream.set_nodelay(true);
        let carrier = match url.is_secure {
            true => self.secure(stream, &url, deadline)?,
            false => Box::new(Carried(stream)),
        };
        self.shake_hands(carrier, &url, deadline)
    }

    /// Does the handshake of TLS with the server of the URL.
    #[cfg(feature = "tls")]
    fn secure(
        &self,
        stream: TcpStream,
        url: &Url,
        deadline: Time,
    ) -> Result<Box<dyn Carrier>, ConnectError> {
        let own = self.tls_connector.clone();
        let connector = own.map_or_else(TlsConnector::of_platform, Ok);
        let connector = connector.map_err(|error| ConnectError::Tls(error.into()))?;
        match connector.connect_within(&url.host, stream, Some(deadline - now())) {
            Ok(stream) => Ok(Box::new(Carried(stream))),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(ConnectError::TimedOut("the handshake of TLS"))
            }
            Err(error) => Err(ConnectError::Tls(error)),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn secure(&self, _: TcpStream, _: &Url, _: Time) -> Result<Box<dyn Carrier>, ConnectError> {
        unreachable!("refused before it connects")
    }

    /// As [`connect`](Self::connect), over a connection that there is already: through a proxy, a Unix
    /// socket, TLS of the caller's own. Only the handshake is done; `url` says what to ask for.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::{UnixListener, UnixStream};
    /// use eventlet_protocols::server::Server;
    /// use eventlet_protocols::websocket::{self, ConnectOptions, Settings};
    ///
    /// # let path = std::env::temp_dir().join(format!("eventlet-doc-ws-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// eventlet_green::spawn(move || {
    ///     Server::new(|request| websocket::accept(&request, |socket| socket.send("hello")))
    ///         .serve_unix(listener)
    /// });
    /// let mut options = ConnectOptions::new();
    /// options.settings(Settings::new());
    /// let socket = options.connect_over(UnixStream::connect(&path)?, "ws://localhost/")?;
    /// assert_eq!(socket.receive()?.unwrap().as_text(), Some("hello"));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect_over<S: Stream>(&self, stream: S, url: &str) -> Result<WebSocket, ConnectError>
    where
        for<'a> &'a S: Read + Write,
    {
        let deadline = now() + self.timeout;
        let url = Url::parse(url)?;
        self.check()?;
        self.shake_hands(Box::new(Carried(stream)), &url, deadline)
    }

    fn check(&self) -> Result<(), ConnectError> {
        let is_token = |name: &&String| HeaderName::try_from(name.as_str()).is_ok();
        if let Some(wrong) = self.protocols.iter().find(|name| !is_token(name)) {
            let text = format!("{wrong:?} is no name of a subprotocol");
            return Err(ConnectError::Invalid(text));
        }
        for own in [
            header::HOST,
            header::CONNECTION,
            header::UPGRADE,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::SEC_WEBSOCKET_KEY,
            header::SEC_WEBSOCKET_VERSION,
            header::SEC_WEBSOCKET_PROTOCOL,
            header::SEC_WEBSOCKET_EXTENSIONS,
        ] {
            if self.fields.contains_key(&own) {
                let text = format!("the field {own} belongs to the handshake");
                return Err(ConnectError::Invalid(text));
            }
        }
        Ok(())
    }

    fn shake_hands(
        &self,
        carrier: Box<dyn Carrier>,
        url: &Url,
        deadline: Time,
    ) -> Result<WebSocket, ConnectError> {
        let key = generate_key();
        let request = self.request(url, &key);
        let mut rest = request.as_slice();
        while !rest.is_empty() {
            match carrier.write(rest, Some(deadline - now())) {
                Ok(count) => rest = &rest[count..],
                Err(error) => return Err(late_or_lost(error)),
            }
        }
        let (response, ahead) = read_answer(&*carrier, deadline)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(ConnectError::Refused(Box::new(response)));
        }
        let protocol = self.check_answer(response.headers(), &key)?;
        let settings = self.settings.clone();
        Ok(WebSocket::new(
            carrier,
            Role::Client,
            settings,
            protocol,
            &ahead,
        ))
    }

    fn request(&self, url: &Url, key: &str) -> Vec<u8> {
        let mut out = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: {WEBSOCKET}\r\n\
             Sec-WebSocket-Version: {VERSION}\r\nSec-WebSocket-Key: {key}\r\n",
            url.target, url.authority
        )
        .into_bytes();
        if !self.protocols.is_empty() {
            let offered = self.protocols.join(", ");
            out.extend_from_slice(format!("Sec-WebSocket-Protocol: {offered}\r\n").as_bytes());
        }
        for (name, value) in &self.fields {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// What RFC 6455 section 4.1 asks of an answer, after its status. Gives the subprotocol.
    fn check_answer(
        &self,
        fields: &HeaderMap,
        key: &str,
    ) -> Result<Option<Box<str>>, ConnectError> {
        let wrong = |what| Err(ConnectError::Answer(what));
        if !lists(fields, header::UPGRADE, WEBSOCKET) {
            return wrong("it does not upgrade to websocket");
        }
        if !lists(fields, header::CONNECTION, "upgrade") {
            return wrong("its Connection field lacks upgrade");
        }
        let expected = derive_accept_key(key.as_bytes());
        if only(fields, header::SEC_WEBSOCKET_ACCEPT) != Some(expected.as_bytes()) {
            return wrong("its Sec-WebSocket-Accept does not belong to this request");
        }
        if members(fields, header::SEC_WEBSOCKET_EXTENSIONS)
            .next()
            .is_some()
        {
            return wrong("it has an extension that was not offered");
        }
        if !fields.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
            return Ok(None);
        }
        let chosen = only(fields, header::SEC_WEBSOCKET_PROTOCOL);
        let offered = self.protocols.iter();
        match offered
            .map(String::as_str)
            .find(|name| Some(name.as_bytes()) == chosen)
        {
            Some(protocol) => Ok(Some(protocol.into())),
            None => wrong("it has a subprotocol that was not offered"),
        }
    }
}

fn late_or_lost(error: io::Error) -> ConnectError {
    match error.kind() {
        io::ErrorKind::TimedOut => ConnectError::TimedOut("the server's answer"),
        _ => ConnectError::Io(error),
    }
}

/// Reads the head of the answer; gives what came behind it, too. Interim answers are passed over (RFC
/// 9110 section 15.2), which 101 is not.
fn read_answer(
    carrier: &dyn Carrier,
    deadline: Time,
) -> Result<(Response<()>, Vec<u8>), ConnectError> {
    let limits = Limits::default();
    let mut input = Input::default();
    let mut parser = ResponseParser::new(&Method::GET);
    let mut interims = 0;
    loop {
        match parser.parse(input.waiting(), &limits) {
            Ok(ParsedResponse::Complete { consumed, head }) => {
                input.consume(consumed);
                if !head.is_interim() {
                    return Ok((head.into_response(()), input.waiting().to_vec()));
                }
                interims += 1;
                if interims > limits.interims {
                    return Err(ConnectError::Answer(
                        ResponseFault::InterimsTooMany.explain(),
                    ));
                }
                parser = ResponseParser::new(&Method::GET);
                continue;
            }
            Ok(ParsedResponse::Incomplete) => {}
            Err(fault) => return Err(ConnectError::Answer(fault.explain())),
        }
        match input.fill(|room| carrier.read(room, Some(deadline - now()))) {
            Ok(0) => {
                let text = "the server closed the connection instead of answering";
                let error = io::Error::new(io::ErrorKind::UnexpectedEof, text);
                return Err(ConnectError::Io(error));
            }
            Ok(_) => {}
            Err(error) => return Err(late_or_lost(error)),
        }
    }
}
