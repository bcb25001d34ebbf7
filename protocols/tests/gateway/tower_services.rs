//! Services of tower behind the server: calls, readiness, errors, panics, deadlines; and a router of
//! axum's, which knows nothing of all this.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use axum::routing::{get, post as to_post};
use bytes::Bytes;
use eventlet_green::{offload, sleep, spawn};
use eventlet_protocols::gateway::tower::Incoming;
use eventlet_protocols::server::{Config, Peer};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

use crate::support::{Running, on_each_hub, on_each_hub_jumping, post, until};

type Answer = Response<Full<Bytes>>;

fn text(text: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(text.into()))
}

/// A service made of an async function.
#[derive(Clone)]
struct Calling<F>(F);

impl<F, A, B, E> Service<Request<Incoming>> for Calling<F>
where
    F: Fn(Request<Incoming>) -> A,
    A: Future<Output = Result<Response<B>, E>> + 'static,
{
    type Response = Response<B>;
    type Error = E;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, E>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        Box::pin((self.0)(request))
    }
}

#[test]
fn a_service_that_is_not_send_and_parks() {
    on_each_hub(|| {
        let calls = Rc::new(Cell::new(0));
        let counting = Rc::clone(&calls);
        let server = Running::new(Calling(move |request: Request<Incoming>| {
            counting.set(counting.get() + 1);
            let calls = counting.get();
            async move {
                let peer = request.extensions().get::<Peer>().unwrap();
                assert!(peer.ip().unwrap().is_loopback());
                sleep(Duration::from_millis(1));
                let sum = offload(move || calls + 1).unwrap();
                Ok::<_, Infallible>(text(format!("{} {sum}", request.uri().path())))
            }
        }));
        assert_eq!(server.get("/a").text(), "/a 2");
        assert_eq!(server.get("/b").text(), "/b 3");
        assert_eq!(calls.get(), 2);
        server.end();
    });
}

#[test]
fn one_that_waits_holds_up_nobody_else() {
    on_each_hub(|| {
        let (sender, receiver) = async_channel::bounded::<&str>(1);
        let server = Running::new(Calling(move |request: Request<Incoming>| {
            let receiver = receiver.clone();
            async move {
                match request.uri().path() {
                    "/wait" => receiver.recv().await.map(text),
                    _ => Ok(text("at once")),
                }
            }
        }));
        let mut waiting = server.connect();
        waiting.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        until(|| server.handle.status().busy == 1);
        assert_eq!(server.get("/").text(), "at once");
        // Woken from another thread.
        std::thread::spawn(move || sender.send_blocking("late"))
            .join()
            .unwrap()
            .unwrap();
        let mut reply = waiting.head();
        waiting.body(&mut reply);
        assert_eq!(reply.text(), "late");
        drop(waiting);
        server.end();
    });
}

#[test]
fn errors_and_panics_are_500_and_end_nobody_elses_connection() {
    on_each_hub(|| {
        let server = Running::new(Calling(|request: Request<Incoming>| async move {
            match request.uri().path() {
                "/error" => Err(io::Error::other("secret")),
                "/panic" => panic!("as it should"),
                _ => Ok(text("good")),
            }
        }));
        let mut other = server.connect();
        assert_eq!(other.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
        for path in ["/error", "/panic"] {
            let reply = server.get(path);
            assert_eq!(
                (reply.status, &*reply.text()),
                (500, "500 Internal Server Error\n")
            );
        }
        assert_eq!(other.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
        drop(other);
        server.end();
    });
}

/// Is ready at the second time of asking only, and wants to have been asked.
struct Reluctant {
    asked: u32,
}

impl Clone for Reluctant {
    fn clone(&self) -> Self {
        Reluctant { asked: 0 }
    }
}

impl Service<Request<Incoming>> for Reluctant {
    type Response = Answer;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Answer>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.asked += 1;
        match self.asked {
            1 => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        assert_eq!(self.asked, 2, "called before it was ready");
        std::future::ready(match request.uri().path() {
            "/bad" => Err(io::ErrorKind::Other.into()),
            _ => Ok(text("ready")),
        })
    }
}

#[test]
fn readiness_is_waited_for_with_each_call() {
    on_each_hub(|| {
        let server = Running::new(Reluctant { asked: 0 });
        let mut client = server.connect();
        for _ in 0..3 {
            assert_eq!(
                client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(),
                "ready"
            );
        }
        assert_eq!(
            client.ask("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n").status,
            500
        );
        drop(client);
        server.end();
    });
}

/// Sets a flag when it is dropped.
struct Dropped(Rc<Cell<bool>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// A deadline drops the future, whatever it waits for, and with it a body that is being read.
#[test]
fn a_deadline_drops_the_future() {
    on_each_hub_jumping(|_| {
        let dropped = Rc::new(Cell::new(false));
        let flag = Rc::clone(&dropped);
        let mut config = Config::new();
        config.exchange = Some(Duration::from_secs(5));
        let app = Calling(move |request: Request<Incoming>| {
            let dropped = Dropped(Rc::clone(&flag));
            async move {
                let _dropped = dropped;
                if request.uri().path() == "/body" {
                    let mut body = Box::pin(request.into_body());
                    poll_fn(|context| http_body::Body::poll_frame(body.as_mut(), context)).await;
                }
                pending::<()>().await;
                Ok::<_, Infallible>(text("never"))
            }
        });
        let server = Running::with(config, app);
        assert_eq!(server.get("/").status, 503);
        assert!(dropped.replace(false));
        let mut client = server.connect();
        client.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        assert_eq!(client.head().status, 503);
        assert!(dropped.get());
        drop(client);
        server.end();
    });
}

/// So does a server that is stopped.
#[test]
fn a_stop_kills_what_waits() {
    on_each_hub(|| {
        let server = Running::new(Calling(|_: Request<Incoming>| async move {
            pending::<()>().await;
            Ok::<_, Infallible>(text("never"))
        }));
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        until(|| server.handle.status().busy == 1);
        server.handle.stop(Duration::ZERO);
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[derive(Clone)]
struct Greeting(&'static str);

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/name/{name}", get(|Path(name): Path<String>| async move { name }))
        .route(
            "/greet",
            get(
                |State(greeting): State<Greeting>, Query(pairs): Query<Vec<(String, String)>>| async move {
                    format!("{} {pairs:?}", greeting.0)
                },
            ),
        )
        .route("/echo", to_post(|body: Bytes| async move { body }))
        .route(
            "/json",
            to_post(|axum::Json(value): axum::Json<serde_json::Value>| async move {
                (StatusCode::CREATED, axum::Json(value)).into_response()
            }),
        )
        .fallback(|| async { (StatusCode::NOT_FOUND, "nothing here") })
        .with_state(Greeting("hi"))
}

#[test]
fn a_router_of_axums() {
    on_each_hub(|| {
        let server = Running::new(router());
        let mut client = server.connect();
        let ask = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let reply = client.ask(ask("/"));
        assert_eq!((reply.status, &*reply.text()), (200, "hello"));
        assert_eq!(
            reply.field("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(reply.field("content-length"), Some("5"));
        assert_eq!(client.ask(ask("/name/J%C3%BCrg")).text(), "Jürg");
        let reply = client.ask(ask("/greet?a=1&b=x+y"));
        assert_eq!(reply.text(), r#"hi [("a", "1"), ("b", "x y")]"#);
        let reply = client.ask(ask("/none"));
        assert_eq!((reply.status, &*reply.text()), (404, "nothing here"));
        assert_eq!(client.ask(ask("/echo")).status, 405);

        assert_eq!(client.ask(post("/echo", "a/b", "body")).text(), "body");
        let reply = client.ask(post("/json", "application/json", "[1, 2]"));
        assert_eq!((reply.status, &*reply.text()), (201, "[1,2]"));
        assert_eq!(
            client.ask(post("/json", "application/json", "[1")).status,
            400
        );
        assert_eq!(client.ask(post("/json", "text/plain", "[1]")).status, 415);
        let reply = client.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(
            (reply.status, reply.field("content-length")),
            (200, Some("5"))
        );
        let large = "x".repeat(1 << 20);
        assert!(client.ask(post("/echo", "a/b", &large)).text() == large);
        // The router's own limit.
        let larger = "x".repeat(3 << 20);
        let sending = client.stream.try_clone().unwrap();
        let sender = spawn(move || {
            let bytes = post("/echo", "a/b", &larger);
            io::Write::write_all(&mut &sending, bytes.as_bytes())
        });
        assert_eq!(client.head().status, 413);
        drop(client);
        let _ = sender.join().unwrap();
        server.end();
    });
}
