//! The HTTP server over TLS: what a handshake costs others, how connections end, much at once.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use eventlet_green::net::{Stream, TcpStream};
use eventlet_green::testing::duplex;
use eventlet_green::{now, sleep, spawn, stats};
use eventlet_protocols::server::{Body, BodySink, Config, Peer, RequestBody, Server};
use eventlet_protocols::tls::{ClientAuth, TlsAcceptor, TlsError, TlsInfo};
use http::{Request, Response};

use crate::support::site::{Site, ask, get, leave, path_and_body, response};
use crate::support::{Authority, HOST, Pair, on_each_hub, on_each_hub_jumping, tls_error, until};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn requests_on_a_connection() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let client = site.connect();
        assert_eq!(client.alpn().as_deref(), Some(&b"http/1.1"[..]));
        for path in ["/one", "/two", "/three"] {
            assert_eq!(ask(&client, get(path)), path);
        }
        // Idle, it holds no coroutine: ours is the root's, and there is that which accepts.
        until(|| stats().coroutines == 1);
        leave(&client);
        assert_eq!(site.handle.status().requests, 3);
        site.end();
    });
}

/// Several requests in one record, and one request in many.
#[test]
fn records_are_not_requests() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let client = site.connect();
        let mut bytes = &client;
        bytes
            .write_all([get("/a"), get("/b"), get("/c")].concat().as_bytes())
            .unwrap();
        for path in ["/a", "/b", "/c"] {
            assert_eq!(response(&client).1, path.as_bytes());
        }
        for byte in get("/bytes").into_bytes() {
            bytes.write_all(&[byte]).unwrap();
        }
        assert_eq!(response(&client).1, b"/bytes");
        leave(&client);
        site.end();
    });
}

/// The end of the connection is the end of the body, and is said to be.
#[test]
fn a_body_until_the_close() {
    on_each_hub(|| {
        let site = Site::new(|_: Request<RequestBody>| {
            Response::new(Body::stream(|sink: &mut BodySink<'_>| {
                sink.write_all(&[b'x'; 100_000])
            }))
        });
        let mut client = site.connect();
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(&[b'x'; 100_000]));
        site.end();
    });
}

/// What is broken off does not pass for whole.
#[test]
fn a_body_that_is_broken_off() {
    on_each_hub(|| {
        let site = Site::new(|_: Request<RequestBody>| {
            Response::new(Body::stream(|sink: &mut BodySink<'_>| {
                sink.write_all(b"half")?;
                sink.flush()?;
                Err(io::Error::other("for the test"))
            }))
        });
        let mut client = site.connect();
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let error = client.read_to_end(&mut answer).unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
            ),
            "{error:?}"
        );
        site.end();
    });
}

#[test]
fn much_both_ways() {
    on_each_hub(|| {
        const MUCH: usize = 3 << 20;
        let site = Site::new(|request: Request<RequestBody>| {
            let body = request.into_body();
            let length = body.remaining().unwrap();
            Response::new(Body::sized_reader(length, body))
        });
        let client = site.connect();
        let sender = client.clone();
        let sending = spawn(move || {
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MUCH}\r\n\r\n");
            (&sender).write_all(head.as_bytes()).unwrap();
            let all: Vec<_> = (0..MUCH).map(|at| (at % 253) as u8).collect();
            (&sender).write_all(&all).unwrap();
            all
        });
        let (_, back) = response(io::BufReader::new(&client));
        assert!(back == sending.join().unwrap());
        leave(&client);
        site.end();
    });
}

#[test]
fn many_at_once() {
    on_each_hub(|| {
        const MANY: usize = 60;
        let site = Site::new(path_and_body);
        let clients: Vec<_> = (0..MANY)
            .map(|at| {
                let (connector, address) = (site.connector.clone(), site.address);
                spawn(move || {
                    let stream = TcpStream::connect(address).unwrap();
                    let client = connector.connect(HOST, stream).unwrap();
                    for round in 0..3 {
                        let path = format!("/{at}/{round}");
                        assert_eq!(ask(&client, get(&path)), path);
                    }
                    client
                })
            })
            .collect();
        let clients: Vec<_> = clients.into_iter().map(|it| it.join().unwrap()).collect();
        let status = site.handle.status();
        assert_eq!((status.open, status.requests), (MANY, 3 * MANY as u64));
        assert_eq!(status.failed_handshakes, 0);
        for client in &clients {
            leave(client);
        }
        site.end();
    });
}

/// A handler learns with whom, and how, it speaks.
#[test]
fn handlers_are_told() {
    fn told(info: Option<&TlsInfo>) -> String {
        info.map_or("plain".to_owned(), |info| {
            let certificates = info.peer_certificates.len();
            format!("{:?} {certificates}", info.server_name)
        })
    }
    on_each_hub(|| {
        let handler = |request: Request<RequestBody>| {
            Response::new(Body::from(told(request.body().tls().as_ref())))
        };
        let authority = Authority::new();
        let acceptor = TlsAcceptor::builder(authority.identity(HOST))
            .client_auth(ClientAuth::Optional(authority.roots()))
            .build()
            .unwrap();
        let known = authority.client().identity();
        let known = authority.connector_with(|it| it.identity(known));
        let site = Site::with(authority, acceptor, Config::new(), handler);
        let client = site.connect();
        assert_eq!(ask(&client, get("/")), format!("Some({HOST:?}) 0"));
        leave(&client);
        let client = known.connect(HOST, site.tcp()).unwrap();
        assert_eq!(ask(&client, get("/")), format!("Some({HOST:?}) 1"));
        leave(&client);
        site.end();

        // One that the program has accepted by itself; and without TLS.
        let (client, server) = Pair::new().in_memory();
        let serving = spawn(move || Server::new(handler).serve_tls_stream(server, Peer::Unknown));
        (&client).write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let answer = io::read_to_string(&client).unwrap();
        assert!(answer.ends_with(&format!("Some({HOST:?}) 0")), "{answer}");
        serving.join().unwrap();

        let (client, server) = duplex(1000);
        let serving = spawn(move || Server::new(handler).serve_stream(server, Peer::Unknown));
        (&client).write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let answer = io::read_to_string(&client).unwrap();
        assert!(answer.ends_with("plain"), "{answer}");
        serving.join().unwrap();
    });
}

/// Everything that can fail before the first request; the server serves on.
#[test]
fn handshake_errors_do_not_stop_the_server() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let failed = |count| until(|| site.handle.status().failed_handshakes == count);

        // Nobody's business: a look whether there is somebody.
        drop(site.tcp());
        site.until_open(0);

        let mut garbage = site.tcp();
        garbage.write_all(b"\0\0\0\0\0\0\0\0\0\0").unwrap();
        let mut alert = Vec::new();
        garbage.read_to_end(&mut alert).unwrap();
        assert_eq!(alert[0], 21);
        drop(garbage);
        failed(1);

        let mut half = site.tcp();
        half.write_all(&[22, 3, 1, 2, 0, 1, 0]).unwrap();
        drop(half);
        failed(2);

        let stranger = Authority::new().connector();
        let refused = tls_error(stranger.connect(HOST, site.tcp()));
        assert!(matches!(refused, TlsError::Certificate(_)));
        failed(3);

        let other = site.authority.connector_with(|it| it.alpn(["smtp"]));
        let refused = tls_error(other.connect(HOST, site.tcp()));
        assert!(matches!(refused, TlsError::Refused(_)));
        failed(4);

        let client = site.connect();
        assert_eq!(ask(&client, get("/still")), "/still");
        leave(&client);
        assert!(site.is_serving());
        site.end();
    });
}

#[test]
fn http_where_tls_is_spoken() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let mut plain = site.tcp();
        plain.write_all(get("/").as_bytes()).unwrap();
        let answer = io::read_to_string(&mut plain).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        assert!(answer.contains("use https"), "{answer}");
        drop(plain);
        until(|| site.handle.status().failed_handshakes == 1);
        site.end();
    });
}

/// Who says nothing is closed in time, without a coroutine; and holds nobody up meanwhile.
#[test]
fn slow_handshakes() {
    on_each_hub_jumping(|_| {
        let site = Site::new(path_and_body);
        let begun = now();
        let mut silent: Vec<_> = (0..20).map(|_| site.tcp()).collect();
        site.until_open(20);
        until(|| stats().coroutines == 1);
        for stream in &mut silent[..10] {
            stream.write_all(&[22, 3, 1, 2, 0]).unwrap();
        }
        until(|| stats().coroutines == 11);
        let client = site.connect();
        assert_eq!(ask(&client, get("/quick")), "/quick");
        leave(&client);
        assert!(now() - begun < SECOND);
        for stream in &mut silent {
            // An alert, or nothing; then the end.
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
        }
        let took = now() - begun;
        assert!(took >= 10 * SECOND && took < 11 * SECOND, "{took:?}");
        assert_eq!(site.handle.status().failed_handshakes, 20);
        site.end();
    });
}

#[test]
fn an_idle_connection_is_closed_with_a_word() {
    on_each_hub_jumping(|_| {
        let site = Site::new(path_and_body);
        let client = site.connect();
        assert_eq!(ask(&client, get("/")), "/");
        let begun = now();
        assert_eq!((&client).read(&mut [0]).unwrap(), 0);
        assert!(now() - begun >= Config::DEFAULT_IDLE - SECOND);
        site.end();
    });
}

/// Idle ones are told; a request under way is finished; a handshake is not.
#[test]
fn stopping() {
    on_each_hub_jumping(|_| {
        let site = Site::new(|request: Request<RequestBody>| {
            if request.uri().path() == "/slow" {
                sleep(5 * SECOND);
            }
            Response::new(Body::from("done"))
        });
        let idle = site.connect();
        assert_eq!(ask(&idle, get("/")), "done");
        let silent = site.tcp();
        let half = site.tcp();
        (&half).write_all(&[22, 3, 1, 2, 0]).unwrap();
        let busy = site.connect();
        (&busy).write_all(get("/slow").as_bytes()).unwrap();
        until(|| site.handle.status().busy == 1 && stats().coroutines == 3);
        assert_eq!(site.handle.status().open, 4);
        site.handle.stop(60 * SECOND);
        assert_eq!((&idle).read(&mut [0]).unwrap(), 0);
        for stream in [silent, half] {
            let ended = (&stream).read(&mut [0]);
            assert!(!matches!(ended, Ok(count) if count > 0), "{ended:?}");
        }
        assert_eq!(response(&busy).1, b"done");
        assert_eq!((&busy).read(&mut [0]).unwrap(), 0);
        drop((idle, busy));
        site.stop();
    });
}

/// Killed at its deadline, a response does not end as if it were whole.
#[test]
fn what_is_killed_at_a_stop_is_not_whole() {
    on_each_hub_jumping(|_| {
        let site = Site::new(|_: Request<RequestBody>| {
            Response::new(Body::stream(|sink: &mut BodySink<'_>| {
                sink.write_all(b"begun")?;
                sink.flush()?;
                sleep(3600 * SECOND);
                Ok(())
            }))
        });
        let mut client = site.connect();
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        until(|| site.handle.status().busy == 1);
        site.handle.stop(SECOND);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap_err();
        site.stop();
    });
}

/// The certificate is replaced while a connection is in use.
#[test]
fn a_new_certificate_under_way() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let old = site.connect();
        assert_eq!(ask(&old, get("/old")), "/old");
        let new = site.authority.identity(HOST);
        site.acceptor.replace_identities(new.clone()).unwrap();
        assert_eq!(ask(&old, get("/still")), "/still");
        let fresh = site.authority.connector();
        let next = fresh.connect(HOST, site.tcp()).unwrap();
        assert_eq!(next.peer_certificates().unwrap(), new.chain());
        assert_ne!(old.peer_certificates().unwrap(), new.chain());
        assert_eq!(ask(&next, get("/next")), "/next");
        leave(&old);
        leave(&next);
        site.end();
    });
}

/// A client that takes nothing: the response gives up, and no other waits for it.
#[test]
fn a_client_that_does_not_read() {
    on_each_hub_jumping(|_| {
        let site = Site::new(|request: Request<RequestBody>| {
            let length = if request.uri().path() == "/much" {
                30 << 20
            } else {
                2
            };
            Response::new(Body::from(vec![b'.'; length]))
        });
        let stuck = site.connect();
        (&stuck).write_all(get("/much").as_bytes()).unwrap();
        until(|| site.handle.status().busy == 1);
        let client = site.connect();
        assert_eq!(ask(&client, get("/")), "..");
        leave(&client);
        // For one piece it waits as long as for a write.
        sleep(Config::DEFAULT_WRITE + SECOND);
        assert_eq!(site.handle.status().open, 0);
        drop(stuck);
        site.end();
    });
}

/// A client that goes in the middle.
#[test]
fn a_client_that_goes() {
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        for sent in [
            "",
            "GET / HT",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
        ] {
            for is_polite in [true, false] {
                let client = site.connect();
                (&client).write_all(sent.as_bytes()).unwrap();
                if is_polite {
                    client.shutdown(Shutdown::Write).unwrap();
                } else {
                    client.abort().unwrap();
                }
            }
        }
        site.end();
    });
}
