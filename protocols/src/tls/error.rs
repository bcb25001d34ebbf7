//! What can go wrong: with a connection, [`TlsError`], and while its settings are made,
//! [`TlsSetupError`].

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError};

/// Why a TLS connection could not be made, or did not go on: by whose fault.
///
/// Operations on streams give [`io::Error`]s; [`TlsError::of`] finds what is in them.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::tls::TlsError;
/// use std::io;
///
/// let error = io::Error::from(TlsError::Truncated);
/// assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
/// assert!(matches!(TlsError::of(&error), Some(TlsError::Truncated)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer's certificate is not accepted here: unknown issuer, expired, for another name, …
    Certificate(CertificateError),
    /// The peer has shown no certificate, but has to.
    NoCertificate,
    /// The peer has refused: what it says, which may be much later than what it means (a server of
    /// TLS 1.3 refuses a client's certificate after the client's handshake is done).
    Refused(AlertDescription),
    /// Both sides are right, but have nothing in common: no version, no cipher, no application
    /// protocol.
    Incompatible(String),
    /// The peer does not speak TLS.
    NotTls,
    /// The peer speaks HTTP without TLS.
    PlainHttp,
    /// The peer's bytes have come to an end without a `close_notify`: something may be missing
    /// (RFC 8446 section 6.1).
    Truncated,
    /// The handshake has taken longer than it may.
    HandshakeTimeout(Duration),
    /// The peer has broken the protocol, or somebody between has; what rustls says.
    Protocol(rustls::Error),
}

impl TlsError {
    /// What an operation on a stream has failed of, if it is one of these.
    pub fn of(error: &io::Error) -> Option<&TlsError> {
        error.get_ref()?.downcast_ref()
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            TlsError::Truncated => io::ErrorKind::UnexpectedEof,
            TlsError::HandshakeTimeout(_) => io::ErrorKind::TimedOut,
            TlsError::Refused(_) => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::InvalidData,
        }
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        use rustls::Error;
        match error {
            Error::InvalidCertificate(error) => TlsError::Certificate(error),
            Error::NoCertificatesPresented => TlsError::NoCertificate,
            Error::AlertReceived(alert) => TlsError::Refused(alert),
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => {
                TlsError::Incompatible(error.to_string())
            }
            other => TlsError::Protocol(other),
        }
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        io::Error::new(error.kind(), error)
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Certificate(error) => {
                write!(f, "the peer's certificate is not accepted: {error}")
            }
            TlsError::NoCertificate => f.write_str("the peer has shown no certificate"),
            TlsError::Refused(alert) => {
                write!(f, "the peer has refused the TLS connection: {alert:?}")
            }
            TlsError::Incompatible(what) => write!(f, "nothing in common with the peer: {what}"),
            TlsError::NotTls => f.write_str("the peer does not speak TLS"),
            TlsError::PlainHttp => f.write_str("the peer speaks HTTP without TLS"),
            TlsError::Truncated => f.write_str(
                "the connection ended without a TLS close_notify: something may be missing",
            ),
            TlsError::HandshakeTimeout(limit) => {
                write!(f, "the TLS handshake was not done within {limit:?}")
            }
            TlsError::Protocol(error) => write!(f, "TLS failed: {error}"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TlsError::Protocol(error) => Some(error),
            _ => None,
        }
    }
}

/// Why settings for TLS could not be made of what was given.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsSetupError {
    /// A file could not be read.
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Text that is no PEM, or whose contents are no base64.
    Pem {
        /// What it should have been: "certificates", "a private key".
        what: &'static str,
        /// Where it was, if it was in a file.
        path: Option<PathBuf>,
        /// What is wrong.
        error: String,
    },
    /// Nothing of what was wanted is there: an empty chain, a file without a key, no root.
    Missing {
        /// What it should have been.
        what: &'static str,
        /// Where it was looked for, if that was a file.
        path: Option<PathBuf>,
    },
    /// A certificate that cannot be read as one.
    BadCertificate(String),
    /// A private key of a kind that is not supported, or that is broken. RSA, ECDSA over P-256 and
    /// P-384 and Ed25519 are, in the forms PKCS #8, PKCS #1 and SEC 1.
    BadKey(String),
    /// The private key is not that of the first certificate.
    KeyMismatch,
    /// Text that is no name of a host: `example.org`, `*.example.org`, an address where that may be.
    BadName(String),
    /// The certificate that was given for a name is not valid for that name.
    NotForName(String),
    /// The platform has no roots, or none that can be read.
    NoPlatformRoots(String),
    /// A server without any certificate.
    NoIdentity,
    /// What rustls says of the settings as a whole.
    Settings(String),
}

impl fmt::Display for TlsSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsSetupError::File { path, error } => {
                write!(f, "{} cannot be read: {error}", path.display())
            }
            TlsSetupError::Pem { what, path, error } => {
                write!(f, "{}{what}, in PEM, expected: {error}", place(path))
            }
            TlsSetupError::Missing { what, path } => {
                write!(f, "{}{what} expected, and there is none", place(path))
            }
            TlsSetupError::BadCertificate(error) => {
                write!(f, "a certificate that cannot be read: {error}")
            }
            TlsSetupError::BadKey(error) => {
                write!(f, "a private key that cannot be used: {error}")
            }
            TlsSetupError::KeyMismatch => f.write_str(
                "the private key does not belong to the certificate (the first of the chain)",
            ),
            TlsSetupError::BadName(name) => write!(f, "no name of a host: {name:?}"),
            TlsSetupError::NotForName(name) => {
                write!(f, "the certificate given for {name} is not valid for it")
            }
            TlsSetupError::NoPlatformRoots(error) => {
                write!(f, "no trusted certificates found on this system: {error}")
            }
            TlsSetupError::NoIdentity => f.write_str("a TLS server needs a certificate"),
            TlsSetupError::Settings(error) => write!(f, "settings for TLS: {error}"),
        }
    }
}

fn place(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map(|path| format!("{}: ", path.display()))
        .unwrap_or_default()
}

impl std::error::Error for TlsSetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TlsSetupError::File { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<TlsSetupError> for io::Error {
    fn from(error: TlsSetupError) -> Self {
        let kind = match &error {
            TlsSetupError::File { error, .. } => error.kind(),
            _ => io::ErrorKind::InvalidInput,
        };
        io::Error::new(kind, error)
    }
}
