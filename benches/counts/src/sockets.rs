//! Operations over loopback sockets: accepting, echo, HTTP. Both ends are coroutines of this thread.

use std::io::{Read, Write};

use eventlet::http::server::{
    Body, Handler, PreparedAnswer, RequestBody, Server, ShortAnswer, Shortcut,
};
use eventlet::http::wire::HeadView;
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{JoinHandle, spawn};
use http::{Request, Response};

/// What is echoed.
const WORD: [u8; 16] = [b'e'; 16];

/// What is asked.
const REQUEST: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: here\r\n\r\n";

/// What is answered.
const TEXT: &str = "Hello, World!";

/// Requests in one write.
const BURST: u64 = 16;

/// Room for an answer.
const ROOM: usize = 64 * 1024;

pub fn accepts(times: u64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = spawn(move || {
        for _ in 0..times {
            listener.accept().expect("a connection");
        }
    });
    for _ in 0..times {
        // Of the standard library, whose calls are known: socket, connect, close.
        std::net::TcpStream::connect(address).expect("the backlog takes it");
        eventlet_green::yield_now();
    }
    server.join().expect("it ends");
}

pub fn echoes(times: u64) {
    let (client, server) = pair(|mut stream: TcpStream| {
        let mut word = WORD;
        while stream.read(&mut word).expect("a word") > 0 {
            stream.write_all(&word).expect("somebody listens");
        }
    });
    in_a_coroutine(client, move |mut stream| {
        let mut word = [0; WORD.len()];
        for _ in 0..times {
            stream.write_all(&WORD).expect("somebody listens");
            stream.read_exact(&mut word).expect("an answer");
        }
    });
    server.join().expect("it ends");
}

pub fn requests(times: u64) {
    ask(hello, times, 1);
}

/// `times` requests, in bursts; whole bursts.
pub fn pipelined(times: u64) {
    ask(hello, times / BURST, BURST);
}

/// The first goes through the handler.
pub fn shortcuts(times: u64) {
    ask(Hello::default(), times, 1);
}

/// `times` requests, in bursts; whole bursts.
pub fn pipelined_shortcuts(times: u64) {
    ask(Hello::default(), times / BURST, BURST);
}

/// The same, with an answer that was made once.
pub fn pipelined_prepared(times: u64) {
    let prepared = PreparedAnswer::new(ShortAnswer::new(TEXT.as_bytes()));
    let hello = Hello {
        prepared: Some(prepared),
    };
    ask(hello, times / BURST, BURST);
}

fn hello(_: Request<RequestBody>) -> Response<Body> {
    Response::new(Body::from(TEXT))
}

/// As [`hello`], with a shortcut.
#[derive(Default)]
struct Hello {
    prepared: Option<PreparedAnswer>,
}

impl Handler for Hello {
    fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        hello(request)
    }

    fn shortcut(&self) -> Option<&dyn Shortcut> {
        Some(self)
    }
}

impl Shortcut for Hello {
    fn answer<'a>(&'a self, _: &HeadView<'a>) -> Option<ShortAnswer<'a>> {
        Some(match &self.prepared {
            Some(prepared) => prepared.answer(),
            None => ShortAnswer::new(TEXT.as_bytes()),
        })
    }

    fn is_immediate(&self) -> bool {
        self.prepared.is_some()
    }
}

fn ask(handler: impl Handler, bursts: u64, depth: u64) {
    let (client, server) = pair(|stream| {
        let server = Server::new(handler);
        server.serve_connection(stream).expect("it is served");
    });
    in_a_coroutine(client, move |mut stream| {
        let burst = REQUEST.repeat(depth as usize);
        let mut room = vec![0; ROOM];
        // All answers are of one length, as a date's is fixed: the first tells what to read.
        let mut length = 0;
        for burst_number in 0..bursts {
            stream.write_all(&burst).expect("somebody listens");
            if burst_number == 0 {
                length = stream.read(&mut room).expect("an answer");
                let answers = String::from_utf8_lossy(&room[..length]);
                assert_eq!(
                    answers.matches(TEXT).count() as u64,
                    depth,
                    "all in one write"
                );
            } else {
                stream.read_exact(&mut room[..length]).expect("an answer");
            }
            assert!(room[..length].ends_with(TEXT.as_bytes()), "a whole answer");
        }
    });
    server.join().expect("it ends");
}

/// A client's stream, and the coroutine that serves its other end.
fn pair(serve: impl FnOnce(TcpStream) + 'static) -> (TcpStream, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("a TCP socket");
        serve(stream);
    });
    let client = TcpStream::connect(address).expect("a listener");
    client.set_nodelay(true).expect("a TCP socket");
    (client, server)
}

/// Does it in a coroutine, and waits for the end; the stream is closed then.
fn in_a_coroutine(stream: TcpStream, work: impl FnOnce(TcpStream) + 'static) {
    spawn(move || work(stream)).join().expect("it ends");
}
