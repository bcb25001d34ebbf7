//! Certificates and keys that cannot be used: what is said of them, and where from.

use std::fs;
use std::path::PathBuf;

use eventlet_protocols::tls::{Identities, Identity, Roots, TlsAcceptor, TlsSetupError};

use crate::support::pki::{Issued, Valid};
use crate::support::{Authority, HOST};

/// A folder of files, removed at the end.
pub struct Files(PathBuf);

impl Files {
    pub fn new(test: &str) -> Self {
        let name = format!("eventlet-tls-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Files(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn put(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn issued() -> Issued {
    Authority::new().server(&[HOST], Valid::Now)
}

#[test]
fn from_files() {
    let Issued { chain, key } = issued();
    let files = Files::new("files");
    let (chain_path, key_path) = (files.put("chain.pem", &chain), files.put("key.pem", &key));
    let identity = Identity::from_pem_files(&chain_path, &key_path).unwrap();
    assert_eq!(identity.chain().len(), 1);
    // Both in one file, with talk around them.
    let both = files.put("both.pem", &format!("About this:\n{key}\n{chain}{chain}"));
    let identity = Identity::from_pem_files(&both, &both).unwrap();
    assert_eq!(identity.chain().len(), 2);
    assert_eq!(Roots::from_pem_file(&chain_path).unwrap().len(), 1);
    assert!(!format!("{identity:?}").contains("key"));

    let missing = files.0.join("missing.pem");
    let empty = files.put("empty.pem", "");
    let broken = files.put("broken.pem", "-----BEGIN CERTIFICATE-----\n%%%\n");
    for (chain, key, said) in [
        (&missing, &key_path, "missing.pem cannot be read"),
        (&chain_path, &missing, "missing.pem cannot be read"),
        (
            &empty,
            &key_path,
            "empty.pem: certificates expected, and there is none",
        ),
        (
            &chain_path,
            &empty,
            "empty.pem: a private key expected, and there is none",
        ),
        (
            &chain_path,
            &chain_path,
            "chain.pem: a private key expected",
        ),
        (&key_path, &key_path, "key.pem: certificates expected"),
        (
            &broken,
            &key_path,
            "broken.pem: certificates, in PEM, expected",
        ),
    ] {
        let error = Identity::from_pem_files(chain, key)
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }
    let error = Roots::from_pem_file(&missing).unwrap_err();
    assert!(matches!(error, TlsSetupError::File { .. }));
    let error = std::io::Error::from(error);
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_key_that_does_not_fit() {
    let (one, other) = (issued(), issued());
    let error = Identity::from_pem(&one.chain, &other.key).unwrap_err();
    assert!(matches!(error, TlsSetupError::KeyMismatch));
}

#[test]
fn what_is_in_the_pem_makes_no_sense() {
    let Issued { chain, key } = issued();
    let nonsense = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
    let error = Identity::from_pem(nonsense("CERTIFICATE"), &key).unwrap_err();
    assert!(matches!(error, TlsSetupError::BadCertificate(_)), "{error}");
    let error = Identity::from_pem(&chain, nonsense("PRIVATE KEY")).unwrap_err();
    assert!(matches!(error, TlsSetupError::BadKey(_)), "{error}");
    let error = Roots::from_pem(nonsense("CERTIFICATE")).unwrap_err();
    assert!(matches!(error, TlsSetupError::BadCertificate(_)), "{error}");
    let bytes: Vec<u8> = (0..=255).collect();
    let error = Identity::from_pem(&bytes, &bytes).unwrap_err();
    assert!(matches!(error, TlsSetupError::Missing { .. }), "{error}");
    let error = Identity::from_der(Vec::new(), rustls_key(&key)).unwrap_err();
    assert!(matches!(error, TlsSetupError::Missing { .. }), "{error}");
}

fn rustls_key(pem: &str) -> eventlet_protocols::tls::rustls::pki_types::PrivateKeyDer<'static> {
    use eventlet_protocols::tls::rustls::pki_types::{PrivateKeyDer, pem::PemObject};
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn names_that_do_not_fit() {
    let identity = issued().identity();
    let with = |name| Identities::only_by_name().with(name, identity.clone());
    with(HOST).unwrap();
    for bad in ["", "*", "*.", "a b", "127.0.0.1", "::1", "*.*.test"] {
        let error = with(bad).unwrap_err();
        assert!(
            matches!(error, TlsSetupError::BadName(_)),
            "{bad:?}: {error}"
        );
    }
    for other in ["other.test", "*.test", "a.server.test"] {
        let error = with(other).unwrap_err();
        assert!(
            matches!(error, TlsSetupError::NotForName(_)),
            "{other:?}: {error}"
        );
    }
}

#[test]
fn a_server_needs_a_certificate() {
    let error = TlsAcceptor::new(Identities::only_by_name()).unwrap_err();
    assert!(matches!(error, TlsSetupError::NoIdentity));
}

#[test]
fn roots_are_added_up() {
    let (one, other) = (Authority::new().roots(), Authority::new().roots());
    let both = one.clone().and(&other);
    assert_eq!((one.len(), both.len()), (1, 2));
    assert!(!both.is_empty());
}

/// In a process of its own: the variables that name the files are the process's.
#[test]
fn the_platforms_roots() {
    use eventlet_green::testing::{child_command, is_child};
    if is_child() {
        match Roots::platform() {
            Ok(roots) => println!("found {}", roots.len()),
            Err(error) => println!("none: {error}"),
        }
        return;
    }
    let files = Files::new("platform");
    let one = files.put("one.pem", &Authority::new().pem());
    let empty = files.put("empty.pem", "");
    let run = |file: &PathBuf| {
        let output = child_command("certificates::the_platforms_roots")
            .unwrap()
            .env("SSL_CERT_FILE", file)
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&one).contains("found 1"), "{}", run(&one));
    let none = run(&empty);
    assert!(
        none.contains("none: no trusted certificates found"),
        "{none}"
    );
}

#[cfg(feature = "tls-bundled-roots")]
#[test]
fn the_bundled_roots() {
    assert!(Roots::bundled().len() > 50);
}
