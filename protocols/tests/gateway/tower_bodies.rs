//! Bodies between sockets and services: streamed both ways, with trailers, held back by who does not
//! read, cut where something fails, and let go of in every order.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use eventlet_green::testing::{Harness, settle, until_parked};
use eventlet_green::{block_on, spawn};
use eventlet_protocols::gateway::tower::Incoming;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tower_service::Service;

use crate::support::{Running, on_each_hub, on_each_hub_jumping, post, until};

type Answered<B> = Pin<Box<dyn Future<Output = Result<Response<B>, Infallible>>>>;

/// A service made of a function that gives a body for a request.
#[derive(Clone)]
struct With<F>(F);

impl<F, A, B> Service<Request<Incoming>> for With<F>
where
    F: Fn(Request<Incoming>) -> A,
    A: Future<Output = B> + 'static,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Answered<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Answered<B> {
        let body = (self.0)(request);
        Box::pin(async move { Ok(Response::new(body.await)) })
    }
}

fn with<F, A, B>(f: F) -> With<F>
where
    F: Fn(Request<Incoming>) -> A + Clone + 'static,
    A: Future<Output = B> + 'static,
    B: Body + 'static,
{
    With(f)
}

async fn echo(request: Request<Incoming>) -> Incoming {
    request.into_body()
}

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn is_echoed_piece_by_piece() {
    on_each_hub(|| {
        let server = Running::new(with(echo));
        let mut client = server.connect();
        client.send(CHUNKED);
        // The head does not wait for the first piece.
        let head = client.head();
        assert_eq!(head.field("transfer-encoding"), Some("chunked"));
        for piece in ["one", "two", "three"] {
            client.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
            assert_eq!(client.chunk().unwrap(), piece.as_bytes());
        }
        client.send("0\r\n\r\n");
        assert_eq!(client.chunk().unwrap(), b"");
        drop(client);
        server.end();
    });
}

#[test]
fn lengths_are_known_on_both_sides() {
    on_each_hub(|| {
        let server = Running::new(with(|request: Request<Incoming>| async {
            let body = request.into_body();
            let (hint, is_end) = (body.size_hint().exact(), body.is_end_stream());
            let collected = body.collect().await.unwrap().to_bytes();
            format!("{hint:?} {is_end} {}", collected.len())
        }));
        let mut client = server.connect();
        let reply = client.ask(post("/", "a/b", "hello"));
        assert_eq!(reply.text(), "Some(5) false 5");
        assert_eq!(reply.field("content-length"), Some("15"));
        assert_eq!(
            client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(),
            "Some(0) true 0"
        );
        let reply = client.ask(format!("{CHUNKED}2\r\nab\r\n0\r\n\r\n"));
        assert_eq!(reply.text(), "None false 2");
        let large = "x".repeat(100_000);
        assert_eq!(
            client.ask(post("/", "a/b", &large)).text(),
            "Some(100000) false 100000"
        );
        drop(client);
        server.end();
    });
}

#[test]
fn trailers_go_both_ways() {
    on_each_hub(|| {
        let server = Running::new(with(echo));
        let mut client = server.connect();
        let reply = client.ask(format!(
            "{CHUNKED}2\r\nab\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n"
        ));
        assert_eq!(reply.text(), "ab");
        let expected = [("X-Sum", "1"), ("X-Two", "2")];
        let names = reply
            .trailers
            .iter()
            .map(|(name, value)| (&**name, &**value));
        assert!(names.eq(expected), "{:?}", reply.trailers);
        // Those that may not stand there are left out.
        let reply = client.ask(format!("{CHUNKED}0\r\nX-Sum: 1\r\n\r\n"));
        assert_eq!((reply.body.len(), reply.trailers.len()), (0, 1));
        drop(client);
        server.end();

        let server = Running::new(with(|_| async {
            let mut trailers = HeaderMap::new();
            trailers.insert("content-length", HeaderValue::from_static("9"));
            trailers.insert("x-good", HeaderValue::from_static("1"));
            let frames = [
                Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"data"))),
                Ok(Frame::trailers(trailers)),
            ];
            StreamBody::new(futures_lite::stream::iter(frames))
        }));
        let reply = server.get("/");
        assert_eq!(reply.text(), "data");
        assert_eq!(reply.trailers, [("X-Good".to_owned(), "1".to_owned())]);
        server.end();
    });
}

/// `100 Continue` goes out when the service asks for the body, and not otherwise; and an answer that
/// is made of the body does not begin before.
#[test]
fn the_client_is_told_to_send_when_the_service_reads() {
    on_each_hub(|| {
        let expecting = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\
                         Expect: 100-continue\r\n\r\n";
        let server = Running::new(with(echo));
        let mut client = server.connect();
        client.send(expecting);
        assert_eq!(client.head().status, 100);
        client.send("ab");
        let mut reply = client.head();
        client.body(&mut reply);
        assert_eq!((reply.status, &*reply.text()), (200, "ab"));
        drop(client);
        server.end();

        let server = Running::new(with(|_| async { "unread".to_owned() }));
        let mut client = server.connect();
        assert_eq!(client.ask(expecting).text(), "unread");
        client.expect_end();
        drop(client);
        server.end();
    });
}

#[test]
fn an_unread_body_is_thrown_away_and_the_connection_goes_on() {
    on_each_hub(|| {
        let server = Running::new(with(|_| async { "unread".to_owned() }));
        let mut client = server.connect();
        for _ in 0..3 {
            assert_eq!(
                client
                    .ask(post("/", "a/b", "GET / HTTP/1.1\r\n\r\n"))
                    .text(),
                "unread"
            );
            assert_eq!(
                client.ask(format!("{CHUNKED}1\r\nx\r\n0\r\n\r\n")).text(),
                "unread"
            );
        }
        drop(client);
        server.end();
    });
}

/// A service that keeps the body beyond its answer gets an error: neither somebody else's bytes, nor
/// an end that looks as if this were all.
#[test]
fn a_body_that_outlives_its_request_fails() {
    on_each_hub(|| {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let keeping = Rc::clone(&kept);
        let server = Running::new(with(move |request: Request<Incoming>| {
            keeping.borrow_mut().push(request.into_body());
            async { "kept".to_owned() }
        }));
        let mut client = server.connect();
        assert_eq!(client.ask(post("/", "a/b", "hello")).text(), "kept");
        assert_eq!(client.ask(post("/", "a/b", "other")).text(), "kept");
        for mut body in kept.take() {
            let error = block_on(body.frame()).unwrap().unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotConnected);
            assert!(block_on(body.frame()).unwrap().is_none());
        }
        drop(client);
        server.end();
    });
}

#[test]
fn a_body_that_is_being_read_elsewhere_fails_with_the_answer() {
    on_each_hub(|| {
        let outcome = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&outcome);
        let server = Running::new(with(move |request: Request<Incoming>| {
            let seen = Rc::clone(&seen);
            let mut body = request.into_body();
            let reader = spawn(move || {
                let frame = block_on(body.frame()).unwrap();
                *seen.borrow_mut() = frame.and_then(|frame| frame.err());
            });
            async move {
                // Until it waits for the socket.
                until_parked(&reader);
                "answered".to_owned()
            }
        }));
        let mut client = server.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        let mut reply = client.head();
        client.body(&mut reply);
        assert_eq!(reply.text(), "answered");
        until(|| outcome.borrow().is_some());
        let kind = outcome.borrow().as_ref().map(io::Error::kind);
        assert_eq!(kind, Some(io::ErrorKind::NotConnected));
        // What it left is thrown away when it comes.
        client.send("hello");
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(client.head().status, 200);
        drop(client);
        server.end();
    });
}

#[test]
fn what_is_wrong_with_a_body_is_an_error_of_its_own() {
    on_each_hub_jumping(|_| {
        let errors = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&errors);
        let server = Running::new(with(move |request: Request<Incoming>| {
            let seen = Rc::clone(&seen);
            async move {
                let outcome = request.into_body().collect().await;
                seen.borrow_mut()
                    .extend(outcome.err().map(|error| error.kind()));
                "read".to_owned()
            }
        }));
        // Malformed: the client is told so, whatever the service makes of it.
        let mut client = server.connect();
        client.send(format!("{CHUNKED}zz\r\n"));
        assert_eq!(client.head().status, 400);
        drop(client);
        // Cut off.
        let mut client = server.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(client.head().status, 400);
        drop(client);
        // Late.
        let mut client = server.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
        client.head();
        drop(client);
        let kinds = [
            io::ErrorKind::InvalidData,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::TimedOut,
        ];
        assert_eq!(*errors.borrow(), kinds);
        server.end();
    });
}

/// A body of frames, then what the last one says.
struct Frames {
    left: usize,
    piece: &'static [u8],
    length: Option<u64>,
    end: fn() -> Poll<Option<io::Result<Frame<Bytes>>>>,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return (self.end)();
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(self.piece)))))
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[test]
fn a_response_that_breaks_off_is_cut() {
    on_each_hub(|| {
        let fail: fn() -> _ = || Poll::Ready(Some(Err(io::Error::other("broken"))));
        let panic: fn() -> _ = || panic!("as it should");
        let short: fn() -> _ = || Poll::Ready(None);
        for (end, length) in [
            (fail, None),
            (panic, None),
            (short, Some(100)),
            (fail, Some(100)),
        ] {
            let server = Running::new(with(move |_| async move {
                Frames {
                    left: 3,
                    piece: b"part\n",
                    length,
                    end,
                }
            }));
            let mut client = server.connect();
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            let mut reply = client.head();
            client.body(&mut reply);
            assert!(!reply.is_whole, "{reply:?}");
            drop(client);
            server.end();
        }
        // Nothing was sent yet: it can still be said.
        let server = Running::new(with(move |_| async move {
            Frames {
                left: 0,
                piece: b"",
                length: None,
                end: fail,
            }
        }));
        assert_eq!(server.get("/").status, 500);
        server.end();
    });
}

/// A body without end, to a client that does not read, and leaves.
#[test]
fn a_client_that_leaves_ends_the_response() {
    on_each_hub(|| {
        let server = Running::new(with(|_| async {
            Frames {
                left: usize::MAX,
                piece: &[b'x'; 4096],
                length: None,
                end: || Poll::Ready(None),
            }
        }));
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.head().status, 200);
        // It waits for room.
        settle();
        assert_eq!(server.handle.status().busy, 1);
        drop(client);
        server.end();
    });
}

/// A client that sends more than is read is held back, not stored: the service has taken one frame.
#[test]
fn nothing_is_read_ahead() {
    on_each_hub(|| {
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let taken = Rc::new(RefCell::new(0));
        let counting = Rc::clone(&taken);
        let server = Running::new(with(move |request: Request<Incoming>| {
            let (receiver, counting) = (receiver.clone(), Rc::clone(&counting));
            let mut body = request.into_body();
            async move {
                let frame = body.frame().await.unwrap().unwrap();
                *counting.borrow_mut() += frame.into_data().unwrap().len();
                receiver.recv().await.unwrap();
                while let Some(frame) = body.frame().await {
                    *counting.borrow_mut() += frame.unwrap().into_data().unwrap().len();
                }
                "done".to_owned()
            }
        }));
        const LENGTH: usize = 32 << 20;
        let mut client = server.connect();
        let sending = client.stream.try_clone().unwrap();
        let sender_of_bytes = spawn(move || {
            let body = "x".repeat(LENGTH);
            io::Write::write_all(&mut &sending, post("/", "a/b", &body).as_bytes())
        });
        settle();
        assert!(!sender_of_bytes.is_finished());
        assert!(*taken.borrow() <= 16 * 1024);
        sender.try_send(()).unwrap();
        assert_eq!(client.head().status, 200);
        assert_eq!(*taken.borrow(), LENGTH);
        sender_of_bytes.join().unwrap().unwrap();
        drop(client);
        server.end();
    });
}

#[test]
fn a_body_is_polled_from_another_thread() {
    on_each_hub(|| {
        let server = Running::new(with(|request: Request<Incoming>| {
            let (sender, receiver) = async_channel::bounded(1);
            let body = request.into_body();
            std::thread::spawn(move || {
                let collected = futures_lite::future::block_on(body.collect());
                sender.send_blocking(collected.unwrap().to_bytes())
            });
            async move { Full::new(receiver.recv().await.unwrap()) }
        }));
        let large = "x".repeat(300_000);
        assert!(server.ask(post("/", "a/b", &large)).text() == large);
        server.end();
    });
}

/// Whoever of pump, service and clients comes first.
#[test]
fn in_any_order() {
    Harness::new().default_hub().shuffled(20).run(|_| {
        let server = Rc::new(Running::new(with(
            |request: Request<Incoming>| async move {
                if request.uri().path() != "/read" {
                    return Full::<Bytes>::from("unread");
                }
                let body = request.into_body().collect().await;
                Full::from(body.unwrap().to_bytes())
            },
        )));
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let server = Rc::clone(&server);
                spawn(move || {
                    let mut client = server.connect();
                    for target in ["/read", "/unread", "/read"] {
                        let expected = target.strip_prefix("/un").map_or("body", |_| "unread");
                        assert_eq!(client.ask(post(target, "a/b", "body")).text(), expected);
                        let chunked = CHUNKED.replace(" / ", &format!(" {target} "));
                        let reply = client.ask(format!("{chunked}4\r\nbody\r\n0\r\n\r\n"));
                        assert_eq!(reply.text(), expected);
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
        Rc::into_inner(server).unwrap().end();
    });
}

#[test]
fn an_empty_body_has_no_chunks() {
    on_each_hub(|| {
        let server = Running::new(with(|request: Request<Incoming>| async move {
            // A body that is dropped unread, and one that is polled after its end.
            let mut body = request.into_body();
            let over = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
            assert!(over.await.is_none());
            Empty::<Bytes>::new()
        }));
        let reply = server.get("/");
        assert_eq!(reply.field("content-length"), Some("0"));
        assert_eq!(reply.field("transfer-encoding"), None);
        server.end();
    });
}
