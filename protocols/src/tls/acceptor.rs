//! The server's side: settings, and connections made of accepted ones.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use eventlet_green::net::Stream;
use rustls::ServerConfig;
use rustls::crypto::ring::Ticketer;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;

use super::error::TlsSetupError;
use super::identity::Identities;
use super::roots::Roots;
use super::session::Session;
use super::settings::{DEFAULT_HANDSHAKE, TlsVersion, alpn, provider};
use super::stream::TlsStream;

/// Whether clients have to say who they are, by a certificate.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::{ClientAuth, Identity, Roots, TlsAcceptor};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let staff = chain.clone();
/// let acceptor = TlsAcceptor::builder(Identity::from_pem(&chain, &key)?)
///     .client_auth(ClientAuth::Required(Roots::from_pem(&staff)?))
///     .build()?;
/// # drop(acceptor);
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ClientAuth {
    /// They are not asked. The default, as nearly everywhere.
    #[default]
    Off,
    /// They are asked, and may be nobody. A certificate that these roots do not know is refused.
    Optional(Roots),
    /// They are asked, and refused without a certificate that these roots know.
    Required(Roots),
}

/// Makes TLS connections of accepted ones: the server's settings. Cheap to clone; all clones, on
/// whatever threads, are one.
///
/// Resumption is by tickets (RFC 8446 section 4.6.1, RFC 5077), whose keys are changed every six
/// hours, so it costs the server no memory. Early data is not accepted.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use eventlet_protocols::tls::{Identity, Roots, TlsAcceptor, TlsConnector};
/// use std::io::{Read, Write};
/// use std::net::Shutdown;
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let acceptor = TlsAcceptor::new(Identity::from_pem(&chain, &key)?)?;
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let server = eventlet_green::spawn(move || -> std::io::Result<()> {
///     let (stream, _) = listener.accept()?;
///     let mut stream = acceptor.accept(stream)?;
///     stream.write_all(b"hello")?;
///     stream.shutdown(Shutdown::Write)
/// });
///
/// let connector = TlsConnector::builder().roots(Roots::from_pem(&chain)?).build()?;
/// let mut stream = connector.connect("localhost", TcpStream::connect(address)?)?;
/// let mut text = String::new();
/// stream.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// server.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TlsAcceptor(Arc<Inner>);

struct Inner {
    config: ServerConfig,
    /// `None`: the configuration knows.
    identities: Option<RwLock<Arc<Identities>>>,
    handshake: Duration,
}

impl TlsAcceptor {
    /// With the default settings and these identities: one, or several by name.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::NoIdentity`].
    pub fn new(identities: impl Into<Identities>) -> Result<Self, TlsSetupError> {
        Self::builder(identities).build()
    }

    /// For other settings.
    pub fn builder(identities: impl Into<Identities>) -> TlsAcceptorBuilder {
        TlsAcceptorBuilder {
            identities: identities.into(),
            alpn: Vec::new(),
            client_auth: ClientAuth::Off,
            oldest: TlsVersion::Tls12,
            handshake: DEFAULT_HANDSHAKE,
        }
    }

    /// With what was set up with rustls itself: for what the builder does not have.
    /// [`replace_identities`](Self::replace_identities) is refused then.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::tls::{Identity, TlsAcceptor, rustls};
    /// use rustls::server::ResolvesServerCertUsingSni;
    /// use std::sync::Arc;
    ///
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let mut config = rustls::ServerConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_no_client_auth()
    ///     .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
    /// config.ignore_client_order = true; // Which the builder has no word for.
    /// let acceptor = TlsAcceptor::from_rustls(config);
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// let identity = Identity::from_pem(&chain, &key)?;
    /// assert!(acceptor.replace_identities(identity).is_err(), "they are the configuration's");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_rustls(config: ServerConfig) -> Self {
        TlsAcceptor(Arc::new(Inner {
            config,
            identities: None,
            handshake: DEFAULT_HANDSHAKE,
        }))
    }

    /// Shows other identities from now on: connections that are there go on as they are, and a
    /// handshake under way ends with what it began with. If making the new ones failed, nothing has
    /// changed.
    ///
    /// # Errors
    ///
    /// * [`TlsSetupError::NoIdentity`]: there is none among them.
    /// * [`TlsSetupError::Settings`]: made with [`from_rustls`](Self::from_rustls).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::tls::{Identity, TlsAcceptor, TlsSetupError};
    ///
    /// /// For a signal, or a timer.
    /// fn reload(acceptor: &TlsAcceptor) -> Result<(), TlsSetupError> {
    ///     acceptor.replace_identities(Identity::from_pem_files("chain.pem", "key.pem")?)
    /// }
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// # let acceptor = TlsAcceptor::new(Identity::from_pem(&chain, &key)?)?;
    /// assert!(matches!(reload(&acceptor), Err(TlsSetupError::File { .. })));
    /// # Ok::<(), TlsSetupError>(())
    /// ```
    pub fn replace_identities(
        &self,
        identities: impl Into<Identities>,
    ) -> Result<(), TlsSetupError> {
        let identities = identities.into();
        if identities.is_empty() {
            return Err(TlsSetupError::NoIdentity);
        }
        let Some(place) = &self.0.identities else {
            let text = "the certificates of an acceptor made from rustls's settings are rustls's";
            return Err(TlsSetupError::Settings(text.to_owned()));
        };
        let mut place = place.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, Arc::new(identities));
        drop(place);
        drop(old);
        Ok(())
    }

    /// Makes a TLS connection of one that was accepted; the handshake is done here, in the caller's
    /// coroutine, within its time limit.
    ///
    /// # Errors
    ///
    /// A [`TlsError`](super::TlsError), of which the peer has been told if it can be; what the
    /// stream gives; why the caller could not wait. The connection is closed.
    pub fn accept<S: Stream>(&self, socket: S) -> io::Result<TlsStream<S>> {
        let stream = self.begin(socket)?;
        stream.handshake(Some(self.0.handshake))?;
        Ok(stream)
    }

    /// How long a handshake may take.
    pub(crate) fn handshake_timeout(&self) -> Duration {
        self.0.handshake
    }

    /// A connection whose handshake is not done.
    pub(crate) fn begin<S: Stream>(&self, socket: S) -> io::Result<TlsStream<S>> {
        let asked_for = Arc::new(OnceLock::new());
        let mut config = self.0.config.clone();
        if let Some(identities) = &self.0.identities {
            // What the client asks for is told to the resolver only; so each connection has its own.
            let identities = identities.read().unwrap_or_else(PoisonError::into_inner);
            config.cert_resolver = Arc::new(Resolver {
                identities: Arc::clone(&identities),
                asked_for: Arc::clone(&asked_for),
            });
        }
        let session = Session::server(Arc::new(config)).map_err(super::TlsError::from)?;
        Ok(TlsStream::new(socket, session, Some(asked_for)))
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("handshake", &self.0.handshake)
            .finish_non_exhaustive()
    }
}

/// Chooses the identity for one connection.
#[derive(Debug)]
struct Resolver {
    identities: Arc<Identities>,
    asked_for: Arc<OnceLock<Box<str>>>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        if let Some(name) = name {
            // A second hello has to have the same name; rustls sees to that.
            let _ = self.asked_for.set(name.into());
        }
        let identity = self.identities.of(name)?;
        Some(Arc::clone(&identity.0))
    }
}

/// Settings for a [`TlsAcceptor`].
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::{ClientAuth, Identity, Roots, TlsAcceptor, TlsVersion};
/// use std::time::Duration;
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let ours = Identity::from_pem(&chain, &key)?;
/// let known = Roots::from_pem(&chain)?;
/// let acceptor = TlsAcceptor::builder(ours)
///     .alpn(["http/1.1"])
///     .client_auth(ClientAuth::Required(known))
///     .oldest(TlsVersion::Tls13)
///     .handshake_timeout(Duration::from_secs(5))
///     .build()?;
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is made until `build`"]
pub struct TlsAcceptorBuilder {
    identities: Identities,
    alpn: Vec<Vec<u8>>,
    client_auth: ClientAuth,
    oldest: TlsVersion,
    handshake: Duration,
}

impl TlsAcceptorBuilder {
    /// Application protocols, the preferred first (ALPN, RFC 7301). Clients that name some, but none
    /// of these, are refused. Default: none, and whatever clients name is passed over.
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = alpn(protocols);
        self
    }

    /// Whether clients have to show a certificate. Default: [`ClientAuth::Off`].
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// The oldest version that is spoken. Default: TLS 1.2, which is safe as rustls has it.
    pub fn oldest(mut self, version: TlsVersion) -> Self {
        self.oldest = version;
        self
    }

    /// How long a handshake may take in all. Default: 10 s.
    pub fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake = limit;
        self
    }

    /// The acceptor.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::NoIdentity`]; [`TlsSetupError::Settings`].
    pub fn build(self) -> Result<TlsAcceptor, TlsSetupError> {
        if self.identities.is_empty() {
            return Err(TlsSetupError::NoIdentity);
        }
        let settings = |error: &dyn fmt::Display| TlsSetupError::Settings(error.to_string());
        let provider = provider();
        let verifier = match self.client_auth {
            ClientAuth::Off => WebPkiClientVerifier::no_client_auth(),
            ClientAuth::Optional(roots) => {
                WebPkiClientVerifier::builder_with_provider(roots.store(), Arc::clone(&provider))
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| settings(&error))?
            }
            ClientAuth::Required(roots) => {
                WebPkiClientVerifier::builder_with_provider(roots.store(), Arc::clone(&provider))
                    .build()
                    .map_err(|error| settings(&error))?
            }
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(self.oldest.and_later())
            .map_err(|error| settings(&error))?
            .with_client_cert_verifier(verifier)
            // Each connection gets its own.
            .with_cert_resolver(Arc::new(Nobody));
        config.alpn_protocols = self.alpn;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Ticketer::new().map_err(|error| settings(&error))?;
        Ok(TlsAcceptor(Arc::new(Inner {
            config,
            identities: Some(RwLock::new(Arc::new(self.identities))),
            handshake: self.handshake,
        })))
    }
}

/// The resolver of a configuration that is never used as it is.
#[derive(Debug)]
struct Nobody;

impl ResolvesServerCert for Nobody {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}
