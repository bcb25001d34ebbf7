//! An HTTPS server to talk to, and a client of plain reads and writes.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{JoinHandle, spawn};
use eventlet_protocols::server::{Body, Config, Handler, RequestBody, Server, ServerHandle};
use eventlet_protocols::tls::{HTTP_PROTOCOLS, TlsAcceptor, TlsConnector, TlsStream};
use http::{Request, Response};

use super::{Authority, HOST, until};

/// How long a server that is stopped by a test may finish what it is doing: never needed.
const GRACE: Duration = Duration::from_secs(3600);

/// A server that runs in a coroutine of this thread.
pub struct Site {
    pub authority: Authority,
    pub acceptor: TlsAcceptor,
    pub connector: TlsConnector,
    pub address: SocketAddr,
    pub handle: ServerHandle,
    serving: JoinHandle<io::Result<()>>,
}

impl Site {
    pub fn new(handler: impl Handler) -> Self {
        let authority = Authority::new();
        let identities = authority.identities(&[HOST, "localhost", "127.0.0.1"]);
        let acceptor = TlsAcceptor::builder(identities).alpn(HTTP_PROTOCOLS);
        Self::with(authority, acceptor.build().unwrap(), Config::new(), handler)
    }

    pub fn with(
        authority: Authority,
        acceptor: TlsAcceptor,
        config: Config,
        handler: impl Handler,
    ) -> Self {
        let server = Server::with_config(handler, config);
        let handle = server.handle();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let theirs = acceptor.clone();
        let serving = spawn(move || server.serve_tls(listener, theirs));
        Site {
            connector: authority.connector_with(|it| it.alpn(["http/1.1"])),
            authority,
            acceptor,
            address,
            handle,
            serving,
        }
    }

    pub fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub fn connect(&self) -> TlsStream<TcpStream> {
        self.connector.connect(HOST, self.tcp()).unwrap()
    }

    pub fn until_open(&self, count: usize) {
        until(|| self.handle.status().open == count);
    }

    pub fn is_serving(&self) -> bool {
        !self.serving.is_finished()
    }

    /// Waits until all clients are gone, stops the server and waits for its end.
    pub fn end(self) {
        self.until_open(0);
        self.stop();
    }

    /// Stops the server, whoever is connected, and waits for its end.
    pub fn stop(self) {
        self.handle.stop(GRACE);
        self.serving.join().unwrap().unwrap();
        assert_eq!(self.handle.status().open, 0);
    }
}

/// Answers with the path, and with the body behind it if there is one.
pub fn path_and_body(request: Request<RequestBody>) -> io::Result<Response<Body>> {
    let mut answer = request.uri().path().as_bytes().to_vec();
    request.into_body().read_to_end(&mut answer)?;
    Ok(Response::new(Body::from(answer)))
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
}

/// A response with `Content-Length`: its head, and its body.
#[track_caller]
pub fn response(mut stream: impl Read) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

/// The body of what is answered to this, with the connection kept.
#[track_caller]
pub fn ask(stream: &TlsStream<TcpStream>, request: impl AsRef<[u8]>) -> String {
    let mut bytes = stream;
    bytes.write_all(request.as_ref()).unwrap();
    String::from_utf8(response(stream).1).unwrap()
}

/// Leaves as a client should.
pub fn leave(stream: &TlsStream<TcpStream>) {
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!({ stream }.read(&mut [0; 16]).unwrap(), 0);
}
