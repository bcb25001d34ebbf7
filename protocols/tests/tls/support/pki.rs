//! An authority for tests, and what it certifies.

use std::sync::atomic::{AtomicU32, Ordering};

use eventlet_protocols::tls::{Identities, Identity, Roots, TlsConnector, TlsConnectorBuilder};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// The name of the server, if the test is not about names.
pub const HOST: &str = "server.test";

/// Signs what it is asked to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A chain and its key, in PEM.
#[derive(Clone)]
pub struct Issued {
    pub chain: String,
    pub key: String,
}

impl Issued {
    pub fn identity(&self) -> Identity {
        Identity::from_pem(&self.chain, &self.key).unwrap()
    }
}

/// When something is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid {
    Now,
    NoLonger,
    NotYet,
}

impl Authority {
    pub fn new() -> Self {
        // Two of one name would be taken for one.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(
            DnType::CommonName,
            format!("authority {number} of the tests"),
        );
        let key = KeyPair::generate().unwrap();
        Authority {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn roots(&self) -> Roots {
        Roots::from_pem(self.pem()).unwrap()
    }

    /// For servers of these names.
    pub fn server(&self, names: &[&str], valid: Valid) -> Issued {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let (from, to) = match valid {
            Valid::Now => (2000, 4000),
            Valid::NoLonger => (2000, 2001),
            Valid::NotYet => (3999, 4000),
        };
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// For a client.
    pub fn client(&self) -> Issued {
        let mut params = CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued {
            chain: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    pub fn identity(&self, name: &str) -> Identity {
        self.server(&[name], Valid::Now).identity()
    }

    /// One identity for these names.
    pub fn identities(&self, names: &[&str]) -> Identities {
        self.server(names, Valid::Now).identity().into()
    }

    /// A client that trusts it.
    pub fn connector(&self) -> TlsConnector {
        self.connector_with(|builder| builder)
    }

    pub fn connector_with(
        &self,
        set: impl FnOnce(TlsConnectorBuilder) -> TlsConnectorBuilder,
    ) -> TlsConnector {
        let builder = TlsConnector::builder().roots(self.roots());
        set(builder).build().unwrap()
    }
}
