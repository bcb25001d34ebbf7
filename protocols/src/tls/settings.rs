//! What the settings of both sides have in common.

use std::sync::Arc;
use std::time::Duration;

use rustls::SupportedProtocolVersion;
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};

/// The application protocols of an HTTP server that speaks the versions 1.1 and 1.0, as this crate's
/// does (RFC 7301 section 6), for [`TlsAcceptorBuilder::alpn`](super::TlsAcceptorBuilder::alpn).
pub const HTTP_PROTOCOLS: [&str; 2] = ["http/1.1", "http/1.0"];

/// How long a handshake may take if nothing else is said: two round trips and a signature, over a
/// bad line; a longer one holds a connection on purpose.
pub(super) const DEFAULT_HANDSHAKE: Duration = Duration::from_secs(10);

/// A version of TLS. Older ones are broken, and not supported (RFC 8996).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::{Roots, TlsConnector, TlsVersion};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
/// # let roots = Roots::from_pem(made.cert.pem())?;
/// let connector = TlsConnector::builder().roots(roots).oldest(TlsVersion::Tls13).build()?;
/// # drop(connector);
/// # Ok::<(), eventlet_protocols::tls::TlsSetupError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, RFC 5246.
    Tls12,
    /// TLS 1.3, RFC 8446.
    Tls13,
}

impl TlsVersion {
    /// As rustls has it, if it is one of these.
    pub(super) fn of(version: rustls::ProtocolVersion) -> Option<Self> {
        match version {
            rustls::ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
            rustls::ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
            _ => None,
        }
    }

    /// This one and those after it.
    pub(super) fn and_later(self) -> &'static [&'static SupportedProtocolVersion] {
        static ALL: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            TlsVersion::Tls12 => &ALL,
            TlsVersion::Tls13 => &ALL[..1],
        }
    }
}

/// The cryptography: ring's, which is built by nothing but the C compiler that Rust links with. (That
/// of aws-lc-rs has post-quantum key exchange as well; it takes several times as long to build.)
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Names of application protocols, for rustls.
pub(super) fn alpn<P: AsRef<[u8]>>(protocols: impl IntoIterator<Item = P>) -> Vec<Vec<u8>> {
    let owned = protocols.into_iter().map(|name| name.as_ref().to_vec());
    owned.collect()
}
