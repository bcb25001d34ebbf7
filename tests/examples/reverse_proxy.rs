//! `reverse_proxy`: asked, with a server of the test behind it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::support::{Program, assert_refusal, connect, under_each_hub};

/// A server that tells what it was asked: the head, and then the body.
fn behind() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || while tell(stream.as_ref().unwrap()).is_some() {});
        }
    });
    url
}

/// Answers one request; `None` at the end of the connection.
fn tell(mut stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut told = String::new();
    while !told.ends_with("\r\n\r\n") {
        (reader.read_line(&mut told).ok()? > 0).then_some(())?;
    }
    let length = told.to_ascii_lowercase();
    let length = length
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| {
            rest.split_once("\r\n").unwrap().0.parse().unwrap()
        });
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let status = if told.starts_with("GET /gone ") {
        "410 Gone"
    } else {
        "200 OK"
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nX-Kept: 1\r\nX-Hop: 1\r\nConnection: x-hop\r\nKeep-Alive: timeout=5\r\n\
         Content-Length: {}\r\n\r\n",
        told.len() + body.len()
    );
    stream
        .write_all(&[head.as_bytes(), told.as_bytes(), &body].concat())
        .ok()
}

/// Head and body of the answer to a request that ends its connection.
fn ask(address: &str, head: &str, body: &[u8]) -> (String, String) {
    let mut stream = connect(address);
    let mut writer = stream.try_clone().unwrap();
    let request = [head.as_bytes(), body].concat();
    // Both ways at once: it streams.
    let writing = thread::spawn(move || writer.write_all(&request).unwrap());
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    writing.join().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn hands_requests_and_responses_on() {
    under_each_hub("reverse_proxy", "hands_requests_and_responses_on", |hub| {
        let url = behind();
        let mut proxy = Program::start("reverse_proxy", hub, &[&url, "127.0.0.1:0"]);
        let address = proxy.address();
        let head = "GET /a/b?c=d HTTP/1.1\r\nHost: front\r\nX-Kept: 2\r\nX-Hop: 2\r\nTE: gzip\r\n\
                    Connection: close, X-Hop\r\n\r\n";
        let (answered, told) = ask(&address, head, b"");
        assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"), "{answered}");
        assert!(answered.contains("X-Kept: 1"), "{answered}");
        assert!(
            !answered.contains("Hop") && !answered.contains("Keep-Alive"),
            "{answered}"
        );
        assert!(told.starts_with("GET /a/b?c=d HTTP/1.1\r\n"), "{told}");
        assert!(
            told.contains("X-Kept: 2\r\n") && told.contains("X-Forwarded-For: 127.0.0.1\r\n"),
            "{told}"
        );
        assert!(
            !told.contains("Hop") && !told.contains("Te:") && !told.contains("Connection:"),
            "{told}"
        );

        let (answered, _) = ask(
            &address,
            "GET /gone HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            b"",
        );
        assert!(answered.starts_with("HTTP/1.1 410 Gone\r\n"), "{answered}");

        let upload = vec![b'x'; 3_000_000];
        let head =
            "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n";
        let (_, told) = ask(&address, head, &upload);
        assert!(told.as_bytes().ends_with(&upload) && told.starts_with("PUT / "));
    });
}

#[test]
fn a_server_that_is_not_there_is_a_bad_gateway() {
    under_each_hub(
        "reverse_proxy",
        "a_server_that_is_not_there_is_a_bad_gateway",
        |hub| {
            let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", nobody.local_addr().unwrap());
            drop(nobody);
            let mut proxy = Program::start("reverse_proxy", hub, &[&url]);
            let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            let (answered, why) = ask(&proxy.address(), request, b"");
            assert!(
                answered.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
                "{answered}"
            );
            assert!(why.starts_with("connecting to 127.0.0.1:"), "{why}");
        },
    );
}

#[test]
fn bad_arguments_are_refused() {
    under_each_hub("reverse_proxy", "bad_arguments_are_refused", |hub| {
        assert_refusal("reverse_proxy", hub, &[], "which server");
        assert_refusal("reverse_proxy", hub, &["/nowhere"], "write http://");
        assert_refusal(
            "reverse_proxy",
            hub,
            &["http://localhost", "nowhere"],
            "no socket address",
        );
    });
}
