//! The second connection of a client takes up the first.

use std::io::{Read, Write};

use eventlet_green::testing::{Duplex, duplex};
use eventlet_protocols::tls::{Resuming, TlsConnector, TlsStream, TlsVersion};

use crate::support::{HOST, Pair, on_each_hub, shake_hands};

/// A connection that has been used in both directions, so that the tickets have come.
fn used(pair: &Pair, connector: &TlsConnector) -> TlsStream<Duplex> {
    let (near, far) = duplex(1 << 16);
    let (client, server) = shake_hands(connector, near, &pair.acceptor, far);
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    assert_eq!(client.is_resumed(), server.is_resumed());
    client.write_all(b"?").unwrap();
    server.read_exact(&mut [0]).unwrap();
    server.write_all(b"!").unwrap();
    client.read_exact(&mut [0]).unwrap();
    client
}

#[test]
fn the_second_handshake_is_a_short_one() {
    on_each_hub(|| {
        let pair = Pair::new();
        let first = used(&pair, &pair.connector);
        assert!(!first.is_resumed());
        for _ in 0..3 {
            let next = used(&pair, &pair.connector);
            assert!(next.is_resumed());
            assert_eq!(next.version(), Some(TlsVersion::Tls13));
            // It knows whom it speaks to all the same.
            assert_eq!(next.peer_certificates(), first.peer_certificates());
        }
    });
}

#[test]
fn another_clients_is_a_whole_one() {
    on_each_hub(|| {
        let pair = Pair::new();
        assert!(!used(&pair, &pair.connector).is_resumed());
        assert!(!used(&pair, &pair.authority.connector()).is_resumed());
    });
}

#[test]
fn it_can_be_turned_off() {
    on_each_hub(|| {
        let pair = Pair::new();
        let forgetful = pair
            .authority
            .connector_with(|it| it.resuming(Resuming::Off));
        assert!(!used(&pair, &forgetful).is_resumed());
        assert!(!used(&pair, &forgetful).is_resumed());
    });
}

/// The ticket is for the name, not for the certificate.
#[test]
fn after_a_new_certificate() {
    on_each_hub(|| {
        let pair = Pair::new();
        assert!(!used(&pair, &pair.connector).is_resumed());
        let new = pair.authority.identity(HOST);
        pair.acceptor.replace_identities(new).unwrap();
        assert!(used(&pair, &pair.connector).is_resumed());
    });
}
