//! Whom to trust: the certificates that others are checked against.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::error::TlsSetupError;
use super::pem;

/// Trusted certificates, of authorities or of single peers: those of servers for a client, those of
/// clients for a server.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::Roots;
///
/// # let certificate = rcgen::generate_simple_self_signed(["host.test".to_owned()]).unwrap();
/// # let pem = certificate.cert.pem();
/// let ours = Roots::from_pem(&pem)?;
/// assert_eq!(ours.len(), 1);
///
/// let nothing = Roots::from_pem("no certificate").unwrap_err();
/// assert_eq!(nothing.to_string(), "certificates expected, and there is none");
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
///
/// ```
/// use eventlet_protocols::tls::{Roots, TlsSetupError};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let path = std::env::temp_dir().join(format!("eventlet-doc-roots-{}.pem", std::process::id()));
/// # std::fs::write(&path, made.cert.pem()).unwrap();
/// let own = Roots::from_pem_file(&path)?; // An authority of one's own …
/// assert!(own.len() == 1 && !own.is_empty());
/// let trusted = match Roots::platform() {
///     Ok(system) => system.and(&own), // … beside whom everybody trusts.
///     Err(TlsSetupError::NoPlatformRoots(_)) => own,
///     Err(other) => return Err(other),
/// };
/// # assert!(trusted.len() >= 1);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), TlsSetupError>(())
/// ```
#[derive(Clone)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// What this system trusts: the files that its package of certificates has put somewhere, or
    /// those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. They are read once in a process, some
    /// hundred KiB, at the first call, which does not park; single ones that cannot be read are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::NoPlatformRoots`]: none at all were found.
    pub fn platform() -> Result<Self, TlsSetupError> {
        static PLATFORM: OnceLock<Roots> = OnceLock::new();
        if let Some(roots) = PLATFORM.get() {
            return Ok(roots.clone());
        }
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            let why = match found.errors.first() {
                Some(error) => error.to_string(),
                None => "no file of them is where it is looked for".to_owned(),
            };
            return Err(TlsSetupError::NoPlatformRoots(why));
        }
        let roots = Roots(Arc::new(store));
        Ok(PLATFORM.get_or_init(|| roots).clone())
    }

    /// What browsers trust (Mozilla's list), as it was when this program was built: for systems that
    /// have no list of their own. It grows old with the program.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::tls::{Roots, TlsConnector};
    ///
    /// let connector = TlsConnector::builder().roots(Roots::bundled()).build()?;
    /// # drop(connector);
    /// assert!(Roots::bundled().len() > 50);
    /// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
    /// ```
    #[cfg(feature = "tls-bundled-roots")]
    pub fn bundled() -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Roots(Arc::new(roots))
    }

    /// Certificates of one's own, in PEM: one or several.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::Pem`], [`TlsSetupError::Missing`], [`TlsSetupError::BadCertificate`].
    pub fn from_pem(text: impl AsRef<[u8]>) -> Result<Self, TlsSetupError> {
        Self::of(pem::certificates(text.as_ref(), None)?)
    }

    /// Certificates of one's own, from a PEM file. Reading does not park.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::File`]; else as for [`from_pem`](Self::from_pem).
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, TlsSetupError> {
        let path = path.as_ref();
        Self::of(pem::certificates(&pem::file(path)?, Some(path))?)
    }

    /// These and those: to trust an authority of one's own beside the system's.
    pub fn and(mut self, others: &Roots) -> Self {
        let store = Arc::make_mut(&mut self.0);
        store.roots.extend(others.0.roots.iter().cloned());
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none; there always are some.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(certificates: Vec<CertificateDer<'static>>) -> Result<Self, TlsSetupError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates {
            let added = store.add(certificate);
            added.map_err(|error| TlsSetupError::BadCertificate(error.to_string()))?;
        }
        Ok(Roots(Arc::new(store)))
    }

    pub(super) fn store(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").field("len", &self.len()).finish()
    }
}
