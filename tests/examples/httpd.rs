//! `httpd`: asked what its pages say they answer, and stopped by signals. What a server has to do
//! beyond that is tested in `protocols`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{self, loudly, under_each_hub};
use crate::web_server::{WebServer, answer, assert_field, has_field};

fn command(hub: &str) -> Command {
    let mut command = support::command("httpd", hub);
    // The usual port is everybody's.
    command.args(["--backdoor", "off"]);
    command
}

/// Started quiet, on a port of its own.
fn start(hub: &str) -> WebServer {
    WebServer::start(command(hub).args(["--listen", "127.0.0.1:0", "--quiet"]), 4)
}

#[test]
fn says_where_it_listens_and_with_which_hub() {
    under_each_hub("httpd", "says_where_it_listens_and_with_which_hub", |hub| {
        let httpd = start(hub);
        let address = &httpd.address;
        assert_eq!(
            httpd.banner[0],
            format!("listening on http://{address}/ with the {hub} hub")
        );
        assert!(httpd.banner[1..].iter().all(|line| line.contains("curl ")));
        let (head, page) = httpd.get("/");
        assert_field(&head, "content-type: text/html; charset=utf-8");
        assert!(page.starts_with("<!doctype html>") && page.contains("http-equiv=refresh"));
        for shown in [hub, "live coroutines", "timers", "open connections"] {
            assert!(page.contains(shown), "no {shown} in {page}");
        }
    });
}

#[test]
fn an_option_goes_before_the_environment() {
    under_each_hub("httpd", "an_option_goes_before_the_environment", |hub| {
        let mut command = command("none such");
        let httpd = WebServer::start(command.args(["--hub", hub, "--listen", "127.0.0.1:0"]), 4);
        assert!(httpd.banner[0].ends_with(&format!("with the {hub} hub")));
        assert_eq!(httpd.get("/json").1, r#"{"message":"Hello, World!"}"#);
    });
}

#[test]
fn plaintext_and_json_and_what_is_not_there() {
    under_each_hub("httpd", "plaintext_and_json_and_what_is_not_there", |hub| {
        let httpd = start(hub);
        let (head, body) = httpd.get("/plaintext");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_field(&head, "content-type: text/plain");
        assert_field(&head, "content-length: 13");
        assert_eq!(body, "Hello, World!");

        let close = "Host: a\r\nConnection: close\r\n\r\n";
        let (head, body) = httpd.ask(&format!("HEAD /plaintext HTTP/1.1\r\n{close}"));
        assert_field(&head, "content-length: 13");
        assert_eq!(body, "");
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
            let (head, _) = httpd.ask(&format!("{method} /plaintext HTTP/1.1\r\n{close}"));
            assert!(
                head.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"),
                "{head}"
            );
            assert_field(&head, "allow: GET, HEAD");
        }

        let (head, body) = httpd.get("/json");
        assert_field(&head, "content-type: application/json");
        assert_eq!(body, r#"{"message":"Hello, World!"}"#);

        for target in ["/none", "/plaintext/", "/Plaintext", "/plain%74ext"] {
            let (head, _) = httpd.get(target);
            assert!(
                head.starts_with("HTTP/1.1 404 Not Found\r\n"),
                "{target}: {head}"
            );
        }
    });
}

#[test]
fn echo_takes_any_method_and_framing() {
    under_each_hub("httpd", "echo_takes_any_method_and_framing", |hub| {
        let httpd = start(hub);
        for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
            let (head, body) = httpd.ask(&format!(
                "{method} /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                 Content-Type: text/x-some\r\nContent-Length: 5\r\n\r\nhello"
            ));
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
            assert_field(&head, "content-type: text/x-some");
            assert_field(&head, "content-length: 5");
            assert_eq!(body, "hello");
        }
        let (head, body) = httpd.ask(
            "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        );
        assert_field(&head, "transfer-encoding: chunked");
        assert_eq!(body, "5\r\nhello\r\n0\r\n\r\n");
        let (head, _) = httpd.get("/echo");
        assert_field(&head, "content-length: 0");
    });
}

#[test]
fn headers_are_a_json_object() {
    under_each_hub("httpd", "headers_are_a_json_object", |hub| {
        let httpd = start(hub);
        let (head, body) = httpd.ask(
            "GET /headers HTTP/1.1\r\nHost: example.com\r\nX-Two: a\r\nConnection: close\r\n\
             x-two: \"b\"\r\nX-TWO: c\\d\r\nX-Latin: \u{e9}\r\n\r\n",
        );
        assert_field(&head, "content-type: application/json");
        let object: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            object,
            serde_json::json!({
                "host": "example.com",
                "x-two": "a, \"b\", c\\d",
                "connection": "close",
                "x-latin": "\u{e9}",
            })
        );
    });
}

#[test]
fn chunked_comes_piece_by_piece() {
    under_each_hub("httpd", "chunked_comes_piece_by_piece", |hub| {
        let httpd = start(hub);
        let (head, body) = httpd.get("/chunked?n=2&ms=0");
        assert_field(&head, "transfer-encoding: chunked");
        assert_eq!(body, "8\r\nchunk 0\n\r\n8\r\nchunk 1\n\r\n0\r\n\r\n");

        let (head, body) = httpd.ask("GET /chunked?n=3&ms=1 HTTP/1.0\r\n\r\n");
        assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
        assert!(!head.to_lowercase().contains("content-length"), "{head}");
        assert_field(&head, "connection: close");
        assert_eq!(body, "chunk 0\nchunk 1\nchunk 2\n");

        // The first piece is there although the second is a minute away.
        let mut stream = httpd.connect();
        stream
            .write_all(b"GET /chunked?n=2&ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        while !text.ends_with("8\r\nchunk 0\n\r\n") {
            let mut piece = [0; 1024];
            let count = stream.read(&mut piece).unwrap();
            assert!(count > 0, "{text}");
            text += std::str::from_utf8(&piece[..count]).unwrap();
        }
    });
}

#[test]
fn slow_takes_its_time_and_holds_nobody_up() {
    under_each_hub("httpd", "slow_takes_its_time_and_holds_nobody_up", |hub| {
        let httpd = start(hub);
        let start = Instant::now();
        let (_, body) = httpd.get("/slow?ms=50");
        assert_eq!(body, "slow 50\n");
        assert!(start.elapsed() >= Duration::from_millis(50));
        let mut waiting = httpd.connect();
        waiting
            .write_all(b"GET /slow?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        assert_eq!(httpd.get("/plaintext").1, "Hello, World!");
    });
}

#[test]
fn sixteen_pipelined_requests_in_one_packet() {
    under_each_hub("httpd", "sixteen_pipelined_requests_in_one_packet", |hub| {
        let httpd = start(hub);
        let mut stream = httpd.connect();
        let request = "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";
        let last = "GET /json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream
            .write_all((request.repeat(15) + last).as_bytes())
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), 16);
        assert_eq!(text.matches("\r\n\r\nHello, World!").count(), 15);
        assert!(text.ends_with(r#"{"message":"Hello, World!"}"#));
    });
}

/// What the shortcut answers, the handler answers in the same way.
#[test]
fn the_answers_are_the_same_without_the_shortcut() {
    let name = "the_answers_are_the_same_without_the_shortcut";
    under_each_hub("httpd", name, |hub| {
        let answers = ["--quiet", "--no-shortcut"].map(|option| {
            let options = ["--listen", "127.0.0.1:0", option];
            let httpd = WebServer::start(command(hub).args(options), 4);
            let mut stream = httpd.connect();
            for target in ["/plaintext", "/json", "/plaintext?a=b", "/json?"].repeat(2) {
                for method in ["GET", "HEAD"] {
                    write!(stream, "{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                }
            }
            write!(
                stream,
                "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), 16);
            assert!(text.ends_with("404 Not Found\n"), "{text}");
            let is_undated = |line: &&str| !line.starts_with("Date: ");
            text.lines()
                .filter(is_undated)
                .collect::<Vec<_>>()
                .join("\n")
        });
        assert_eq!(answers[0], answers[1]);
    });
}

#[test]
fn signals_stop_it_with_status_zero() {
    under_each_hub("httpd", "signals_stop_it_with_status_zero", |hub| {
        for signal in ["TERM", "INT"] {
            let httpd = start(hub);
            // One that idles after a request, and one that is in the middle of one.
            let mut idle = httpd.connect();
            idle.write_all(b"HEAD /plaintext HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
            let mut end = [0; 4];
            while !end.ends_with(b"\r\n\r\n") {
                end.rotate_left(1);
                idle.read_exact(&mut end[3..]).unwrap();
            }
            let mut busy = httpd.connect();
            busy.write_all(b"GET /slow?ms=700 HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
            // Served after the busy one was read, so that it is in the handler by now.
            while !httpd.get("/").1.contains("of them busy<td>2") {}
            httpd.signal(signal);
            assert_eq!(idle.read(&mut [0; 8]).unwrap(), 0, "closed at once");
            let (head, body) = answer(&mut busy);
            assert_field(&head, "connection: close");
            assert_eq!(body, "slow 700\n");
            let address = httpd.address.clone();
            let (status, errors) = httpd.end();
            assert_eq!(status, Some(0), "after SIG{signal}: {errors}");
            assert_eq!(errors, "httpd: stopping\n");
            assert!(TcpStream::connect(address).is_err());
        }
    });
}

/// Ends by itself with status 1, and one line that says what is wrong.
#[track_caller]
fn assert_refusal(command: &mut Command, told: &[&str]) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("httpd: "), "{errors}");
    for part in told {
        assert!(errors.contains(part), "no {part} in {errors}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn a_port_in_use_is_one_line_and_status_one() {
    under_each_hub("httpd", "a_port_in_use_is_one_line_and_status_one", |hub| {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        assert_refusal(
            command(hub).args(["--listen", &address]),
            &[&address, "in use"],
        );
    });
}

#[test]
fn what_it_does_not_understand_is_one_line_and_status_one() {
    let cases: [(&[&str], &[&str]); 4] = [
        (&["--hub", "quantum"], &["\"quantum\"", "epoll", "poll"]),
        (&["--frobnicate"], &["--frobnicate", "--listen", "--hub"]),
        (&["--listen"], &["--listen", "needs a value"]),
        (&["--listen", "nonsense"], &["nonsense"]),
    ];
    under_each_hub("httpd", "what_it_does_not_understand", |hub| {
        for (arguments, told) in cases {
            assert_refusal(command(hub).args(arguments), told);
        }
        assert_refusal(&mut command("quantum"), &["\"quantum\"", "EVENTLET_HUB"]);
    });
}

#[test]
fn a_line_a_request_unless_it_is_to_be_quiet() {
    under_each_hub(
        "httpd",
        "a_line_a_request_unless_it_is_to_be_quiet",
        |hub| {
            for quiet in [None, Some("--quiet")] {
                let mut command = command(hub);
                command.args(["--listen", "127.0.0.1:0"]).args(quiet);
                let mut process = command.spawn().unwrap();
                let mut output = BufReader::new(process.stdout.take().unwrap());
                let mut first = String::new();
                output.read_line(&mut first).unwrap();
                let address = first.split('/').nth(2).unwrap().to_owned();
                let httpd = WebServer {
                    process,
                    address,
                    banner: Vec::new(),
                };
                httpd.get("/plaintext");
                httpd.signal("TERM");
                let mut rest = String::new();
                output.read_to_string(&mut rest).unwrap();
                let logged: Vec<_> = rest
                    .lines()
                    .filter(|line| line.contains(" - - ["))
                    .collect();
                match quiet {
                    Some(_) => assert!(logged.is_empty(), "{logged:?}"),
                    None => {
                        assert_eq!(logged.len(), 1, "{rest}");
                        let is_there =
                            logged[0].contains("] \"GET /plaintext HTTP/1.1\" 200 13 0.");
                        assert!(
                            is_there && logged[0].starts_with("127.0.0.1 "),
                            "{logged:?}"
                        );
                    }
                }
                assert_eq!(httpd.end().0, Some(0));
            }
        },
    );
}

/// A client that is not ours.
#[test]
fn curl_is_answered() {
    if Command::new("curl").arg("--version").output().is_err() {
        loudly("SKIPPED curl_is_answered: there is no curl on this machine");
        return;
    }
    under_each_hub("httpd", "curl_is_answered", |hub| {
        let httpd = start(hub);
        let curl = |arguments: &[&str], target: &str| {
            let url = format!("http://{}{target}", httpd.address);
            let output = Command::new("curl")
                .args([
                    "--silent",
                    "--show-error",
                    "--max-time",
                    "30",
                    "--noproxy",
                    "*",
                ])
                .args(arguments)
                .arg(url)
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let text = curl(&["-i"], "/plaintext");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nHello, World!"));
        assert_eq!(curl(&["--http1.0"], "/plaintext"), "Hello, World!");
        let text = curl(&["--http1.0", "-i"], "/chunked?n=2&ms=1");
        assert!(text.ends_with("\r\n\r\nchunk 0\nchunk 1\n"));
        assert_eq!(curl(&[], "/chunked?n=2&ms=1"), "chunk 0\nchunk 1\n");
        let text = curl(&["--head"], "/plaintext");
        assert!(has_field(&text, "content-length: 13"));
        // Longer than what curl sends without asking, so it asks with 100-continue.
        let body = "0123456789".repeat(200_000);
        let file = std::env::temp_dir().join(format!("eventlet-httpd-{}", std::process::id()));
        std::fs::write(&file, &body).unwrap();
        let data = format!("@{}", file.display());
        let framings: [&[&str]; 2] = [&[], &["-H", "Transfer-Encoding: chunked"]];
        for framing in framings {
            let arguments = [
                &["--data-binary", &data, "-H", "Expect: 100-continue"],
                framing,
            ];
            assert!(curl(&arguments.concat(), "/echo") == body);
        }
        std::fs::remove_file(file).unwrap();
    });
}
