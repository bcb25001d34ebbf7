//! Handshakes: names, application protocols, versions, who has to say who they are.

use eventlet_protocols::tls::{
    ClientAuth, Identities, TlsAcceptor, TlsConnector, TlsError, TlsVersion,
};
use std::io::Read;

use crate::support::pki::Valid;
use crate::support::{Authority, HOST, Pair, fail_to, on_each_hub, shake_hands, tls_error};
use eventlet_green::testing::duplex;
use eventlet_protocols::tls::rustls::{AlertDescription, CertificateError};

fn refused(error: &TlsError, alert: AlertDescription) {
    assert_eq!(*error, TlsError::Refused(alert));
}

#[test]
fn a_certificate_for_another_name() {
    on_each_hub(|| {
        let authority = Authority::new();
        let acceptor = TlsAcceptor::new(authority.identity("other.test")).unwrap();
        let (client, server) = fail_to(&authority.connector(), &acceptor);
        assert!(
            matches!(
                client,
                TlsError::Certificate(CertificateError::NotValidForNameContext { .. })
            ),
            "{client:?}"
        );
        assert!(client.to_string().contains(HOST), "{client}");
        refused(&server, AlertDescription::BadCertificate);
    });
}

#[test]
fn a_certificate_out_of_its_time() {
    on_each_hub(|| {
        let authority = Authority::new();
        for (valid, said) in [
            (Valid::NoLonger, "expired"),
            (Valid::NotYet, "not valid yet"),
        ] {
            let issued = authority.server(&[HOST], valid);
            let acceptor = TlsAcceptor::new(issued.identity()).unwrap();
            let (client, server) = fail_to(&authority.connector(), &acceptor);
            assert!(matches!(client, TlsError::Certificate(_)), "{client:?}");
            assert!(client.to_string().contains(said), "{client}");
            refused(&server, AlertDescription::CertificateExpired);
        }
    });
}

#[test]
fn an_authority_that_nobody_knows() {
    on_each_hub(|| {
        let acceptor = TlsAcceptor::new(Authority::new().identity(HOST)).unwrap();
        let (client, server) = fail_to(&Authority::new().connector(), &acceptor);
        assert!(matches!(
            client,
            TlsError::Certificate(CertificateError::UnknownIssuer)
        ));
        refused(&server, AlertDescription::UnknownCA);
    });
}

#[test]
fn a_certificate_of_a_client_for_a_server() {
    on_each_hub(|| {
        let authority = Authority::new();
        let acceptor = TlsAcceptor::new(authority.client().identity()).unwrap();
        let (client, _) = fail_to(&authority.connector(), &acceptor);
        assert!(matches!(client, TlsError::Certificate(_)), "{client:?}");
    });
}

/// An address, and names as they are written in URLs.
#[test]
fn names_of_servers() {
    on_each_hub(|| {
        let authority = Authority::new();
        let identities = authority.identities(&[HOST, "127.0.0.1", "::1"]);
        let acceptor = TlsAcceptor::new(identities).unwrap();
        let connector = authority.connector();
        let by = |name: &str| {
            let (near, far) = duplex(1 << 16);
            let acceptor = acceptor.clone();
            let accepting = eventlet_green::spawn(move || acceptor.accept(far));
            let client = connector.connect(name, near);
            let server = accepting.join().unwrap();
            client?;
            Ok::<_, std::io::Error>(server?.server_name().map(str::to_owned))
        };
        assert_eq!(by("server.test").unwrap().as_deref(), Some(HOST));
        assert_eq!(by("SERVER.test.").unwrap().as_deref(), Some(HOST));
        assert_eq!(by("127.0.0.1").unwrap(), None);
        assert_eq!(by("[::1]").unwrap(), None);
        for bad in ["", "a b", "-", "x..y"] {
            let error = by(bad).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{bad:?}");
            assert!(error.to_string().contains("no name of a host"), "{error}");
        }
    });
}

/// Each name its certificate; the whole name before the wildcard; the fallback for the others.
#[test]
fn certificates_by_name() {
    on_each_hub(|| {
        let authority = Authority::new();
        let [main, shop, guests, special] =
            ["main.test", "shop.test", "*.guests.test", "a.guests.test"]
                .map(|name| authority.identity(name));
        let identities = Identities::new(main.clone())
            .with("shop.test", shop.clone())
            .unwrap()
            .with("*.guests.test", guests.clone())
            .unwrap()
            .with("A.Guests.test", special.clone())
            .unwrap();
        let acceptor = TlsAcceptor::new(identities.clone()).unwrap();
        let connector = authority.connector();
        let shown = |acceptor: &TlsAcceptor, name: &str| {
            let (near, far) = duplex(1 << 16);
            let acceptor = acceptor.clone();
            let accepting = eventlet_green::spawn(move || acceptor.accept(far));
            let client = connector.connect(name, near);
            let server = accepting.join().unwrap();
            client.map_err(|error| (error, tls_error(server)))
        };
        for (name, identity) in [
            ("shop.test", &shop),
            ("b.guests.test", &guests),
            ("a.guests.test", &special),
            ("main.test", &main),
        ] {
            let stream = shown(&acceptor, name).unwrap();
            assert_eq!(
                stream.peer_certificates().unwrap(),
                identity.chain(),
                "{name}"
            );
        }
        // The fallback is not theirs, and they see that.
        for name in ["x.test", "guests.test", "b.a.guests.test"] {
            let (client, _) = shown(&acceptor, name).unwrap_err();
            assert!(client.to_string().contains("main.test"), "{name}: {client}");
        }

        let strict = Identities::only_by_name().with("shop.test", shop).unwrap();
        let strict = TlsAcceptor::new(strict).unwrap();
        assert!(shown(&strict, "shop.test").is_ok());
        let (client, server) = shown(&strict, "x.test").unwrap_err();
        assert_eq!(
            TlsError::of(&client),
            Some(&TlsError::Refused(AlertDescription::AccessDenied))
        );
        assert!(matches!(server, TlsError::Protocol(_)), "{server:?}");
    });
}

#[test]
fn application_protocols() {
    on_each_hub(|| {
        let authority = Authority::new();
        let acceptor = |protocols: &[&str]| {
            TlsAcceptor::builder(authority.identity(HOST))
                .alpn(protocols)
                .build()
                .unwrap()
        };
        let connector = |protocols: &[&str]| authority.connector_with(|it| it.alpn(protocols));
        let agreed = |connector, acceptor| {
            let (near, far) = duplex(1 << 16);
            let (client, server) = shake_hands(&connector, near, &acceptor, far);
            let (client, server) = (client.unwrap().alpn(), server.unwrap().alpn());
            assert_eq!(client, server);
            client.map(|name| String::from_utf8(name).unwrap())
        };
        // The server chooses.
        let both = agreed(connector(&["b", "a"]), acceptor(&["a", "b"]));
        assert_eq!(both.as_deref(), Some("a"));
        assert_eq!(agreed(connector(&[]), acceptor(&["a"])), None);
        assert_eq!(agreed(connector(&["a"]), acceptor(&[])), None);

        let (client, server) = fail_to(&connector(&["x"]), &acceptor(&["a", "b"]));
        refused(&client, AlertDescription::NoApplicationProtocol);
        assert!(matches!(server, TlsError::Incompatible(_)), "{server:?}");
    });
}

#[test]
fn versions() {
    on_each_hub(|| {
        let authority = Authority::new();
        let old = old_connector(&authority);
        let acceptor = TlsAcceptor::new(authority.identity(HOST)).unwrap();
        let (near, far) = duplex(1 << 16);
        let (client, server) = shake_hands(&old, near, &acceptor, far);
        assert_eq!(client.unwrap().version(), Some(TlsVersion::Tls12));
        assert_eq!(server.unwrap().version(), Some(TlsVersion::Tls12));

        let strict = TlsAcceptor::builder(authority.identity(HOST))
            .oldest(TlsVersion::Tls13)
            .build()
            .unwrap();
        let (client, server) = fail_to(&old, &strict);
        refused(&client, AlertDescription::ProtocolVersion);
        assert!(matches!(server, TlsError::Incompatible(_)), "{server:?}");
        assert!(server.to_string().contains("nothing in common"));
    });
}

/// A client of TLS 1.2 alone.
fn old_connector(authority: &Authority) -> TlsConnector {
    use eventlet_protocols::tls::rustls::{
        ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer,
        pki_types::pem::PemObject, version::TLS12,
    };
    let mut roots = RootCertStore::empty();
    let pem = authority.pem();
    let root = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from_rustls(config)
}

fn asking(authority: &Authority, client_auth: ClientAuth) -> TlsAcceptor {
    TlsAcceptor::builder(authority.identity(HOST))
        .client_auth(client_auth)
        .build()
        .unwrap()
}

#[test]
fn clients_that_say_who_they_are() {
    on_each_hub(|| {
        let authority = Authority::new();
        let client = authority.client().identity();
        let known = authority.connector_with(|it| it.identity(client.clone()));
        let unknown = authority.connector();
        let roots = authority.roots();
        for (auth, connector, shown) in [
            (ClientAuth::Off, &known, None),
            (ClientAuth::Optional(roots.clone()), &unknown, None),
            (
                ClientAuth::Optional(roots.clone()),
                &known,
                Some(client.chain()),
            ),
            (ClientAuth::Required(roots), &known, Some(client.chain())),
        ] {
            let acceptor = asking(&authority, auth);
            let (near, far) = duplex(1 << 16);
            let (client, server) = shake_hands(connector, near, &acceptor, far);
            client.unwrap();
            assert_eq!(server.unwrap().peer_certificates().as_deref(), shown);
        }
    });
}

/// With TLS 1.3 the client learns it with its first read.
#[test]
fn clients_that_are_refused() {
    on_each_hub(|| {
        let authority = Authority::new();
        let stranger = Authority::new().client().identity();
        let stranger = authority.connector_with(|it| it.identity(stranger));
        let roots = authority.roots();
        for (auth, connector, why, alert) in [
            (
                ClientAuth::Required(roots.clone()),
                authority.connector(),
                TlsError::NoCertificate,
                AlertDescription::CertificateRequired,
            ),
            (
                ClientAuth::Optional(roots),
                stranger,
                TlsError::Certificate(CertificateError::UnknownIssuer),
                AlertDescription::UnknownCA,
            ),
        ] {
            let acceptor = asking(&authority, auth);
            let (near, far) = duplex(1 << 16);
            let (client, server) = shake_hands(&connector, near, &acceptor, far);
            assert_eq!(tls_error(server), why);
            refused(&tls_error(client.unwrap().read(&mut [0])), alert);
        }
    });
}

/// A connection goes on as it is while the certificate is replaced; later ones get the new one.
#[test]
fn certificates_are_replaced_under_way() {
    on_each_hub(|| {
        let pair = Pair::new();
        let (client, server) = pair.in_memory();
        let old = client.peer_certificates();
        let new = pair.authority.identity(HOST);
        pair.acceptor
            .clone()
            .replace_identities(new.clone())
            .unwrap();

        let echoing = crate::support::echo(server);
        std::io::Write::write_all(&mut &client, b"still here").unwrap();
        let mut back = [0; 10];
        (&client).read_exact(&mut back).unwrap();
        assert_eq!(&back, b"still here");
        assert_eq!(client.peer_certificates(), old);
        client.shutdown(std::net::Shutdown::Write).unwrap();
        echoing.join().unwrap().unwrap();

        let connector = pair.authority.connector();
        let (near, far) = duplex(1 << 16);
        let (client, _) = shake_hands(&connector, near, &pair.acceptor, far);
        assert_eq!(client.unwrap().peer_certificates().unwrap(), new.chain());

        // What cannot be used changes nothing.
        let nothing = pair.acceptor.replace_identities(Identities::only_by_name());
        assert!(
            nothing
                .unwrap_err()
                .to_string()
                .contains("needs a certificate")
        );
        let (near, far) = duplex(1 << 16);
        let (client, _) = shake_hands(&connector, near, &pair.acceptor, far);
        client.unwrap();
    });
}
