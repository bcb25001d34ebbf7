//! The access log: a line for each answer, refusals and broken ones too, in each format.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_protocols::server::{
    AccessLog, Body, Config, ForwardedFor, RequestBody, ServerHandle,
};
use eventlet_protocols::wire::LogFormat;
use http::{Request, Response};

use crate::support::client::Asked;
use crate::support::{Running, Shared, on_each_hub, on_each_hub_jumping};

#[derive(Clone, Default)]
struct Lines(Shared);

impl Lines {
    fn config(&self, format: LogFormat) -> Config {
        let mut config = Config::new();
        config.log = Some(AccessLog::to(self.0.clone()).format(format));
        config
    }

    /// The lines so far, each with `…` in place of its date, and of seconds at its end.
    fn take(&self) -> Vec<String> {
        let text = self.0.take();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(without_times).collect()
    }
}

fn without_times(line: &str) -> String {
    let (before, rest) = line.split_once('[').unwrap();
    let (date, after) = rest.split_once(']').unwrap();
    let is_date = date.len() >= "06/Nov/1994 08:49:37".len() && date.starts_with(char::is_numeric);
    assert!(is_date, "{date:?}");
    let (mut after, last) = match after.rsplit_once(' ') {
        Some((after, last)) => (after.to_owned(), last),
        None => panic!("{line:?}"),
    };
    let is_seconds = last
        .split_once('.')
        .is_some_and(|(whole, micros)| whole.parse::<u64>().is_ok() && micros.len() == 6);
    after.push(' ');
    after.push_str(if is_seconds { "…" } else { last });
    format!("{before}[…]{after}")
}

fn app(request: Request<RequestBody>) -> Response<Body> {
    Response::new(match request.uri().path() {
        "/bytes" => Body::from("thirteen byte"),
        "/stream" => Body::stream(|sink| sink.write_all(&[b'x'; 40_000])),
        "/short" => Body::sized_stream(10, |sink| sink.write_all(b"short")),
        "/sleep" => {
            eventlet_green::sleep(Duration::from_secs(100));
            Body::empty()
        }
        _ => panic!("no such path"),
    })
}

#[test]
fn a_line_for_each_request() {
    on_each_hub(|| {
        let lines = Lines::default();
        let server = Running::with(lines.config(LogFormat::default()), app);
        let mut client = server.connect();
        client.ask("GET /bytes?q=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        client.send("HEAD /bytes HTTP/1.1\r\nHost: a\r\n\r\n");
        client.reply_to_head();
        client.ask("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
        client.ask("POST /bytes HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        client.send("GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2));
        client.reply();
        client.reply();
        client.ask("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(
            lines.take(),
            [
                "127.0.0.1 - - […] \"GET /bytes?q=1 HTTP/1.1\" 200 13 …",
                "127.0.0.1 - - […] \"HEAD /bytes HTTP/1.1\" 200 0 …",
                "127.0.0.1 - - […] \"GET /stream HTTP/1.1\" 200 40000 …",
                "127.0.0.1 - - […] \"POST /bytes HTTP/1.0\" 200 13 …",
                "127.0.0.1 - - […] \"GET /bytes HTTP/1.1\" 200 13 …",
                "127.0.0.1 - - […] \"GET /bytes HTTP/1.1\" 200 13 …",
                "127.0.0.1 - - […] \"GET /panic HTTP/1.1\" 500 26 …",
            ]
        );
        drop(client);
        server.end();
        assert!(lines.take().is_empty());
    });
}

#[test]
fn formats() {
    on_each_hub(|| {
        let cases = [
            (LogFormat::CommonSeconds, " 200 13 …"),
            (LogFormat::Original, " 200 13 …"),
            (LogFormat::Common, " 200 13"),
            (LogFormat::Combined, " 200 13 \"http://b/\" \"te\\\"st\""),
        ];
        for (format, end) in cases {
            let lines = Lines::default();
            let server = Running::with(lines.config(format), app);
            let mut client = server.connect();
            client.ask(
                "GET /bytes HTTP/1.1\r\nHost: a\r\nReferer: http://b/\r\nUser-Agent: te\"st\r\n\r\n",
            );
            let line = format!("127.0.0.1 - - […] \"GET /bytes HTTP/1.1\"{end}");
            assert_eq!(lines.take(), [line]);
            drop(client);
            server.end();
        }
    });
}

#[test]
fn refusals_have_lines_that_nothing_can_be_forged_in() {
    on_each_hub(|| {
        let lines = Lines::default();
        let mut config = lines.config(LogFormat::default());
        config.limits.body = Some(10);
        let server = Running::with(config, app);
        server.ask_once(b"GET / HTTP/1.1\r\n\r\n");
        server.ask_once(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
        server.ask_once(b"GET /\"\x1b[2J HTTP/1.1\r\nHost: a\r\n\r\n");
        let taken = lines.take();
        assert_eq!(taken.len(), 3);
        assert!(
            taken[0].starts_with("127.0.0.1 - - […] \"-\" 400 "),
            "{taken:?}"
        );
        assert!(taken[1].starts_with("127.0.0.1 - - […] \"POST /p HTTP/1.1\" 413 "));
        assert!(taken[2].starts_with("127.0.0.1 - - […] \"-\" 400 "));
        assert_eq!(server.handle.status().requests, 3);
        server.end();
    });
}

#[test]
fn broken_answers_have_lines_too() {
    on_each_hub_jumping(|_| {
        let lines = Lines::default();
        let mut config = lines.config(LogFormat::default());
        config.exchange = Some(Duration::from_secs(10));
        let server = Running::with(config, app);
        let mut client = server.connect();
        client.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
        client.reply_or_part(Asked::Other);
        server.ask_once(b"GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n");
        server.ask_once(b"GET /ne");
        let taken = lines.take();
        assert_eq!(
            taken[0],
            "127.0.0.1 - - […] \"GET /short HTTP/1.1\" 200 5 …"
        );
        assert!(taken[1].starts_with("127.0.0.1 - - […] \"GET /sleep HTTP/1.1\" 503 "));
        assert!(
            taken[2].starts_with("127.0.0.1 - - […] \"-\" 408 "),
            "{taken:?}"
        );
        drop(client);
        server.end();
    });
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_that_cannot_be_written_disturbs_nobody() {
    on_each_hub(|| {
        let mut config = Config::new();
        config.log = Some(AccessLog::to(Full));
        let server = Running::with(config, app);
        let mut client = server.connect();
        for _ in 0..3 {
            let reply = client.ask("GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(reply.text(), "thirteen byte");
        }
        drop(client);
        server.end();
    });
}

/// Fields instead of lines, for whoever writes them in a way of their own.
#[test]
fn records_are_given_to_a_function() {
    on_each_hub(|| {
        let seen: Rc<RefCell<Vec<String>>> = Rc::default();
        let theirs = Rc::clone(&seen);
        let mut config = Config::new();
        config.log = Some(AccessLog::records(move |record| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let line = format!(
                "{} {} {} {} {} {} {:?} {:?} {}",
                record.client,
                text(record.method()),
                text(record.target()),
                record.status.as_u16(),
                record.received,
                record.body_length,
                record.host.map(text),
                record.user_agent.map(text),
                record.client_port.is_some(),
            );
            theirs.borrow_mut().push(line);
        }));
        let server = Running::with(config, |request: Request<RequestBody>| {
            let text = request.into_body().into_text().unwrap();
            Response::new(Body::from(format!("{text}!")))
        });
        let mut client = server.connect();
        let agent = "User-Agent: curl\r\n";
        client.ask(format!(
            "POST /p?q HTTP/1.1\r\nHost: a\r\n{agent}Content-Length: 4\r\n\r\nbody"
        ));
        client.ask("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
        let lines = [
            "127.0.0.1 POST /p?q 200 4 5 Some(\"a\") Some(\"curl\") true",
            "127.0.0.1 GET / 200 0 1 Some(\"b\") None true",
        ];
        assert_eq!(seen.take(), lines);
        assert_eq!(client.ask("GARBAGE\r\n\r\n").status, 400);
        assert!(seen.take()[0].starts_with("127.0.0.1   400 0 "));
        drop(client);
        server.end();
    });
}

/// It is only called: the server can be asked from within, and goes on if it panics.
#[test]
fn a_function_that_panics_or_waits_takes_nobody_with_it() {
    on_each_hub_jumping(|_| {
        let handle: Rc<RefCell<Option<ServerHandle>>> = Rc::default();
        let calls = Rc::new(Cell::new(0));
        let (theirs, count) = (Rc::clone(&handle), Rc::clone(&calls));
        let mut config = Config::new();
        config.log = Some(AccessLog::records(move |record| {
            let status = theirs.borrow().as_ref().unwrap().status();
            assert_eq!(status.busy, 1);
            count.set(count.get() + 1);
            match record.target() {
                b"/bytes?panic" => panic!("on purpose"),
                b"/bytes?wait" => eventlet_green::sleep(Duration::from_secs(100)),
                _ => {}
            }
        }));
        let server = Running::with(config, app);
        *handle.borrow_mut() = Some(server.handle.clone());
        let mut client = server.connect();
        client.send("GET /bytes?panic HTTP/1.1\r\nHost: a\r\n\r\n");
        // Its connection is lost, and no other.
        let _ = client.rest();
        let mut client = server.connect();
        assert_eq!(
            client.ask("GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n").status,
            200
        );
        client.ask("GET /bytes?wait HTTP/1.1\r\nHost: a\r\n\r\n");
        client.ask("GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(calls.get(), 4);
        drop(client);
        server.end();
    });
}

/// A line of a writer that waits is whole, and what is done meanwhile is counted as lost.
#[test]
fn a_writer_that_waits_holds_its_own_connection_only() {
    struct Slow(Shared);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            eventlet_green::sleep(Duration::from_secs(10));
            self.0.write(&bytes[..bytes.len().min(40)])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    on_each_hub_jumping(|_| {
        let lines = Shared::default();
        let mut config = Config::new();
        config.log = Some(AccessLog::to(Slow(lines.clone())).format(LogFormat::Common));
        let server = Running::with(config, app);
        let mut first = server.connect();
        let mut second = server.connect();
        first.send("GET /bytes?first HTTP/1.1\r\nHost: a\r\n\r\n");
        eventlet_green::sleep(Duration::from_secs(1));
        assert_eq!(
            second.ask("GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n").status,
            200
        );
        assert_eq!(first.reply().status, 200);
        let text = lines.take();
        assert!(
            text.ends_with("\"GET /bytes?first HTTP/1.1\" 200 13\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
        drop((first, second));
        server.end();
    });
}

const FORWARDED: &str = "GET /bytes HTTP/1.1\r\nHost: a\r\n\
    X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nX-Forwarded-For: 3.3.3.3\r\n\r\n";

#[test]
fn forwarded_addresses_are_believed_when_told_so() {
    on_each_hub(|| {
        for (hops, logged, client) in [
            (0, "127.0.0.1 - - […]", "none"),
            (1, "3.3.3.3,127.0.0.1 - - […]", "3.3.3.3"),
            (2, "2.2.2.2,3.3.3.3,127.0.0.1 - - […]", "2.2.2.2"),
            (9, "1.1.1.1,2.2.2.2,3.3.3.3,127.0.0.1 - - […]", "1.1.1.1"),
        ] {
            let lines = Lines::default();
            let mut config = lines.config(LogFormat::Combined);
            config.trusted_hops = hops;
            let server = Running::with(config, |request: Request<RequestBody>| {
                let forwarded = request.extensions().get::<ForwardedFor>();
                let client = forwarded.map_or("none".to_owned(), |f| f.client().to_string());
                Response::new(Body::from(client))
            });
            let mut peer = server.connect();
            assert_eq!(peer.ask(FORWARDED).text(), client, "{hops}");
            let line = &lines.take()[0];
            assert!(line.starts_with(logged), "{hops}: {line}");
            // One who says nothing is as before.
            assert_eq!(peer.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "none");
            assert!(lines.take()[0].starts_with("127.0.0.1 - - […]"));
            drop(peer);
            server.end();
        }
    });
}
