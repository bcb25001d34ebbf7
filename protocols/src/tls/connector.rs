//! The client's side: settings, and connections made of those that lead to a server.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use eventlet_green::net::Stream;
use rustls::ClientConfig;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;

use super::error::{TlsError, TlsSetupError};
use super::identity::Identity;
use super::roots::Roots;
use super::session::Session;
use super::settings::{DEFAULT_HANDSHAKE, TlsVersion, alpn, provider};
use super::stream::TlsStream;

/// Makes TLS connections to servers: the client's settings, and the tickets with which handshakes
/// become shorter. Cheap to clone; all clones, on whatever threads, are one.
///
/// See [`TlsAcceptor`](super::TlsAcceptor) for an example of both sides.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use eventlet_protocols::tls::{Identity, Resuming, Roots, TlsAcceptor, TlsConnector, TlsVersion};
/// use std::io::{Read, Write};
/// use std::time::Duration;
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let identity = Identity::from_pem(&chain, &key)?;
/// let acceptor = TlsAcceptor::new(identity.clone())?;
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// eventlet_green::spawn(move || -> std::io::Result<()> {
///     loop {
///         acceptor.accept(listener.accept()?.0)?.write_all(b"hello")?;
///     }
/// });
///
/// let connector = TlsConnector::builder()
///     .roots(Roots::from_pem(&chain)?)
///     .identity(identity) // For servers that ask who one is.
///     .oldest(TlsVersion::Tls13)
///     .resuming(Resuming::Off)
///     .handshake_timeout(Duration::from_secs(5))
///     .build()?;
/// let limit = Some(Duration::from_secs(20));
/// let mut stream = connector.connect_within("localhost", TcpStream::connect(address)?, limit)?;
/// let mut text = [0; 5];
/// stream.read_exact(&mut text)?;
/// assert_eq!(&text, b"hello");
/// let other = connector.connect("example.org", TcpStream::connect(address)?);
/// assert!(other.is_err(), "it is not the certificate of that name");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TlsConnector(Arc<Inner>);

struct Inner {
    config: Arc<ClientConfig>,
    handshake: Duration,
}

/// Whether what a server has given is kept, to take up with it where one left off.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::{Resuming, Roots, TlsConnector};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let authority = made.cert.pem();
/// // A crawler that would rather not be known again.
/// let connector = TlsConnector::builder()
///     .roots(Roots::from_pem(&authority)?)
///     .resuming(Resuming::Off)
///     .build()?;
/// # drop(connector);
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resuming {
    /// For the last 256 names of servers, in memory. The default.
    #[default]
    InMemory,
    /// Every handshake is a whole one: nobody can tell by tickets that two connections are one
    /// client's.
    Off,
}

impl TlsConnector {
    /// With the default settings: whom the platform trusts, TLS 1.2 and later.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::NoPlatformRoots`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::tls::{TlsConnector, TlsSetupError};
    ///
    /// match TlsConnector::new() {
    ///     Ok(connector) => println!("trusts whom the platform trusts: {connector:?}"),
    ///     Err(TlsSetupError::NoPlatformRoots(why)) => println!("nobody is trusted here: {why}"),
    ///     Err(other) => panic!("{other}"),
    /// }
    /// ```
    pub fn new() -> Result<Self, TlsSetupError> {
        Self::builder().build()
    }

    /// One for HTTP/1.1 that trusts whom the platform trusts: one for the process, so that the tickets
    /// of servers are everybody's.
    pub(crate) fn of_platform() -> Result<Self, TlsSetupError> {
        /// RFC 7301 section 6.
        const PROTOCOL: &str = "http/1.1";
        static CONNECTOR: OnceLock<TlsConnector> = OnceLock::new();
        if let Some(connector) = CONNECTOR.get() {
            return Ok(connector.clone());
        }
        let connector = Self::builder().alpn([PROTOCOL]).build()?;
        Ok(CONNECTOR.get_or_init(|| connector).clone())
    }

    /// For other settings.
    pub fn builder() -> TlsConnectorBuilder {
        TlsConnectorBuilder {
            roots: None,
            identity: None,
            alpn: Vec::new(),
            oldest: TlsVersion::Tls12,
            resuming: Resuming::default(),
            handshake: DEFAULT_HANDSHAKE,
        }
    }

    /// With what was set up with rustls itself: for what the builder does not have.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::tls::{TlsConnector, rustls};
    /// use std::sync::Arc;
    ///
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let mut config = rustls::ClientConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(rustls::RootCertStore::empty())
    ///     .with_no_client_auth();
    /// config.enable_sni = false; // Which the builder has no word for.
    /// let connector = TlsConnector::from_rustls(config);
    /// # drop(connector);
    /// # Ok::<(), rustls::Error>(())
    /// ```
    pub fn from_rustls(config: impl Into<Arc<ClientConfig>>) -> Self {
        TlsConnector(Arc::new(Inner {
            config: config.into(),
            handshake: DEFAULT_HANDSHAKE,
        }))
    }

    /// Makes a TLS connection to the server called `name` (of a host, or an IP address) of one that
    /// leads there; the handshake is done here, in the caller's coroutine, within its time limit.
    ///
    /// With TLS 1.3 a server may refuse what the client has shown after this has returned: then the
    /// first read says so (RFC 8446 section 4.4.2.4).
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: `name` is none.
    /// * A [`TlsError`], of which the peer has been told if it can be; what the stream gives; why the
    ///   caller could not wait. The connection is closed.
    pub fn connect<S: Stream>(&self, name: &str, socket: S) -> io::Result<TlsStream<S>> {
        self.connect_within(name, socket, Some(self.0.handshake))
    }

    /// As [`connect`](Self::connect), with another time limit for the handshake, or none.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn connect_within<S: Stream>(
        &self,
        name: &str,
        socket: S,
        limit: Option<Duration>,
    ) -> io::Result<TlsStream<S>> {
        // As in a URL; a name may end with the root's dot, which is not part of it (RFC 6066).
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        let bare = bare.unwrap_or(name);
        let bare = bare.strip_suffix('.').unwrap_or(bare);
        let server = ServerName::try_from(bare.to_owned()).map_err(|_| {
            let error = TlsSetupError::BadName(name.to_owned());
            io::Error::new(io::ErrorKind::InvalidInput, error)
        })?;
        let session = Session::client(Arc::clone(&self.0.config), server);
        let stream = TlsStream::new(socket, session.map_err(TlsError::from)?, None);
        stream.handshake(limit)?;
        Ok(stream)
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("handshake", &self.0.handshake)
            .finish_non_exhaustive()
    }
}

/// Settings for a [`TlsConnector`].
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::{Roots, TlsConnector};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let authority = made.cert.pem();
/// let connector = TlsConnector::builder()
///     .roots(Roots::from_pem(&authority)?)
///     .alpn(["http/1.1"])
///     .build()?;
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
///
/// ```
/// use eventlet_protocols::tls::{Identity, Resuming, Roots, TlsConnector, TlsVersion};
/// use std::time::Duration;
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let connector = TlsConnector::builder()
///     .roots(Roots::from_pem(&chain)?)
///     .identity(Identity::from_pem(&chain, &key)?)
///     .oldest(TlsVersion::Tls13)
///     .resuming(Resuming::Off)
///     .handshake_timeout(Duration::from_secs(5))
///     .build()?;
/// # drop(connector);
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is made until `build`"]
pub struct TlsConnectorBuilder {
    roots: Option<Roots>,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    oldest: TlsVersion,
    resuming: Resuming,
    handshake: Duration,
}

impl TlsConnectorBuilder {
    /// Whom to trust. Default: [`Roots::platform`].
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = Some(roots);
        self
    }

    /// Who one is, for servers that ask. Default: nobody.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Application protocols, the preferred first (ALPN, RFC 7301). A server that has none of them in
    /// common may refuse. Default: none are named.
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = alpn(protocols);
        self
    }

    /// The oldest version that is spoken. Default: TLS 1.2, which is safe as rustls has it.
    pub fn oldest(mut self, version: TlsVersion) -> Self {
        self.oldest = version;
        self
    }

    /// Whether handshakes take up where one left off. Default: [`Resuming::InMemory`].
    pub fn resuming(mut self, resuming: Resuming) -> Self {
        self.resuming = resuming;
        self
    }

    /// How long a handshake may take in all. Default: 10 s.
    pub fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake = limit;
        self
    }

    /// The connector.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::NoPlatformRoots`], where none are set; [`TlsSetupError::Settings`].
    pub fn build(self) -> Result<TlsConnector, TlsSetupError> {
        let settings = |error: &dyn fmt::Display| TlsSetupError::Settings(error.to_string());
        let roots = match self.roots {
            Some(roots) => roots,
            None => Roots::platform()?,
        };
        let provider = provider();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots.store(), Arc::clone(&provider))
                .build()
                .map_err(|error| settings(&error))?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.oldest.and_later())
            .map_err(|error| settings(&error))?
            .with_webpki_verifier(verifier);
        let mut config = match self.identity {
            Some(Identity(certified)) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn;
        if self.resuming == Resuming::Off {
            config.resumption = Resumption::disabled();
        }
        Ok(TlsConnector(Arc::new(Inner {
            config: Arc::new(config),
            handshake: self.handshake,
        })))
    }
}
