//! Bodies both ways: of known and unknown length, large, unread, broken off.

use std::io::{Read, Write};

use eventlet_green::spawn;
use eventlet_green::testing::{on_each_hub, until};

use crate::support::{Reply, Running, is_running, sh};

const ECHO: &str = "echo Content-Type: text/plain; echo \"X-Length: $CONTENT_LENGTH\"; echo; cat";

#[test]
fn the_body_is_the_programs_input() {
    on_each_hub(|| {
        let server = Running::new(sh(ECHO));
        let reply = server.ask(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
        );
        assert_eq!((reply.status, &*reply.body), (200, "hello"));
        assert_eq!(reply.field("X-Length"), Some("5"));
        assert_eq!(reply.field("Content-Type"), Some("text/plain"));
        let empty = server
            .ask("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(
            (empty.status, &*empty.body, empty.field("X-Length")),
            (200, "", Some("0"))
        );
        server.end();
    });
}

#[test]
fn several_requests_on_one_connection() {
    on_each_hub(|| {
        let server = Running::new(sh(ECHO));
        let mut stream = server.connect();
        stream
            .write_all(
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none\
                POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntwo",
            )
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
        assert!(
            text.contains("\r\n3\r\none\r\n") && text.contains("\r\n3\r\ntwo\r\n"),
            "{text}"
        );
        drop(stream);
        server.end();
    });
}

/// More than all pipes and sockets on the way hold, so both ways must go on at once.
#[test]
fn a_large_body_there_and_back() {
    const MUCH: usize = 8 << 20;
    on_each_hub(|| {
        let server = Running::new(sh(ECHO));
        let mut stream = server.connect();
        let mut writing = stream.try_clone().unwrap();
        let writer = spawn(move || {
            let head = format!(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {MUCH}\r\n\r\n"
            );
            writing.write_all(head.as_bytes())?;
            (0..MUCH / 1024).try_for_each(|_| writing.write_all(&[b'x'; 1024]))
        });
        let reply = Reply::read(&mut stream);
        writer.join().unwrap().unwrap();
        assert_eq!(
            (reply.status, reply.body.len(), reply.is_whole),
            (200, MUCH, true)
        );
        drop(stream);
        server.end();
    });
}

#[test]
fn a_chunked_body_is_gathered_to_tell_its_length() {
    on_each_hub(|| {
        let server = Running::new(sh(ECHO).gathered_limit(8));
        let post = |chunks: &str| {
            server.ask(format!(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
            ))
        };
        let reply = post("3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n");
        assert_eq!(
            (&*reply.body, reply.field("X-Length")),
            ("abcdefgh", Some("8")),
            "at the limit"
        );
        assert_eq!(
            post("9\r\nabcdefghi\r\n0\r\n\r\n").status,
            411,
            "one past it"
        );
        server.end();
    });
}

#[test]
fn a_program_need_not_read_its_input() {
    on_each_hub(|| {
        let server = Running::new(sh("echo Status: 403 No; echo; echo refused"));
        let mut request =
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n"
                .to_vec();
        request.resize(request.len() + 200_000, b'x');
        let reply = server.ask(request);
        assert_eq!((reply.status, &*reply.body), (403, "refused\n"));
        server.end();
    });
}

#[test]
fn a_body_that_breaks_off_kills_the_program() {
    on_each_hub(|| {
        let script = "echo $$ >&2; cat >/dev/null; echo Content-Type: a/b; echo; echo whole";
        let server = Running::new(sh(script));
        let mut stream = server.connect();
        stream
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nonly so much")
            .unwrap();
        until(|| !server.log().is_empty());
        let id = server.log();
        assert!(is_running(&id));
        drop(stream);
        until(|| !is_running(&id));
        server.end();
    });
}
