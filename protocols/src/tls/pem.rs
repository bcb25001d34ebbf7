//! Certificates and keys out of PEM (RFC 7468): what is there, and what to say if it is not.

use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::TlsSetupError;

const CERTIFICATES: &str = "certificates";
const KEY: &str = "a private key";

/// The contents of a file.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, TlsSetupError> {
    std::fs::read(path).map_err(|error| TlsSetupError::File {
        path: path.to_owned(),
        error,
    })
}

/// All certificates of a text, at least one.
pub(super) fn certificates(
    text: &[u8],
    path: Option<&Path>,
) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let all = all.map_err(|error| fault(CERTIFICATES, path, &error))?;
    if all.is_empty() {
        return Err(fault(CERTIFICATES, path, &pem::Error::NoItemsFound));
    }
    Ok(all)
}

/// The first private key of a text.
pub(super) fn key(
    text: &[u8],
    path: Option<&Path>,
) -> Result<PrivateKeyDer<'static>, TlsSetupError> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| fault(KEY, path, &error))
}

fn fault(what: &'static str, path: Option<&Path>, error: &pem::Error) -> TlsSetupError {
    let path = path.map(Path::to_owned);
    match error {
        pem::Error::NoItemsFound => TlsSetupError::Missing { what, path },
        other => TlsSetupError::Pem {
            what,
            path,
            error: other.to_string(),
        },
    }
}
