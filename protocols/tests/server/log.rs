//! The access log: a line for each answer, refusals and broken ones too, in each format.

use std::io::{self, Write};
use std::time::Duration;

use eventlet_protocols::server::{AccessLog, Body, Config, RequestBody};
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
