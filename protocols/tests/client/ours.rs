//! Our client and our server: what each is tested for alone has to fit together.

use std::io::{Cursor, Read};

use eventlet_green::net::TcpListener;
use eventlet_green::{JoinHandle, spawn};
use eventlet_protocols::client::{Agent, Body, Error};
use eventlet_protocols::server::{self, RequestBody, Server, ServerHandle};
use http::{HeaderMap, HeaderValue, Method, Request, Response};

use crate::support::{assert_unused, on_each_hub, until};

struct Running {
    url: String,
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn new(handler: impl Fn(Request<RequestBody>) -> Response<server::Body> + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::new(handler);
        let handle = server.handle();
        let serving = spawn(move || server.serve(listener));
        Running {
            url,
            handle,
            serving,
        }
    }

    fn end(self) {
        self.handle.stop(std::time::Duration::ZERO);
        self.serving.join().unwrap().unwrap();
    }
}

fn echo(request: Request<RequestBody>) -> Response<server::Body> {
    let body = request.into_body();
    Response::new(match body.remaining() {
        Some(length) => server::Body::sized_reader(length, body),
        None => server::Body::reader(body),
    })
}

/// Both stream: the answer begins before the question ends.
#[test]
fn bodies_are_echoed_while_they_are_sent() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let agent = Agent::new();
        let large: Vec<u8> = (0..500_000u32).flat_map(u32::to_le_bytes).collect();
        for body in [
            Body::from(large.clone()),
            Body::reader(Cursor::new(large.clone())),
            Body::sized_reader(large.len() as u64, Cursor::new(large.clone())),
        ] {
            let answer = agent.post(&server.url, body).unwrap();
            assert!(answer == large);
        }
        assert_eq!(agent.post(&server.url, "").unwrap(), "");
        assert_eq!(agent.status().idle, 1);
        drop(agent);
        server.end();
    });
}

#[test]
fn trailers_go_both_ways() {
    on_each_hub(|| {
        let server = Running::new(|request| {
            let mut body = request.into_body();
            let mut text = String::new();
            body.read_to_string(&mut text).unwrap();
            let mut trailers = body.take_trailers();
            trailers.insert("x-length", HeaderValue::from(text.len()));
            Response::new(server::Body::stream(move |sink| {
                sink.set_trailers(trailers);
                std::io::Write::write_all(sink, text.as_bytes())
            }))
        });
        let agent = Agent::new();
        let body = Body::reader(&b"hello"[..]).with_trailers(|| {
            HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("7"))])
        });
        let mut body = agent
            .call(Method::PUT, &server.url)
            .body(body)
            .send()
            .unwrap()
            .into_body();
        let mut text = String::new();
        body.read_to_string(&mut text).unwrap();
        let trailers = body.take_trailers();
        assert_eq!(
            (&*text, &trailers["x-sum"], &trailers["x-length"]),
            ("hello", &"7".parse().unwrap(), &"5".parse().unwrap())
        );
        drop((agent, body));
        server.end();
    });
}

#[test]
fn expectations_are_met_and_refused() {
    on_each_hub(|| {
        let server = Running::new(|request| {
            if request.uri().path() == "/no" {
                return Response::builder()
                    .status(413)
                    .body(server::Body::from("no"))
                    .unwrap();
            }
            echo(request)
        });
        let agent = Agent::new();
        let put = |path: &str| {
            let call = agent.call(Method::PUT, &format!("{}{path}", server.url));
            call.header("expect", "100-continue").body("hello").fetch()
        };
        assert_eq!(put("/yes").unwrap().body(), "hello");
        let Err(Error::Status(error)) = put("/no") else {
            panic!()
        };
        assert_eq!(
            (error.status().as_u16(), &error.body()[..]),
            (413, &b"no"[..])
        );
        assert_eq!(put("/yes").unwrap().body(), "hello");
        assert_unused(&agent);
        drop(agent);
        server.end();
    });
}

/// What a server's faults look like from here.
#[test]
fn a_handler_that_breaks_off_is_seen_as_a_cut() {
    on_each_hub(|| {
        let server = Running::new(|request| {
            let path = request.uri().path().to_owned();
            Response::new(match &*path {
                "/chunks" => server::Body::stream(|sink| {
                    std::io::Write::write_all(sink, b"part")?;
                    Err(std::io::Error::other("no more"))
                }),
                _ => {
                    server::Body::sized_stream(10, |sink| std::io::Write::write_all(sink, b"part"))
                }
            })
        });
        let agent = Agent::new();
        for path in ["/chunks", "/short"] {
            let error = agent.get(&format!("{}{path}", server.url)).unwrap_err();
            assert!(
                matches!(error, Error::Response(fault) if fault.is_truncation()),
                "{path}: {error:?}"
            );
        }
        assert_unused(&agent);
        drop(agent);
        server.end();
    });
}

/// A server that stops closes its idle connections; the next request sees that before it is sent.
#[test]
fn a_server_that_stopped_is_noticed() {
    on_each_hub(|| {
        let server = Running::new(echo);
        let url = server.url.clone();
        let agent = Agent::new();
        agent.post(&url, "x").unwrap();
        assert_eq!(agent.status().idle, 1);
        server.end();
        let error = agent.post(&url, "x").unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        until(|| agent.status().hosts == 0);
    });
}
