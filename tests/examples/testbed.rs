//! `testbed`: each of its addresses over raw sockets, its options, and its threads. The pages it shares
//! with `httpd` are tested there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::https::{Files, connect};
use crate::support::{Program, assert_refusal_with, command, under_each_hub};
use crate::web_server::{WebServer, answer, assert_field};

const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn start(hub: &str) -> WebServer {
    WebServer::start(command("testbed", hub).args(LISTEN), 1)
}

/// Asks on a connection that stays open, for a body of known length.
fn ask_on(stream: &mut TcpStream, request: &str) -> (String, Vec<u8>) {
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(&*stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    assert!(reader.buffer().is_empty(), "more than {head}");
    (head, body)
}

#[test]
fn it_has_the_pages_of_httpd() {
    under_each_hub("testbed", "it_has_the_pages_of_httpd", |hub| {
        let testbed = start(hub);
        let (banner, address) = (&testbed.banner[0], &testbed.address);
        assert_eq!(
            *banner,
            format!("listening on http://{address}/ with the {hub} hub")
        );
        assert!(testbed.get("/").1.contains("open connections<td>1"));
        assert_eq!(testbed.get("/plaintext").1, "Hello, World!");
        assert!(testbed.get("/none").0.starts_with("HTTP/1.1 404 "));
    });
}

#[test]
fn a_body_that_is_not_read_does_not_become_a_request() {
    under_each_hub("testbed", "a_body_that_is_not_read", |hub| {
        let testbed = start(hub);
        let hidden = "GET /error HTTP/1.1\r\nHost: a\r\n\r\n";
        let (_, body) = testbed.ask(&format!(
            "POST /noread HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{hidden}\
             GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            hidden.len()
        ));
        assert!(body.starts_with("noread\nHTTP/1.1 200 OK\r\n"), "{body}");
        assert!(body.ends_with("\r\n\r\nHello, World!"), "{body}");
    });
}

#[test]
fn status_gives_the_code_it_is_asked_for() {
    under_each_hub("testbed", "status_gives_the_code", |hub| {
        let testbed = start(hub);
        for (code, line) in [
            ("200", "200 OK"),
            ("404", "404 Not Found"),
            ("503", "503 Service Unavailable"),
            // Without a name, the space stays.
            ("599", "599 "),
        ] {
            let (head, _) = testbed.get(&format!("/status?code={code}"));
            assert!(head.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{head}");
        }
        for code in ["204", "304"] {
            let (head, body) = testbed.get(&format!("/status?code={code}"));
            assert!(head.starts_with(&format!("HTTP/1.1 {code} ")), "{head}");
            assert_eq!(body, "");
        }
        for code in [
            "",
            "?code=",
            "?code=100",
            "?code=99",
            "?code=1000",
            "?code=x",
        ] {
            let (head, body) = testbed.get(&format!("/status{code}"));
            assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
            assert!(body.contains("code is not a status"), "{body}");
        }
    });
}

#[test]
fn bytes_gives_so_many() {
    under_each_hub("testbed", "bytes_gives_so_many", |hub| {
        let testbed = start(hub);
        for n in [0, 1, 1_000_000] {
            let (head, body) = testbed.get(&format!("/bytes?n={n}"));
            assert_field(&head, &format!("content-length: {n}"));
            assert!(body.len() == n && body.bytes().all(|byte| byte == b'x'));
        }
        for n in ["", "?n=", "?n=-1", "?n=1e3", "?n=18446744073709551616"] {
            let (head, body) = testbed.get(&format!("/bytes{n}"));
            assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
            assert!(body.contains("n is not a number"), "{body}");
        }
    });
}

#[test]
fn a_handler_that_fails_harms_its_own_connection_only() {
    under_each_hub("testbed", "a_handler_that_fails", |hub| {
        let testbed = start(hub);
        let mut beside = testbed.connect();
        let plaintext = "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";
        let (head, _) = testbed.get("/error");
        assert!(
            head.starts_with("HTTP/1.1 500 Internal Server Error\r\n"),
            "{head}"
        );
        assert_field(&head, "connection: close");
        assert_eq!(ask_on(&mut beside, plaintext).1, b"Hello, World!");

        // A part of a body, and then neither more of it nor its end.
        let mut stream = testbed.connect();
        stream
            .write_all(b"GET /abort HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let (head, body) = answer(&mut stream);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(body, "5\r\npart\n\r\n");
        assert_eq!(ask_on(&mut beside, plaintext).1, b"Hello, World!");

        testbed.signal("TERM");
        let (status, errors) = testbed.end();
        assert_eq!(status, Some(0));
        for told in ["/error panics on purpose", "/abort fails on purpose"] {
            assert!(errors.contains(told), "no {told} in {errors}");
        }
    });
}

#[test]
fn a_length_that_is_not_kept_is_never_sent_wrong() {
    under_each_hub("testbed", "a_length_that_is_not_kept", |hub| {
        let testbed = start(hub);
        let mut stream = testbed.connect();
        stream
            .write_all(b"GET /short HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let (head, body) = answer(&mut stream);
        assert_field(&head, "content-length: 100");
        assert_eq!(body, "0123456789", "and then the end");

        let mut stream = testbed.connect();
        let get = "GET /overlong HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(ask_on(&mut stream, get).1, b"01234");
        assert_eq!(ask_on(&mut stream, get).1, b"01234", "the next is whole");

        testbed.signal("TERM");
        let errors = testbed.end().1;
        assert!(errors.contains("90 bytes short"), "{errors}");
        assert!(errors.contains("5 bytes beyond its length"), "{errors}");
    });
}

#[test]
fn a_field_takes_what_a_field_may_hold() {
    under_each_hub("testbed", "a_field_takes_what_a_field_may_hold", |hub| {
        let testbed = start(hub);
        for (value, field) in [
            ("abc", "abc"),
            ("a%20b%09c", "a b\tc"),
            ("a+%2B", "a++"),
            ("", ""),
        ] {
            let (head, body) = testbed.get(&format!("/setheader?value={value}"));
            assert_field(&head, &format!("x-set: {field}"));
            assert_eq!(body, "set\n");
        }
        let mut stream = testbed.connect();
        stream
            .write_all(b"GET /setheader?value=%ff HTTP/1.0\r\n\r\n")
            .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        assert!(bytes.windows(9).any(|part| part == b"X-Set: \xff\r"));
        for value in ["a%0d%0aX-Evil:%201", "%0a", "%0d", "a%00", "%7f", "%1b"] {
            let (head, _) = testbed.get(&format!("/setheader?value={value}"));
            assert!(head.starts_with("HTTP/1.1 500 "), "{value}: {head}");
            assert!(!head.to_lowercase().contains("x-"), "{value}: {head}");
        }
    });
}

#[test]
fn a_child_inherits_no_descriptor_of_the_server() {
    under_each_hub("testbed", "a_child_inherits_no_descriptor", |hub| {
        let testbed = start(hub);
        let _another = testbed.connect();
        let (head, listing) = testbed.get("/child");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}: {listing}");
        for number in [0, 1, 2] {
            let entry = format!(" {number} -> ");
            assert!(listing.contains(&entry), "{listing}");
        }
        for ours in ["socket:", "eventpoll", "eventfd", "signalfd", "timerfd"] {
            assert!(!listing.contains(ours), "{ours} in {listing}");
        }
    });
}

#[test]
fn several_threads_serve_one_address() {
    under_each_hub("testbed", "several_threads_serve_one_address", |hub| {
        for signal in ["TERM", "INT"] {
            let mut command = command("testbed", "none such");
            let arguments = ["--threads", "2", "--hub", hub];
            let testbed = WebServer::start(command.args(LISTEN).args(arguments), 1);
            assert!(testbed.banner[0].ends_with(&format!("with the {hub} hub")));
            let mut idle: Vec<_> = (0..16).map(|_| testbed.connect()).collect();
            for stream in &mut idle {
                let get = "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";
                assert_eq!(ask_on(stream, get).1, b"Hello, World!");
            }
            let mut busy = testbed.connect();
            busy.write_all(b"GET /chunked?n=2&ms=300 HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
            // The answer has begun.
            busy.read_exact(&mut [0]).unwrap();
            testbed.signal(signal);
            for mut stream in idle {
                assert_eq!(stream.read(&mut [0]).unwrap(), 0, "closed at once");
            }
            let mut rest = String::new();
            busy.read_to_string(&mut rest).unwrap();
            assert!(rest.ends_with("chunk 1\n\r\n0\r\n\r\n"), "{rest}");
            assert_eq!(testbed.end(), (Some(0), String::new()));
        }
    });
}

#[test]
fn over_tls_on_one_thread_and_on_two() {
    under_each_hub("testbed", "over_tls", |hub| {
        let files = Files::new(hub);
        let roots = files.renew();
        let (chain, key) = (files.path("chain.pem"), files.path("key.pem"));
        for threads in [&[][..], &["--threads", "2"]] {
            let tls = ["--cert", &*chain, "--key", &*key];
            let arguments = [&LISTEN[..], &tls[..], threads].concat();
            let mut testbed = Program::start("testbed", hub, &arguments);
            // What stands behind the address is the hub's name.
            let line = testbed.address();
            let address = line.trim_start_matches("https://");
            let address = address.split('/').next().unwrap();
            let mut stream = connect(address, roots.clone());
            let request =
                b"GET /plaintext HTTP/1.1\r\nHost: host.test\r\nConnection: close\r\n\r\n";
            stream.write_all(request).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.ends_with("\r\n\r\nHello, World!"), "{answer}");
            testbed.signal("TERM");
            testbed.end();
        }
    });
}

#[test]
fn options_that_are_wrong_are_one_line_and_status_two() {
    let cases: [(&[&str], &str); 12] = [
        (&[], "--listen is missing"),
        (&["--listen"], "--listen needs a value"),
        (&["--frobnicate"], "unknown option --frobnicate"),
        (
            &["--listen", "a:0", "--listen", "b:0"],
            "--listen is there twice",
        ),
        (&["--listen", "a:0", "--threads", "0"], "--threads 0"),
        (&["--listen", "a:0", "--threads", "-1"], "--threads -1"),
        (&["--listen", "a:0", "--threads", "many"], "--threads many"),
        (&["--listen", "a:0", "--threads"], "--threads needs a value"),
        (&["--listen", "a:0", "--hub", "kq"], "\"kq\""),
        (&["--listen", "a:0", "--cert", "c"], "--cert and --key"),
        (&["--listen", "a:0", "--key", "k"], "--cert and --key"),
        (
            &["--listen", "a:0", "--cert", "c", "--key", "k"],
            "--cert c --key k: ",
        ),
    ];
    under_each_hub("testbed", "options_that_are_wrong", |hub| {
        for (arguments, told) in cases {
            assert_refusal_with(2, "testbed", hub, arguments, told);
        }
    });
}

#[test]
fn an_address_that_cannot_be_listened_on_is_one_line_and_status_one() {
    under_each_hub("testbed", "an_address_that_cannot_be_listened_on", |hub| {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        for threads in [&[][..], &["--threads", "2"]] {
            for (address, told) in [(&*address, "in use"), ("nonsense", "no socket address")] {
                let arguments = [&["--listen", address], threads].concat();
                assert_refusal_with(1, "testbed", hub, &arguments, told);
            }
        }
        let arguments = ["--listen", "127.0.0.1:0"];
        assert_refusal_with(1, "testbed", "kq", &arguments, "named by EVENTLET_HUB");
    });
}
