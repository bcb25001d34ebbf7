//! The same server over each transport: TCP of either family, Unix sockets, a stream in memory. How
//! handlers and the log see the peer, and what a cut looks like where only the close ends a body.

use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eventlet_green::net::unix::{UnixListener, UnixStream};
use eventlet_green::net::{Stream, TcpListener, TcpStream};
use eventlet_green::testing::{duplex, settle};
use eventlet_green::{sleep, spawn};
use eventlet_protocols::server::{AccessLog, Body, Config, Peer, RequestBody, Server};
use eventlet_protocols::wire::LogFormat;
use http::{Request, Response};

use crate::support::client::Asked;
use crate::support::{
    Client, Running, Shared, on_each_hub, on_each_hub_jumping, path, until, whole,
};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const GRACE: Duration = Duration::from_secs(3600);

/// A folder that goes with its name.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("eventlet-http-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What every transport has to carry: keep-alive, pipelining, bodies both ways, a close.
fn converse<S: Stream + Read + Write>(client: &mut Client<S>) {
    assert_eq!(client.ask(GET).text(), "");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".repeat(3));
    for _ in 0..3 {
        assert_eq!(client.reply().text(), "abc");
    }
    let large = "x".repeat(100_000);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n";
    client.send(head);
    client.send(&large);
    client.send("\r\n0\r\n\r\n");
    assert_eq!(client.reply().text(), large);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(client.reply().is_closing());
    client.expect_end();
}

#[test]
fn tcp_of_the_sixth_version() {
    on_each_hub(|| {
        let Ok(listener) = TcpListener::bind("[::1]:0") else {
            eprintln!("SKIPPED: this machine has no loopback of IPv6");
            return;
        };
        let address = listener.local_addr().unwrap();
        let server = Server::new(|request: Request<RequestBody>| {
            Response::new(Body::from(request.body().peer().to_string()))
        });
        let handle = server.handle();
        let serving = spawn(move || server.serve(listener));
        let mut client = Client::connect(address);
        let own = client.stream.local_addr().unwrap();
        assert_eq!(client.ask(GET).text(), own.to_string());
        handle.stop(GRACE);
        serving.join().unwrap().unwrap();
        client.expect_end();
    });
}

#[test]
fn unix_sockets() {
    on_each_hub(|| {
        let folder = Folder::new();
        let file = folder.0.join("socket");
        let listener = UnixListener::bind(&file).unwrap();
        let server = Server::new(whole);
        let handle = server.handle();
        let serving = spawn(move || server.serve_unix(listener));
        let connect = || Client::over(UnixStream::connect(&file).unwrap());
        converse(&mut connect());
        until(|| handle.status().open == 0);

        // An idle one is closed by a stop, and nobody is let in any more.
        let mut idle = connect();
        assert_eq!(idle.ask(GET).status, 200);
        assert_eq!(handle.status().open, 1);
        handle.stop(GRACE);
        idle.expect_end();
        serving.join().unwrap().unwrap();
        let refused = UnixStream::connect(&file).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(file.exists(), "the file is its maker's to remove");
        assert_eq!(handle.status().accepted, 2);
    });
}

#[test]
fn idle_over_a_unix_socket() {
    on_each_hub_jumping(|clock| {
        let (near, far) = UnixStream::pair().unwrap();
        let server = Server::new(path);
        let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
        let mut client = Client::over(near);
        assert_eq!(client.ask(GET).text(), "/x");
        let start = eventlet_runloop::Clock::now(clock);
        client.expect_end();
        let end = eventlet_runloop::Clock::now(clock);
        assert_eq!(end - start, Config::DEFAULT_IDLE);
        serving.join().unwrap();
    });
}

/// Also through a pipe that takes seven bytes at a time.
#[test]
fn a_stream_in_memory() {
    on_each_hub(|| {
        for capacity in [7, 1 << 20] {
            let (near, far) = duplex(capacity);
            let server = Server::new(whole);
            let handle = server.handle();
            let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
            let mut client = Client::over(near);
            if capacity > 7 {
                converse(&mut client);
            } else {
                assert_eq!(client.ask(GET).text(), "");
                assert_eq!(client.ask(GET).text(), "");
                drop(client);
            }
            serving.join().unwrap();
            assert_eq!(handle.status().open, 0);
        }
    });
}

#[test]
fn a_stop_ends_a_stream_in_memory() {
    on_each_hub(|| {
        let (near, far) = duplex(1000);
        let server = Server::new(path);
        let handle = server.handle();
        let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
        let mut client = Client::over(near);
        assert_eq!(client.ask(GET).text(), "/x");
        handle.stop(GRACE);
        client.expect_end();
        serving.join().unwrap();
    });
}

/// What handlers are told of the peer, and what the log says.
#[test]
fn the_peer_is_known() {
    on_each_hub(|| {
        let folder = Folder::new();
        let named = folder.0.join("client");
        let listener = UnixListener::bind(&named).unwrap();
        let named = listener.local_addr().unwrap();
        let (_near, unnamed) = UnixStream::pair().unwrap();
        let unnamed = unnamed.peer_addr().unwrap();
        let ip: std::net::SocketAddr = "192.0.2.1:80".parse().unwrap();
        let text = format!("unix:{}", folder.0.join("client").display());
        let cases = [
            (Peer::Unix(named), &*text, &*text, None),
            (Peer::Unix(unnamed), "unix:", "unix:", None),
            (Peer::Unknown, "-", "-", None),
            (Peer::from(ip), "192.0.2.1:80", "192.0.2.1", Some(ip)),
        ];
        for (peer, shown, logged, address) in cases {
            let lines = Shared::default();
            let mut config = Config::new();
            config.log = Some(AccessLog::to(lines.clone()).format(LogFormat::Common));
            let server = Server::with_config(
                move |request: Request<RequestBody>| {
                    assert_eq!(request.body().peer_addr(), address);
                    Response::new(Body::from(request.body().peer().to_string()))
                },
                config,
            );
            let (near, far) = duplex(1000);
            let serving = spawn(move || server.serve_stream(far, peer));
            let mut client = Client::over(near);
            assert_eq!(client.ask(GET).text(), shown);
            drop(client);
            serving.join().unwrap();
            let line = lines.take();
            assert!(line.starts_with(&format!("{logged} - - [")), "{line}");
        }
    });
}

fn torn(request: Request<RequestBody>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    Response::new(Body::stream(move |sink| {
        sink.write_all(b"part")?;
        sink.flush()?;
        match &*path {
            "/panic" => panic!("on purpose"),
            "/error" => Err(io::Error::other("on purpose")),
            "/time" => {
                sleep(GRACE);
                Ok(())
            }
            _ => Ok(()),
        }
    }))
}

/// A client of HTTP/1.0 sees the end of a body by the close alone: one that is cut is reset.
#[test]
fn a_cut_to_an_old_client_is_a_reset() {
    fn check<S: Stream + Read + Write>(mut client: Client<S>, path: &str) {
        client.send(format!("GET {path} HTTP/1.0\r\n\r\n"));
        assert_eq!(client.head().status, 200, "{path}");
        let rest = client.rest();
        if path == "/whole" {
            assert_eq!(rest.unwrap(), b"part");
        } else {
            assert_eq!(
                rest.unwrap_err().kind(),
                ErrorKind::ConnectionReset,
                "{path}"
            );
        }
    }
    on_each_hub_jumping(|_| {
        for path in ["/whole", "/panic", "/error", "/time"] {
            let config = || {
                let mut config = Config::new();
                config.exchange = Some(Duration::from_secs(10));
                config
            };
            let server = Running::with(config(), torn);
            check(server.connect(), path);
            server.end();

            let (near, far) = duplex(1000);
            let server = Server::with_config(torn, config());
            let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
            check(Client::over(near), path);
            serving.join().unwrap();
        }
    });
}

/// Killed by a stop's deadline, and left for reading too slowly: cut as well.
#[test]
fn a_kill_and_a_slow_reader_are_resets_too() {
    on_each_hub_jumping(|_| {
        let server = Running::new(torn);
        let mut client = server.connect();
        client.send("GET /time HTTP/1.0\r\n\r\n");
        assert_eq!(client.head().status, 200);
        server.handle.stop(Duration::from_secs(1));
        let cut = client.rest().unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::ConnectionReset);
        server.join();

        const LARGE: usize = 16 << 20;
        let server = Running::new(|_: Request<RequestBody>| {
            Response::new(Body::stream(|sink| sink.write_all(&vec![b'x'; LARGE])))
        });
        let mut client = server.connect();
        client.send("GET / HTTP/1.0\r\n\r\n");
        server.until_open(1);
        sleep(2 * Config::DEFAULT_WRITE);
        server.until_open(0);
        settle();
        let cut = client.rest().unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::ConnectionReset);
        assert!(client.ahead.len() < LARGE);
        server.end();
    });
}

/// With framing, the end that is missing tells: there an ordinary close does.
#[test]
fn a_cut_that_its_framing_shows_is_no_reset() {
    on_each_hub(|| {
        let server = Running::new(torn);
        let mut client = server.connect();
        client.send("GET /error HTTP/1.1\r\nHost: a\r\n\r\n");
        let reply = client.reply_or_part(Asked::Other);
        assert!(!reply.is_whole);
        client.expect_end();
        drop(client);
        let stream = TcpStream::connect(server.address).unwrap();
        drop(stream);
        server.end();
    });
}
