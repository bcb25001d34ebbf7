//! What a handshake has come to, to be kept.

use rustls::pki_types::CertificateDer;

use super::settings::TlsVersion;

/// What was agreed on in a handshake, and with whom.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::RequestBody;
/// use eventlet_protocols::tls::TlsInfo;
/// use http::Request;
///
/// /// For a handler: by the certificate that the client has shown.
/// fn is_known(request: &Request<RequestBody>) -> bool {
///     let info: Option<TlsInfo> = request.body().tls();
///     info.is_some_and(|info| !info.peer_certificates.is_empty())
/// }
/// # let _ = is_known;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version; `None` before the handshake is done.
    pub version: Option<TlsVersion>,
    /// The cipher suite.
    pub cipher_suite: Option<rustls::CipherSuite>,
    /// The application protocol (ALPN).
    pub alpn: Option<Vec<u8>>,
    /// The name of the server that a client has asked for (SNI), in lower case; only at the server's
    /// side.
    pub server_name: Option<String>,
    /// The certificates that the peer has shown and that were accepted, its own first.
    pub peer_certificates: Vec<CertificateDer<'static>>,
    /// Whether an earlier connection was taken up.
    pub is_resumed: bool,
}
