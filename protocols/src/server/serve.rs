//! Accepting connections, and stopping.
//!
//! A stop goes in this order: no new connections; those between two requests are closed at once;
//! those within one finish it and are then closed; what is left at the deadline is killed.

use std::fmt;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::call_after;
use eventlet_green::net::unix::UnixListener;
use eventlet_green::net::{Stream, TcpListener, TcpStream};
use eventlet_green::sync::Semaphore;

use super::config::Config;
use super::handler::Handler;
use super::listening::{Accepted, Listener};
use super::peer::Peer;
use super::registry::ServerStatus;
use super::rest::{self, Resting};
use super::shared::Shared;
use super::transport::{Carried, Transport};
#[cfg(feature = "tls")]
use crate::tls::{TlsAcceptor, TlsStream};

/// The most seats there are, so that "no limit" is a number that can be counted to: more than the
/// descriptors a process can have (`fs.nr_open` is 1,048,576 by default).
const MOST_CONNECTIONS: usize = 1 << 21;

/// An HTTP server: a handler and settings.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use eventlet_green::spawn;
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{Request, Response};
/// use std::io::{Read, Write};
/// use std::time::Duration;
///
/// let server = Server::new(|_: Request<RequestBody>| Response::new(Body::from("hello")));
/// let handle = server.handle();
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let serving = spawn(move || server.serve(listener));
///
/// let mut client = TcpStream::connect(address)?;
/// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
/// assert!(answer.ends_with("\r\n\r\nhello"));
///
/// handle.stop(Duration::from_secs(1));
/// serving.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server {
    shared: Rc<Shared>,
}

impl Server {
    /// A server with the default settings.
    pub fn new(handler: impl Handler) -> Self {
        Self::with_config(handler, Config::default())
    }

    /// A server with settings of the caller's.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::{Body, Config, Server};
    /// use http::Response;
    /// use std::time::Duration;
    ///
    /// let mut config = Config::new();
    /// config.exchange = Some(Duration::from_secs(30)); // For all of a request and its response.
    /// let server = Server::with_config(|_| Response::new(Body::from("hello")), config);
    /// # drop(server);
    /// ```
    pub fn with_config(handler: impl Handler, config: Config) -> Self {
        let shared = Rc::new(Shared::new(Box::new(handler), config));
        let sender = Rc::downgrade(&shared);
        shared.flusher.flush_with(move || {
            if let Some(shared) = sender.upgrade() {
                shared.flusher.send_all(&shared);
            }
        });
        Server { shared }
    }

    /// For asking what goes on, and for stopping, from another coroutine of the thread.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            shared: Rc::clone(&self.shared),
        }
    }

    /// Serves until it is [stopped](ServerHandle::stop), and returns when the last connection has
    /// ended. Shortages of descriptors or memory are waited out.
    ///
    /// # Errors
    ///
    /// What `accept` gives that trying again does not mend.
    pub fn serve(&self, listener: TcpListener) -> io::Result<()> {
        self.serve_listener(Listener::Tcp(listener))
    }

    /// As [`serve`](Self::serve), for a Unix socket. The file of the socket stays; who made it
    /// removes it.
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::{UnixListener, UnixStream};
    /// use eventlet_green::spawn;
    /// use eventlet_protocols::server::{Body, RequestBody, Server};
    /// use http::{Request, Response};
    /// use std::io::{Read, Write};
    /// use std::time::Duration;
    ///
    /// # let folder = std::env::temp_dir().join(format!("eventlet-http-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// let path = folder.join("http.socket");
    /// let listener = UnixListener::bind(&path)?;
    /// let server = Server::new(|request: Request<RequestBody>| {
    ///     Response::new(Body::from(request.body().peer().to_string()))
    /// });
    /// let handle = server.handle();
    /// let serving = spawn(move || server.serve_unix(listener));
    ///
    /// let mut client = UnixStream::connect(&path)?;
    /// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer)?;
    /// assert!(answer.ends_with("\r\n\r\nunix:"));
    ///
    /// handle.stop(Duration::from_secs(1));
    /// serving.join().unwrap()?;
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn serve_unix(&self, listener: UnixListener) -> io::Result<()> {
        self.serve_listener(Listener::Unix(listener))
    }

    /// As [`serve`](Self::serve), for HTTPS: each connection is made one of TLS first.
    ///
    /// A handshake is done in a coroutine of its connection, under the acceptor's time limit, counted
    /// from the accept. One that fails ends that connection alone, is counted
    /// ([`ServerStatus::failed_handshakes`]) and is a line on standard error; a client that speaks HTTP
    /// without TLS gets status 400. When a connection ends well, the client is told by
    /// `close_notify`; a response that is broken off ends without it.
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::{TcpListener, TcpStream};
    /// use eventlet_green::spawn;
    /// use eventlet_protocols::server::{Body, RequestBody, Server};
    /// use eventlet_protocols::tls::{HTTP_PROTOCOLS, Identity, Roots, TlsAcceptor, TlsConnector};
    /// use http::{Request, Response};
    /// use std::io::{Read, Write};
    /// use std::time::Duration;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// let ours = Identity::from_pem(&chain, &key)?;
    /// let acceptor = TlsAcceptor::builder(ours).alpn(HTTP_PROTOCOLS).build()?;
    /// let server = Server::new(|_: Request<RequestBody>| Response::new(Body::from("hello")));
    /// let handle = server.handle();
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let address = listener.local_addr()?;
    /// let serving = spawn(move || server.serve_tls(listener, acceptor));
    ///
    /// let connector = TlsConnector::builder().roots(Roots::from_pem(&chain)?).build()?;
    /// let mut client = connector.connect("localhost", TcpStream::connect(address)?)?;
    /// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer)?;
    /// assert!(answer.ends_with("hello"));
    ///
    /// handle.stop(Duration::from_secs(1));
    /// serving.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn serve_tls(&self, listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<()> {
        self.serve_listener(Listener::Tls(listener, acceptor))
    }

    fn serve_listener(&self, listener: Listener) -> io::Result<()> {
        let shared = &self.shared;
        let most = shared.config.connections.clamp(1, MOST_CONNECTIONS);
        let seats = Semaphore::new(most);
        if shared.is_stopping() {
            return Ok(());
        }
        shared.listeners.borrow_mut().push(listener.try_clone()?);
        let listening = Listening { shared, listener };
        let outcome = loop {
            let seat = seats.acquire()?;
            if shared.is_stopping() {
                break Ok(());
            }
            match listening.listener.accept() {
                Ok(Accepted::Ready(transport)) => {
                    Resting::begin(Rc::clone(shared), transport, seat);
                }
                #[cfg(feature = "tls")]
                Ok(Accepted::Tls(accepted)) => accepted.begin(Rc::clone(shared), seat),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(listening);
        // With all the seats at once in hand, nobody is served any more.
        let _all = seats.acquire_many(most)?;
        shared.forget_deadlines_if_done();
        outcome
    }

    /// Serves one connection in the caller's coroutine, to its end: for programs that accept by
    /// themselves.
    ///
    /// # Errors
    ///
    /// If the peer's address cannot be had: it is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::{TcpListener, TcpStream};
    /// use eventlet_protocols::server::{Body, Server};
    /// use http::Response;
    /// use std::io::{Read, Write};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    /// let (stream, _) = listener.accept()?; // The program's own, to look whom it serves.
    /// Server::new(|_| Response::new(Body::from("hello"))).serve_connection(stream)?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer)?;
    /// assert!(answer.ends_with("\r\n\r\nhello"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn serve_connection(&self, stream: TcpStream) -> io::Result<()> {
        let peer = stream.peer_addr()?;
        // As for an accepted one.
        let _ = stream.set_nodelay(true);
        self.serve_stream(stream, peer);
        Ok(())
    }

    /// As [`serve_connection`](Self::serve_connection), for a connection over anything: a
    /// [`UnixStream`](eventlet_green::net::unix::UnixStream), a program's own stream, the test kit's
    /// connection in memory. `peer` is what handlers and the access log are told.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_green::spawn;
    /// use eventlet_protocols::server::{Body, Peer, RequestBody, Server};
    /// use http::{Request, Response};
    /// use std::io::{Read, Write};
    ///
    /// let (mut near, far) = UnixStream::pair()?;
    /// let server = Server::new(|_: Request<RequestBody>| Response::new(Body::from("hello")));
    /// let serving = spawn(move || server.serve_stream(far, Peer::Unknown));
    /// near.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    /// let mut answer = String::new();
    /// near.read_to_string(&mut answer)?;
    /// assert!(answer.ends_with("hello"));
    /// serving.join().unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn serve_stream<S: Stream>(&self, stream: S, peer: impl Into<Peer>)
    where
        for<'a> &'a S: Read + Write,
    {
        let peer = peer.into();
        self.serve_transport(Rc::new(Carried::new(stream, peer)));
    }

    /// As [`serve_stream`](Self::serve_stream), for a connection over TLS, so that handlers are told of
    /// it: see [`RequestBody::tls`](super::RequestBody::tls).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::unix::UnixStream;
    /// use eventlet_protocols::server::{Body, Peer, RequestBody, Server};
    /// use eventlet_protocols::tls::{Identity, Roots, TlsAcceptor, TlsConnector};
    /// use http::{Request, Response};
    /// use std::io::{Read, Write};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// let acceptor = TlsAcceptor::new(Identity::from_pem(&chain, &key)?)?;
    /// let (near, far) = UnixStream::pair()?;
    /// eventlet_green::spawn(move || -> std::io::Result<()> {
    ///     let server = Server::new(|request: Request<RequestBody>| {
    ///         Response::new(Body::from(format!("secure: {}", request.body().tls().is_some())))
    ///     });
    ///     server.serve_tls_stream(acceptor.accept(far)?, Peer::Unknown);
    ///     Ok(())
    /// });
    /// let connector = TlsConnector::builder().roots(Roots::from_pem(&chain)?).build()?;
    /// let mut client = connector.connect("localhost", near)?;
    /// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer)?;
    /// assert!(answer.ends_with("secure: true"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn serve_tls_stream<S: Stream>(&self, stream: TlsStream<S>, peer: impl Into<Peer>) {
        self.serve_transport(Rc::new(Carried::secured(stream, peer.into())));
    }

    fn serve_transport(&self, transport: Rc<dyn Transport>) {
        rest::serve_here(&self.shared, transport);
        self.shared.forget_deadlines_if_done();
    }
}

/// A listener that is being served. It is closed on every way out, a kill included, although the
/// server knows it, too.
struct Listening<'a> {
    shared: &'a Shared,
    listener: Listener,
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.listener.close();
        let number = self.listener.number();
        let mut listeners = self.shared.listeners.borrow_mut();
        listeners.retain(|other| other.number() != number);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("status", &self.shared.registry.status())
            .finish()
    }
}

/// A running server, from another coroutine.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::server::{Body, Server, ServerHandle};
/// use http::Response;
/// use std::time::Duration;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let server = Server::new(|_| Response::new(Body::from("hello")));
/// let handle: ServerHandle = server.handle();
/// let serving = eventlet_green::spawn(move || server.serve(listener));
/// eventlet_green::yield_now();
/// assert_eq!(handle.status().open, 0);
/// handle.stop(Duration::from_secs(10)); // For those that are being answered.
/// serving.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ServerHandle {
    shared: Rc<Shared>,
}

impl ServerHandle {
    /// Stops the server. Accepts no more; closes at once the connections that are between two
    /// requests; lets the others finish theirs, and kills after `grace` what has not. Returns
    /// without waiting: [`Server::serve`] returns when all is done. Stopping again only adds
    /// another deadline.
    pub fn stop(&self, grace: Duration) {
        let shared = &self.shared;
        shared.stopping.set(true);
        for listener in shared.listeners.borrow_mut().drain(..) {
            listener.close();
        }
        shared.registry.close_idle();
        let registry = Rc::downgrade(&shared.registry);
        let deadline = call_after(grace, move || {
            if let Some(registry) = registry.upgrade() {
                registry.kill_all();
            }
        });
        shared.deadlines.borrow_mut().push(deadline);
        shared.forget_deadlines_if_done();
    }

    /// What the server has and has done.
    pub fn status(&self) -> ServerStatus {
        self.shared.registry.status()
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("status", &self.status())
            .finish()
    }
}
