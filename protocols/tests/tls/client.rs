//! The HTTP client with `https` URLs: to our server, through proxies, and to servers that do wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::TcpListener;
use eventlet_green::net::TcpStream;
use eventlet_green::{JoinHandle, spawn};
use eventlet_protocols::client::{Agent, Config, Error, Phase, Proxies};
use eventlet_protocols::tls::{ClientAuth, TlsAcceptor, TlsConnector, TlsError, TlsStream};

use crate::support::site::{Site, path_and_body};
use crate::support::{Authority, HOST, Pair, on_each_hub, on_each_hub_jumping};

const SECOND: Duration = Duration::from_secs(1);

fn config(connector: &TlsConnector) -> Config {
    let mut config = Config::new();
    config.tls_connector = Some(connector.clone());
    config
}

/// By an address, for which the certificate of a site is good as well.
fn url(address: SocketAddr, path: &str) -> String {
    format!("https://{address}{path}")
}

#[track_caller]
fn reason(error: &Error) -> &TlsError {
    match error {
        Error::Tls(error) => TlsError::of(error).expect("one of TLS's reasons"),
        other => panic!("not TLS: {other:?}"),
    }
}

/// The seed's bug, by way of HTTP: our client to our server.
#[test]
fn our_client_to_our_server() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let agent = Agent::with_config(config(&site.connector));
        for path in ["/one", "/two"] {
            assert_eq!(agent.get(&url(site.address, path)).unwrap(), path);
        }
        let much = vec![b'm'; 500_000];
        let back = agent.post(&url(site.address, "/"), much.clone()).unwrap();
        assert!(back[1..] == much);
        // On one connection, which is kept.
        let status = site.handle.status();
        assert_eq!((status.open, status.accepted), (1, 1));
        assert_eq!(agent.status().idle, 1);
        agent.close_idle();
        site.end();
    });
}

/// What the server ends is noticed before the connection is used again.
#[test]
fn a_kept_connection_that_was_ended() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let agent = Agent::with_config(config(&site.connector));
        let url = url(site.address, "/x");
        assert_eq!(agent.get(&url).unwrap(), "/x");
        let mut counted = 1;
        for _ in 0..3 {
            // The server ends it for its own reasons: here, what the client asks.
            let call = agent.call(http::Method::GET, &url);
            assert_eq!(
                call.header("connection", "close").fetch().unwrap().body(),
                "/x"
            );
            assert_eq!(agent.get(&url).unwrap(), "/x");
            counted += 1;
        }
        assert_eq!(site.handle.status().accepted, counted);
        drop(agent);
        site.end();
    });
}

#[test]
fn servers_that_are_not_trusted() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let stranger = Agent::with_config(config(&Authority::new().connector()));
        let error = stranger.get(&url(site.address, "/")).unwrap_err();
        assert!(
            matches!(reason(&error), TlsError::Certificate(_)),
            "{error}"
        );
        assert!(
            error.to_string().starts_with("the TLS handshake failed"),
            "{error}"
        );

        // The name of the URL is what counts: the certificate is for others.
        let authority = Authority::new();
        let acceptor = TlsAcceptor::new(authority.identity("other.test")).unwrap();
        let connector = authority.connector();
        let other = Site::with(
            authority,
            acceptor,
            eventlet_protocols::server::Config::new(),
            path_and_body,
        );
        let agent = Agent::with_config(config(&connector));
        let error = agent.get(&url(other.address, "/")).unwrap_err();
        assert!(
            matches!(reason(&error), TlsError::Certificate(_)),
            "{error}"
        );
        site.end();
        other.end();
    });
}

#[test]
fn who_the_client_is() {
    on_each_hub(|| {
        let authority = Authority::new();
        let identities = authority.identities(&[HOST, "127.0.0.1"]);
        let acceptor = TlsAcceptor::builder(identities)
            .client_auth(ClientAuth::Required(authority.roots()))
            .build()
            .unwrap();
        let identity = authority.client().identity();
        let known = authority.connector_with(|it| it.identity(identity));
        let unknown = authority.connector();
        let server = eventlet_protocols::server::Config::new();
        let site = Site::with(authority, acceptor, server, path_and_body);
        let agent = Agent::with_config(config(&known));
        assert_eq!(agent.get(&url(site.address, "/me")).unwrap(), "/me");
        drop(agent);
        // With TLS 1.3 it is told while it waits for the response.
        let agent = Agent::with_config(config(&unknown));
        let error = agent.get(&url(site.address, "/me")).unwrap_err();
        let (Error::Receive(inner) | Error::Send(inner)) = &error else {
            panic!("{error:?}");
        };
        assert!(
            TlsError::of(inner).is_none_or(|it| matches!(it, TlsError::Refused(_))),
            "{inner:?}"
        );
        site.end();
    });
}

/// A server of raw bytes over TLS, for one connection after another: reads a head, answers, and
/// leaves as it is told to.
fn raw(
    pair: &Pair,
    answer: &'static str,
    leave: fn(&TlsStream<TcpStream>),
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = pair.acceptor.clone();
    let serving = spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = acceptor.accept(stream).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        leave(&stream);
    });
    (address, serving)
}

fn local_pair() -> Pair {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::new(authority.identities(&["127.0.0.1"])).unwrap();
    let connector = authority.connector();
    Pair {
        authority,
        acceptor,
        connector,
    }
}

/// A body that ends with the connection is whole only if TLS says so.
#[test]
fn a_body_until_the_close() {
    const UNTIL_CLOSE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it";
    on_each_hub(|| {
        let pair = local_pair();
        let agent = Agent::with_config(config(&pair.connector));
        let (address, serving) = raw(&pair, UNTIL_CLOSE, |stream| {
            stream.shutdown(Shutdown::Write).unwrap();
        });
        assert_eq!(agent.get(&url(address, "/")).unwrap(), "all of it");
        serving.join().unwrap();

        let (address, serving) = raw(&pair, UNTIL_CLOSE, |stream| {
            stream.socket().shutdown(Shutdown::Write).unwrap();
        });
        let error = agent.get(&url(address, "/")).unwrap_err();
        let error = std::io::Error::from(error);
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{error}");
        serving.join().unwrap();

        // With a length, it is whole whatever TLS says.
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfour";
        let (address, serving) = raw(&pair, sized, |stream| {
            stream.socket().shutdown(Shutdown::Write).unwrap();
        });
        assert_eq!(agent.get(&url(address, "/")).unwrap(), "four");
        serving.join().unwrap();
    });
}

/// A server that accepts and says nothing: the time of TLS is over, and it is said to be that.
#[test]
fn a_server_that_says_nothing() {
    on_each_hub_jumping(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = config(&Authority::new().connector());
        config.tls = Some(3 * SECOND);
        let agent = Agent::with_config(config);
        let begun = eventlet_green::now();
        let error = agent.get(&url(address, "/")).unwrap_err();
        assert!(matches!(error, Error::Timeout(Phase::Tls)), "{error}");
        assert_eq!(eventlet_green::now() - begun, 3 * SECOND);

        let connecting = spawn(move || agent.get(&url(address, "/")));
        crate::support::until_parked(&connecting);
        connecting.kill().unwrap();
        connecting.join().unwrap_err();
    });
}

#[test]
fn a_server_without_tls() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .unwrap();
        });
        let agent = Agent::with_config(config(&Authority::new().connector()));
        let error = agent.get(&url(address, "/")).unwrap_err();
        assert_eq!(*reason(&error), TlsError::NotTls);
        serving.join().unwrap();
    });
}

/// A proxy that opens tunnels to anywhere, for one connection; says what it was asked.
fn proxy() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.split(' ').nth(1).unwrap();
        let server = Rc::new(TcpStream::connect(target).unwrap());
        client
            .write_all(b"HTTP/1.1 200 Here you are\r\n\r\n")
            .unwrap();
        let client = Rc::new(client);
        let (from, to) = (Rc::clone(&client), Rc::clone(&server));
        let there = spawn(move || {
            let _ = std::io::copy(&mut &*from, &mut &*to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let _ = std::io::copy(&mut &*server, &mut &*client);
        let _ = client.shutdown(Shutdown::Write);
        there.join().unwrap();
        head
    });
    (address, serving)
}

#[test]
fn through_a_tunnel() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let (address, proxying) = proxy();
        let mut config = config(&site.connector);
        config.proxies = Proxies::all(format!("http://{address}").parse().unwrap());
        let agent = Agent::with_config(config);
        for path in ["/one", "/two"] {
            assert_eq!(agent.get(&url(site.address, path)).unwrap(), path);
        }
        drop(agent);
        let asked = proxying.join().unwrap();
        let expected = format!("CONNECT {} HTTP/1.1\r\n", site.address);
        assert!(asked.starts_with(&expected), "{asked}");
        assert_eq!(site.handle.status().accepted, 1);
        site.end();
    });
}

/// Without settings, whom the platform trusts counts: nobody that a test has made.
#[test]
fn the_platforms_roots_are_the_default() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let error = Agent::new().get(&url(site.address, "/")).unwrap_err();
        assert!(matches!(error, Error::Tls(_)), "{error:?}");
        site.end();
    });
}
