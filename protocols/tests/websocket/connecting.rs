//! The client's side of the handshake (RFC 6455 section 4.1): against our server, and against servers
//! that do everything wrong.

use std::io::{self, Read, Write};
use std::time::Duration;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::testing::{duplex, on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::{JoinHandle, now, sleep, spawn, timeout, yield_now};
use eventlet_protocols::server::RequestBody;
use eventlet_protocols::websocket::{
    AcceptOptions, CloseCode, ConnectError, ConnectOptions, Error, Settings, WebSocket, connect,
};
use eventlet_protocols::wire::Limits;
use http::{HeaderValue, Request, header};
use tungstenite::handshake::derive_accept_key;

use crate::accepting::{Running, talk_back};
use crate::support::{FIN, From, Raw, TEXT, frame_of};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn to_our_server() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            assert_eq!(request.uri().path_and_query().unwrap(), "/a?b=c");
            assert_eq!(request.headers()["cookie"], "x=y");
            let mut options = AcceptOptions::new();
            options.protocol("chat").accept(&request, talk_back)
        });
        let mut options = ConnectOptions::new();
        options.protocol("other").protocol("chat");
        options.header(header::COOKIE, HeaderValue::from_static("x=y"));
        let socket = options
            .connect(&format!("ws://{}/a?b=c", server.address))
            .unwrap();
        assert_eq!(socket.protocol(), Some("chat"));
        for size in [0, 1, 1000, 100_000, 3_000_000] {
            let message = vec![7; size];
            socket.send(message.clone()).unwrap();
            assert_eq!(socket.receive().unwrap().unwrap().as_bytes(), message);
        }
        socket.close(CloseCode::NORMAL, "").unwrap();
        drop(socket);
        server.end();
    });
}

/// A server that answers in a way of its own: with the answer that `make` makes of the right key's.
fn answering(make: impl Fn(&str) -> String + 'static) -> (JoinHandle<String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let serving = spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_head(&mut stream);
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .unwrap();
        let answer = make(&derive_accept_key(key.as_bytes()));
        stream.write_all(answer.as_bytes()).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        request
    });
    (serving, url)
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn good(accept: &str) -> String {
    format!(
        "HTTP/1.1 101 Whatever\r\nUPGRADE: WebSocket\r\nconnection: foo, upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

fn failing(make: impl Fn(&str) -> String + 'static) -> ConnectError {
    let (serving, url) = answering(make);
    let error = connect(&url).unwrap_err();
    serving.join().unwrap();
    error
}

#[test]
fn the_request_is_what_the_rfc_says() {
    on_each_hub(|| {
        let (serving, url) = answering(good);
        let host = url.strip_prefix("ws://").unwrap().to_owned();
        let socket = connect(&url).unwrap();
        drop(socket);
        let request = serving.join().unwrap();
        let mut lines = request.trim_end().split("\r\n");
        assert_eq!(lines.next(), Some("GET / HTTP/1.1"));
        assert_eq!(lines.next(), Some(format!("Host: {host}").as_str()));
        assert_eq!(lines.next(), Some("Connection: Upgrade"));
        assert_eq!(lines.next(), Some("Upgrade: websocket"));
        assert_eq!(lines.next(), Some("Sec-WebSocket-Version: 13"));
        let key = lines.next().unwrap();
        let key = key.strip_prefix("Sec-WebSocket-Key: ").unwrap();
        assert_eq!((key.len(), &key[22..]), (24, "=="));
        assert_eq!(lines.next(), None);
    });
}

#[test]
fn answers_that_are_wrong() {
    on_each_hub(|| {
        let wrong = |make: fn(&str) -> String, part: &str| {
            let error = failing(make);
            assert!(matches!(error, ConnectError::Answer(_)), "{error:?}");
            assert!(error.to_string().contains(part), "{error}");
            let error = io::Error::from(error);
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        };
        wrong(|_| good("bm90IGl0"), "Sec-WebSocket-Accept");
        wrong(
            |key| good(key).replace("Sec-WebSocket-Accept", "X"),
            "Accept",
        );
        wrong(
            |key| good(&format!("{key}\r\nSec-WebSocket-Accept: {key}")),
            "Accept",
        );
        wrong(
            |key| good(key).replace("WebSocket\r\n", "h2c\r\n"),
            "upgrade",
        );
        wrong(|key| good(key).replace("foo, upgrade", "foo"), "Connection");
        wrong(
            |key| {
                good(&format!(
                    "{key}\r\nSec-WebSocket-Extensions: permessage-deflate"
                ))
            },
            "extension",
        );
        wrong(
            |key| good(&format!("{key}\r\nSec-WebSocket-Protocol: unasked")),
            "subprotocol",
        );
        wrong(|_| String::from("SSH-2.0-OpenSSH_9.9\r\n"), "as HTTP does");
        wrong(
            |_| "HTTP/1.1 101 x\r\n".to_owned() + &*"A: b\r\n".repeat(101) + "\r\n",
            "fields",
        );
        wrong(
            |_| "HTTP/1.1 101 ".to_owned() + &*"x".repeat(70_000),
            "too long",
        );
        wrong(
            |key| {
                let field = "x".repeat(Limits::DEFAULT_FIELD - "A: ".len() + 1);
                good(&format!("{key}\r\nA: {field}"))
            },
            "too long",
        );
        wrong(
            |_| "HTTP/1.1 103 x\r\n\r\n".repeat(1000),
            "too many interim",
        );
    });
}

/// As many fields, and as long a head, as are accepted.
#[test]
fn answers_at_the_limits() {
    on_each_hub(|| {
        for make in [
            |key: &str| good(&format!("{key}\r\n{}", "A: b\r\n".repeat(97).trim_end())),
            |key: &str| {
                let field = format!("A: {}\r\n", "x".repeat(Limits::DEFAULT_FIELD - "A: ".len()));
                good(&format!("{key}\r\n{}", field.repeat(7).trim_end()))
            },
        ] {
            let (serving, url) = answering(make);
            drop(connect(&url).unwrap());
            serving.join().unwrap();
        }
    });
}

#[test]
fn other_statuses_are_refusals() {
    on_each_hub(|| {
        for status in [200, 204, 301, 401, 403, 404, 426, 500, 503] {
            let error = failing(move |_| {
                format!("HTTP/1.1 {status} X\r\nX-Why: because\r\nContent-Length: 0\r\n\r\n")
            });
            let ConnectError::Refused(response) = &error else {
                panic!("{error:?}");
            };
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["x-why"], "because");
            let error = io::Error::from(error);
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
    });
}

/// Interim answers come before the final one (RFC 9110 section 15.2), frames may come right behind
/// it; and all that in two pieces, cut at each byte.
#[test]
fn answers_in_pieces() {
    on_each_hub(|| {
        let frame = frame_of(From::Server, FIN | TEXT, b"early");
        for cut in 0.. {
            let (near, far) = duplex(64 * 1024);
            let frame = frame.clone();
            let serving = spawn(move || {
                let mut far = far;
                let request = read_head(&mut far);
                let key = request
                    .lines()
                    .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                    .unwrap();
                let answer = good(&derive_accept_key(key.as_bytes()));
                let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
                let all = [interim.as_bytes(), answer.as_bytes(), &frame].concat();
                let cut = all.len().min(cut);
                far.write_all(&all[..cut]).unwrap();
                // The client takes what there is before the rest comes.
                (0..5).for_each(|_| yield_now());
                far.write_all(&all[cut..]).unwrap();
                (far, cut == all.len())
            });
            let options = ConnectOptions::new();
            let socket = options.connect_over(near, "ws://in.memory/x").unwrap();
            let message = socket.receive().unwrap().unwrap();
            assert_eq!(message.as_text(), Some("early"));
            let (_far, is_last) = serving.join().unwrap();
            if is_last {
                break;
            }
        }
    });
}

/// At each byte of the answer.
#[test]
fn servers_that_vanish() {
    on_each_hub(|| {
        let answer = good("x");
        for cut in 0..answer.len() {
            let (near, far) = duplex(64 * 1024);
            let part = answer[..cut].to_owned();
            let serving = spawn(move || {
                let mut far = far;
                read_head(&mut far);
                far.write_all(part.as_bytes()).unwrap();
            });
            let outcome = ConnectOptions::new().connect_over(near, "ws://in.memory/");
            let error = outcome.unwrap_err();
            assert!(matches!(error, ConnectError::Io(_)), "{cut}: {error:?}");
            assert!(error.to_string().contains("during the handshake"));
            serving.join().unwrap();
        }
        // Nobody is there at all.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = connect(&url).unwrap_err();
        assert!(matches!(error, ConnectError::Unreachable(_)), "{error:?}");
        assert_eq!(
            io::Error::from(error).kind(),
            io::ErrorKind::ConnectionRefused
        );
    });
}

/// One deadline for all of it, however much trickles in.
#[test]
fn servers_that_take_their_time() {
    on_each_hub_jumping(|_| {
        let (near, far) = duplex(64 * 1024);
        let serving = spawn(move || {
            let mut far = far;
            read_head(&mut far);
            for byte in good("x").bytes() {
                sleep(SECOND);
                if far.write_all(&[byte]).is_err() {
                    return;
                }
            }
        });
        let begun = now();
        let mut options = ConnectOptions::new();
        options.timeout(7 * SECOND);
        let error = options.connect_over(near, "ws://in.memory/").unwrap_err();
        assert!(matches!(error, ConnectError::TimedOut(_)), "{error:?}");
        assert_eq!(
            error.to_string(),
            "the server's answer did not come in time"
        );
        assert_eq!(now() - begun, 7 * SECOND);
        serving.join().unwrap();
        // One that does not even read.
        let (near, _far) = duplex(10);
        let begun = now();
        let error = options.connect_over(near, "ws://in.memory/").unwrap_err();
        assert!(matches!(error, ConnectError::TimedOut(_)), "{error:?}");
        assert_eq!(now() - begun, 7 * SECOND);
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn killed_and_timed_out_during_the_handshake() {
    on_each_hub_jumping(|_| {
        let (near, mut far) = duplex(64 * 1024);
        let victim = spawn(move || ConnectOptions::new().connect_over(near, "ws://a/"));
        until_parked(&victim);
        victim.kill().unwrap();
        assert!(victim.join().is_err());
        read_head(&mut far);
        assert_eq!(far.read(&mut [0]).unwrap(), 0);
        let (near, _far) = duplex(64 * 1024);
        let over = timeout(SECOND, || {
            ConnectOptions::new().connect_over(near, "ws://a/")
        });
        assert!(over.is_err());
    });
}

#[test]
fn what_cannot_be_asked_for() {
    on_each_hub(|| {
        for url in [
            "",
            "http://a/",
            "ws://",
            "ws://a/#b",
            "ws://u@a/",
            "ws://a:x/",
        ] {
            let error = connect(url).unwrap_err();
            assert!(
                matches!(error, ConnectError::Invalid(_)),
                "{url:?}: {error:?}"
            );
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
        }
        for name in ["", "a b", "a,b", "a\r\nX: y"] {
            let error = ConnectOptions::new()
                .protocol(name)
                .connect("ws://a/")
                .unwrap_err();
            assert!(matches!(error, ConnectError::Invalid(_)), "{name:?}");
        }
        for name in [
            header::HOST,
            header::CONNECTION,
            header::UPGRADE,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::SEC_WEBSOCKET_KEY,
            header::SEC_WEBSOCKET_VERSION,
            header::SEC_WEBSOCKET_PROTOCOL,
            header::SEC_WEBSOCKET_EXTENSIONS,
        ] {
            let value = HeaderValue::from_static("x");
            let error = ConnectOptions::new()
                .header(name, value)
                .connect("ws://a/")
                .unwrap_err();
            assert!(error.to_string().contains("belongs to the handshake"));
        }
    });
}

/// With the settings given.
#[test]
fn settings_are_those_of_the_options() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            AcceptOptions::new().accept(&request, |socket| {
                socket.send("four")?;
                socket.send("five!")?;
                socket.receive().map(drop)
            })
        });
        let mut settings = Settings::new();
        settings.message = 4;
        let mut options = ConnectOptions::new();
        options.settings(settings);
        let socket = options
            .connect(&format!("ws://{}", server.address))
            .unwrap();
        assert_eq!(socket.receive().unwrap().unwrap().as_text(), Some("four"));
        let error = socket.receive().unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { size: 5, limit: 4 }),
            "{error:?}"
        );
        drop(socket);
        server.end();
    });
}

/// Through whatever there is a stream for: here, a Unix socket.
#[test]
fn over_a_unix_socket() {
    use eventlet_green::net::unix::UnixStream;
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let serving = spawn(move || {
            let mut far = far;
            let request = read_head(&mut far);
            assert!(request.contains("Host: localhost\r\n"));
            let key = request
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                .unwrap();
            far.write_all(good(&derive_accept_key(key.as_bytes())).as_bytes())
                .unwrap();
            talk_back(WebSocket::server_over(far, Settings::default()))
        });
        let socket = ConnectOptions::new()
            .connect_over(near, "ws://localhost/")
            .unwrap();
        socket.send("over a Unix socket").unwrap();
        let message = socket.receive().unwrap().unwrap();
        assert_eq!(message.as_text(), Some("over a Unix socket"));
        socket.close(CloseCode::NORMAL, "").unwrap();
        serving.join().unwrap().unwrap();
    });
}

/// A connection that a proxy has made, say.
#[test]
fn over_a_connection_that_there_is() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            assert_eq!(request.headers()["host"], "name.example");
            AcceptOptions::new().accept(&request, talk_back)
        });
        let stream = TcpStream::connect(server.address).unwrap();
        let socket = ConnectOptions::new()
            .connect_over(stream, "wss://name.example/")
            .unwrap();
        socket.send("x").unwrap();
        assert!(socket.receive().unwrap().is_some());
        drop(socket);
        server.end();
    });
}

#[test]
fn what_is_said_to_a_raw_server() {
    on_each_hub(|| {
        let (near, far) = duplex(64 * 1024);
        let socket = WebSocket::client_over(near, Settings::default());
        let mut raw = Raw {
            stream: far,
            is: From::Server,
        };
        // Masked, as `hear` looks for; each time with another mask.
        socket.send("same").unwrap();
        socket.send("same").unwrap();
        let mut both = [0; 20];
        raw.stream.read_exact(&mut both).unwrap();
        assert_eq!(both[..2], both[10..12]);
        assert_ne!(both[2..6], both[12..16]);
    });
}
