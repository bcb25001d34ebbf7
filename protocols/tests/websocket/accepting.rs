//! The server's side of the handshake (RFC 6455 section 4.2), and what a handler has of a socket, over
//! real connections.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::rc::Rc;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::testing::{Watchdog, on_each_hub};
use eventlet_green::{JoinHandle, spawn};
use eventlet_protocols::server::{Body, Handler, RequestBody, Server, ServerHandle};
use eventlet_protocols::websocket::{AcceptOptions, Error, Origins, Settings, WebSocket, accept};
use http::{HeaderValue, Request, Response};

use crate::support::{CLOSE, FIN, From, Raw, TEXT, close_payload, frame_of};

/// RFC 6455 section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ANSWER: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A server in a coroutine of this thread.
pub struct Running {
    pub address: std::net::SocketAddr,
    pub handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub fn new(handler: impl Handler) -> Self {
        let server = Server::new(handler);
        let handle = server.handle();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = spawn(move || server.serve(listener));
        Running {
            address,
            handle,
            serving,
        }
    }

    /// Sends a request, and gives the status line, the fields in lower case, and the connection.
    pub fn ask(&self, request: &str) -> (String, Vec<String>, Raw<TcpStream>) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().to_owned();
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            format!("{}: {value}", name.to_lowercase())
        });
        let raw = Raw {
            stream,
            is: From::Client,
        };
        (status, fields.collect(), raw)
    }

    /// Waits until all have left, and stops.
    pub fn end(self) {
        eventlet_green::testing::until(|| self.handle.status().open == 0);
        self.handle.stop(std::time::Duration::from_secs(3600));
        self.join();
    }

    pub fn join(self) {
        self.serving.join().unwrap().unwrap();
    }
}

/// A request with these fields instead of, or besides, those of a good one; an empty value takes the
/// field away.
pub fn request_with(changes: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("Host", "server.example:80"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    for (name, value) in changes {
        fields.retain(|(other, _)| other != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    let mut request = String::from("GET /chat HTTP/1.1\r\n");
    for (name, value) in fields {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request + "\r\n"
}

/// Gives back what it gets.
pub fn talk_back(socket: WebSocket) -> Result<(), Error> {
    for message in &socket {
        socket.send(message?)?;
    }
    Ok(())
}

fn echo(request: Request<RequestBody>) -> Response<Body> {
    accept(&request, talk_back)
}

#[test]
fn a_handshake_and_an_echo() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let (status, fields, mut raw) = server.ask(&request_with(&[]));
        assert_eq!(status, "HTTP/1.1 101 Switching Protocols");
        for expected in [
            "upgrade: websocket",
            "connection: upgrade",
            &format!("sec-websocket-accept: {ANSWER}"),
        ] {
            assert!(fields.iter().any(|field| field == expected), "{fields:?}");
        }
        assert!(
            !fields
                .iter()
                .any(|field| field.starts_with("sec-websocket-p"))
        );
        assert!(
            !fields
                .iter()
                .any(|field| field.starts_with("sec-websocket-ext"))
        );
        raw.say(FIN | TEXT, b"hello");
        raw.hear_text("hello");
        raw.say(FIN | CLOSE, &close_payload(1000, "bye"));
        assert_eq!(raw.hear_close(1000), "bye");
        raw.hear_end();
        drop(raw);
        server.end();
    });
}

/// However the fields are written, as long as they say it (RFC 6455 section 4.2.1, RFC 9110 section
/// 7.6.1).
#[test]
fn fields_in_lists_and_in_any_case() {
    on_each_hub(|| {
        let server = Running::new(echo);
        for changes in [
            [("Connection", "keep-alive, Upgrade")],
            [("Connection", "UPGRADE")],
            [("Connection", "upgrade ,, foo")],
            [("Upgrade", "WebSocket")],
            [("Upgrade", "h2c, WEBSOCKET")],
        ] {
            let (status, _, raw) = server.ask(&request_with(&changes));
            assert!(status.contains(" 101 "), "{changes:?}: {status}");
            drop(raw);
        }
        // In two fields.
        let two = request_with(&[]).replace(
            "Connection: Upgrade\r\n",
            "Connection: keep-alive\r\nConnection: upgrade\r\n",
        );
        assert!(server.ask(&two).0.contains(" 101 "));
        server.end();
    });
}

#[test]
fn what_is_no_handshake() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let key = |text| [("Sec-WebSocket-Key", text)];
        for (status, changes) in [
            (426, &[("Upgrade", "")][..]),
            (426, &[("Upgrade", "h2c")]),
            (426, &[("Upgrade", ""), ("Connection", "")]),
            (400, &[("Connection", "")]),
            (400, &[("Connection", "keep-alive")]),
            (426, &[("Sec-WebSocket-Version", "")]),
            (426, &[("Sec-WebSocket-Version", "8")]),
            (426, &[("Sec-WebSocket-Version", "14")]),
            (426, &[("Sec-WebSocket-Version", "13, 8")]),
            (400, &key("")),
            (400, &key("short==")),
            (400, &key("dGhlIHNhbXBsZSBub25jZQ=")),
            (400, &key("dGhlIHNhbXBsZSBub25jZR==")),
            (400, &key("dGhlIHNhbXBsZSBub25j*Q==")),
            (400, &key("dGhlIHNhbXBsZSBub25jZQ==, x")),
        ] {
            let (line, fields, raw) = server.ask(&request_with(changes));
            assert!(line.contains(&format!(" {status} ")), "{changes:?}: {line}");
            let has = |field: &str| fields.iter().any(|other| other == field);
            assert_eq!(has("upgrade: websocket"), status == 426, "{fields:?}");
            let is_version = changes[0].0 == "Sec-WebSocket-Version";
            assert_eq!(has("sec-websocket-version: 13"), is_version, "{fields:?}");
            drop(raw);
        }
        for name in ["Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
            let good = request_with(&[]);
            let line = good.lines().find(|line| line.starts_with(name)).unwrap();
            let twice = good.replace(line, &format!("{line}\r\n{line}"));
            let (status, ..) = server.ask(&twice);
            assert!(
                status.contains(" 400 ") || status.contains(" 426 "),
                "{status}"
            );
        }
        let post = request_with(&[]).replace("GET", "POST");
        let (status, fields, _) = server.ask(&post);
        assert!(status.contains(" 405 "));
        assert!(fields.contains(&String::from("allow: GET")));
        let old = request_with(&[]).replace("HTTP/1.1", "HTTP/1.0");
        assert!(server.ask(&old).0.contains(" 400 "));
        server.end();
    });
}

/// Compression is not spoken: whatever is offered is declined, well-formed or not, and a frame that is
/// compressed all the same is a fault.
#[test]
fn extensions_are_declined() {
    on_each_hub(|| {
        let server = Running::new(echo);
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16, permessage-deflate",
            "unheard-of; of=it",
        ] {
            let changes = [("Sec-WebSocket-Extensions", offer)];
            let (status, fields, mut raw) = server.ask(&request_with(&changes));
            assert!(status.contains(" 101 "));
            assert!(
                !fields
                    .iter()
                    .any(|field| field.starts_with("sec-websocket-ext"))
            );
            raw.say(FIN | TEXT, b"plain");
            raw.hear_text("plain");
            raw.say(FIN | 0x40 | TEXT, b"\xaa\x00");
            assert_eq!(raw.hear_close(1002), "a reserved bit is set");
            raw.hear_end();
        }
        server.end();
    });
}

#[test]
fn subprotocols() {
    on_each_hub(|| {
        let seen = Rc::new(RefCell::new(None));
        let told = Rc::clone(&seen);
        let server = Running::new(move |request: Request<RequestBody>| {
            let told = Rc::clone(&told);
            let mut options = AcceptOptions::new();
            options.protocol("two").protocol("one");
            options.accept(&request, move |socket| {
                *told.borrow_mut() = socket.protocol().map(str::to_owned);
                talk_back(socket)
            })
        });
        for (offered, chosen) in [
            ("one", Some("one")),
            ("one, two", Some("two")),
            ("three,one", Some("one")),
            ("three", None),
            ("ONE", None),
            ("", None),
        ] {
            let changes = [("Sec-WebSocket-Protocol", offered)];
            let (status, fields, mut raw) = server.ask(&request_with(&changes));
            assert!(status.contains(" 101 "));
            let name = "sec-websocket-protocol: ";
            let answer = fields.iter().find_map(|field| field.strip_prefix(name));
            assert_eq!(answer, chosen, "{offered:?}");
            raw.say(FIN | TEXT, b"x");
            raw.hear_text("x");
            assert_eq!(seen.borrow().as_deref(), chosen, "{offered:?}");
        }
        server.end();
    });
}

#[test]
fn origins() {
    on_each_hub(|| {
        let same = "http://server.example:80";
        let other = "https://elsewhere.example";
        let listed = || Origins::List(vec![String::from("https://elsewhere.example")]);
        let check = || {
            Origins::Check(Box::new(|origin| {
                origin.is_some_and(|origin: &HeaderValue| origin.as_bytes().starts_with(b"https:"))
            }))
        };
        type Make<'a> = &'a dyn Fn() -> Origins;
        for (make, origin, allowed) in [
            (&(|| Origins::SameHost) as Make, same, true),
            (&|| Origins::SameHost, "HTTP://SERVER.EXAMPLE:80", true),
            (&|| Origins::SameHost, other, false),
            (&|| Origins::SameHost, "http://server.example", false),
            (&|| Origins::SameHost, "null", false),
            (&|| Origins::SameHost, "", true),
            (&|| Origins::Any, other, true),
            (&listed, other, true),
            (&listed, "HTTPS://elsewhere.example", true),
            (&listed, same, false),
            (&listed, "https://elsewhere.example.org", false),
            (&listed, "", true),
            (&check, other, true),
            (&check, same, false),
            (&check, "", false),
        ] {
            let origins = RefCell::new(Some(make()));
            let server = Running::new(move |request: Request<RequestBody>| {
                let mut options = AcceptOptions::new();
                options.origins(origins.take().unwrap());
                options.accept(&request, talk_back)
            });
            let (status, ..) = server.ask(&request_with(&[("Origin", origin)]));
            let expected = if allowed { " 101 " } else { " 403 " };
            assert!(status.contains(expected), "{origin:?}: {status}");
            server.end();
        }
        assert_eq!(format!("{:?}", check()), "Check");
        assert_eq!(
            format!("{:?}", listed()),
            r#"List(["https://elsewhere.example"])"#
        );
        // By default, other pages may not.
        let server = Running::new(echo);
        assert!(
            server
                .ask(&request_with(&[("Origin", other)]))
                .0
                .contains(" 403 ")
        );
        server.end();
    });
}

/// Frames that come with the request, cut at each byte.
#[test]
fn frames_that_come_with_the_request() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let request = request_with(&[]);
        let frame = frame_of(From::Client, FIN | TEXT, b"early");
        let all = [request.as_bytes(), &frame].concat();
        for cut in request.len() - 4..=all.len() {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.write_all(&all[..cut]).unwrap();
            eventlet_green::testing::settle();
            stream.write_all(&all[cut..]).unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let mut raw = Raw {
                stream,
                is: From::Client,
            };
            raw.hear_text("early");
        }
        server.end();
    });
}

/// The end of the function closes: well, after an error of the program's, and after the peer's.
#[test]
fn what_the_function_returns() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let path = request.uri().path().to_owned();
            accept(&request, move |socket| {
                socket.send("hello")?;
                match path.as_str() {
                    "/ok" => Ok(()),
                    "/error" => Err(Error::Io(std::io::Error::other("a fault of the program's"))),
                    "/panic" => panic!("on purpose"),
                    _ => talk_back(socket),
                }
            })
        });
        let ask = |path: &str| {
            let (_, _, mut raw) = server.ask(&request_with(&[]).replace("/chat", path));
            raw.hear_text("hello");
            raw
        };
        let mut raw = ask("/ok");
        assert_eq!(raw.hear_close(1000), "");
        raw.say(FIN | CLOSE, &close_payload(1000, ""));
        raw.hear_end();
        let mut raw = ask("/error");
        assert_eq!(raw.hear_close(1011), "");
        raw.hear_end();
        let mut raw = ask("/panic");
        raw.hear_end();
        let mut raw = ask("/echo");
        raw.say(FIN | 3, b"");
        assert_eq!(raw.hear_close(1002), "a frame of an unknown kind (3)");
        raw.hear_end();
        drop(raw);
        server.end();
    });
}

/// The limits are the program's.
#[test]
fn settings_are_those_of_the_options() {
    on_each_hub(|| {
        let server = Running::new(|request: Request<RequestBody>| {
            let mut settings = Settings::new();
            settings.message = 4;
            let mut options = AcceptOptions::new();
            options.settings(settings).accept(&request, talk_back)
        });
        let (_, _, mut raw) = server.ask(&request_with(&[]));
        raw.say(FIN | TEXT, b"four");
        raw.hear_text("four");
        raw.say(FIN | TEXT, b"five!");
        raw.hear_close(1009);
        raw.hear_end();
        drop(raw);
        server.end();
    });
}

/// Descriptors are closed with whoever misbehaves, at each byte of a conversation.
#[test]
fn a_client_that_vanishes_leaves_nothing() {
    on_each_hub(|| {
        let _watchdog = Watchdog::new("vanishing clients");
        let server = Running::new(echo);
        let before = eventlet_green::stats().descriptors;
        let conversation = [
            request_with(&[]).into_bytes(),
            frame_of(From::Client, FIN | TEXT, b"hello"),
            frame_of(From::Client, TEXT, b"part"),
            frame_of(From::Client, FIN | 3, b"?"),
        ]
        .concat();
        for cut in 0..=conversation.len() {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(&conversation[..cut]).unwrap();
            drop(stream);
            eventlet_green::testing::until(|| server.handle.status().open == 0);
            assert_eq!(eventlet_green::stats().descriptors, before);
        }
        server.end();
    });
}
