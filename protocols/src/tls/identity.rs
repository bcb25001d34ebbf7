//! Who one is: a chain of certificates with its private key, and which of several is shown to whom.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;

use super::error::TlsSetupError;
use super::pem;

/// A chain of certificates, one's own first, and the private key of that one.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::Identity;
///
/// # let made = rcgen::generate_simple_self_signed(["host.test".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
/// let identity = Identity::from_pem(&chain, &key)?;
///
/// let mistake = Identity::from_pem(&chain, &other).unwrap_err();
/// assert!(mistake.to_string().contains("does not belong to the certificate"));
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
///
/// ```
/// use eventlet_protocols::tls::rustls::pki_types::PrivateKeyDer;
/// use eventlet_protocols::tls::{Identity, TlsSetupError};
///
/// let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
/// let identity = Identity::from_der(vec![made.cert.der().clone()], key)?;
/// assert_eq!(identity.chain(), [made.cert.der().clone()]);
///
/// // The key of another one is noticed here, and not by the first client.
/// let other = rcgen::KeyPair::generate()?.serialize_pem();
/// let error = Identity::from_pem(made.cert.pem(), other).unwrap_err();
/// assert!(matches!(error, TlsSetupError::KeyMismatch));
/// let error = Identity::from_pem_files("no/such/chain.pem", "no/such/key.pem").unwrap_err();
/// assert!(matches!(error, TlsSetupError::File { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Identity(pub(super) Arc<CertifiedKey>);

impl Identity {
    /// From PEM files: the chain, and the key, which may be the same file. Reading does not park.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::File`]; else as for [`from_pem`](Self::from_pem).
    pub fn from_pem_files(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsSetupError> {
        let (chain, key) = (chain.as_ref(), key.as_ref());
        let chain = pem::certificates(&pem::file(chain)?, Some(chain))?;
        let key = pem::key(&pem::file(key)?, Some(key))?;
        Self::from_der(chain, key)
    }

    /// From PEM in memory.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::Pem`] and [`TlsSetupError::Missing`]; else as for
    /// [`from_der`](Self::from_der).
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, TlsSetupError> {
        let chain = pem::certificates(chain.as_ref(), None)?;
        let key = pem::key(key.as_ref(), None)?;
        Self::from_der(chain, key)
    }

    /// From what PEM contains.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::Missing`]: an empty chain; [`TlsSetupError::BadCertificate`],
    /// [`TlsSetupError::BadKey`], [`TlsSetupError::KeyMismatch`].
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsSetupError> {
        use rustls::{Error, InconsistentKeys};
        let bad_certificate = |error: Error| TlsSetupError::BadCertificate(error.to_string());
        let Some(first) = chain.first() else {
            return Err(TlsSetupError::Missing {
                what: "certificates",
                path: None,
            });
        };
        ParsedCertificate::try_from(first).map_err(bad_certificate)?;
        let key = any_supported_type(&key);
        let key = key.map_err(|error| TlsSetupError::BadKey(error.to_string()))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(Identity(Arc::new(certified))),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(TlsSetupError::KeyMismatch)
            }
            Err(error) => Err(bad_certificate(error)),
        }
    }

    /// The chain, one's own certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }
}

impl fmt::Debug for Identity {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("chain", &self.chain().len())
            .finish_non_exhaustive()
    }
}

/// The identities of a server: by the name that a client asks for (SNI, RFC 6066 section 3), and one
/// for those who ask for another or for none.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::{Identities, Identity};
///
/// # fn identity(name: &str) -> Identity {
/// #     let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
/// #     Identity::from_pem(made.cert.pem(), made.signing_key.serialize_pem()).unwrap()
/// # }
/// # let (main, shop, guests) = (identity("a.test"), identity("shop.test"), identity("*.b.test"));
/// let identities = Identities::new(main)
///     .with("shop.test", shop.clone())?
///     .with("*.b.test", guests)?;
///
/// let mistake = identities.with("other.test", shop).unwrap_err();
/// assert!(mistake.to_string().contains("not valid for it"));
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
///
/// ```
/// use eventlet_protocols::tls::{Identities, Identity, TlsAcceptor, TlsSetupError};
///
/// # let made = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let shop = Identity::from_pem(&chain, &key)?;
/// let identities = Identities::only_by_name().with("shop.example", shop.clone())?;
/// let acceptor = TlsAcceptor::new(identities)?;
/// # drop(acceptor);
/// let wrong = Identities::new(shop.clone()).with("mail.example", shop);
/// assert!(matches!(wrong, Err(TlsSetupError::NotForName(_))));
/// # Ok::<(), TlsSetupError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Identities {
    /// By names in lower case; those for all names below one begin with a dot.
    by_name: HashMap<String, Identity>,
    fallback: Option<Identity>,
}

impl Identities {
    /// One for all, whatever name they ask for.
    pub fn new(fallback: Identity) -> Self {
        Identities {
            by_name: HashMap::new(),
            fallback: Some(fallback),
        }
    }

    /// None yet: who asks for a name that is not [added](Self::with), or for none, is refused.
    pub fn only_by_name() -> Self {
        Self::default()
    }

    /// Adds one for a name, in place of an earlier one: `shop.example`, or `*.example` for the names
    /// one label below, for which a whole name has preference.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::BadName`]; [`TlsSetupError::NotForName`]: clients would not accept it. (That
    /// it has expired is not looked at: it may be replaced yet.)
    pub fn with(mut self, name: &str, identity: Identity) -> Result<Self, TlsSetupError> {
        let bad_name = || TlsSetupError::BadName(name.to_owned());
        let (key, example) = match name.strip_prefix("*.") {
            Some("") => return Err(bad_name()),
            Some(above) => (format!(".{above}"), format!("any.{above}")),
            None => (name.to_owned(), name.to_owned()),
        };
        let example = ServerName::try_from(example).map_err(|_| bad_name())?;
        if !matches!(example, ServerName::DnsName(_)) {
            // Nobody can ask for an address (RFC 6066 section 3).
            return Err(bad_name());
        }
        let not_for_name = |_| TlsSetupError::NotForName(name.to_owned());
        let first = &identity.0.cert[0];
        let certificate = ParsedCertificate::try_from(first).map_err(not_for_name)?;
        verify_server_name(&certificate, &example).map_err(not_for_name)?;
        self.by_name.insert(key.to_ascii_lowercase(), identity);
        Ok(self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.fallback.is_none()
    }

    /// The one for who asks for `name`.
    pub(super) fn of(&self, name: Option<&str>) -> Option<&Identity> {
        // rustls gives names in lower case.
        let whole = name.and_then(|name| self.by_name.get(name));
        let below = || {
            let name = name?;
            self.by_name.get(&name[name.find('.')?..])
        };
        whole.or_else(below).or(self.fallback.as_ref())
    }
}

impl From<Identity> for Identities {
    fn from(identity: Identity) -> Self {
        Identities::new(identity)
    }
}
