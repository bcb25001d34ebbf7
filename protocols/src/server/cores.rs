//! A server on every core: a loop on each of several threads, with a [`Server`] of its own.
//!
//! Nothing is shared between them but the address, so nothing is locked. How the connections come to
//! the loops is the listeners' affair ([`Sharing`](cores::Sharing)), and how loops are started and
//! ended that of [`cores`]; what is said here is how servers are started on them, stopped and asked.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener as StdUnixListener;

use eventlet_green::cores::{self, Core, Loops, LoopsError, Stopper};
use eventlet_green::cross::{self, Receiver, Sender};
use eventlet_green::net::unix::UnixListener;
use eventlet_green::net::{TcpListener, ToSocketAddrs};
use eventlet_green::spawn;

use super::registry::ServerStatus;
use super::serve::{Server, ServerHandle};
#[cfg(feature = "tls")]
use crate::tls::TlsAcceptor;

/// Servers on several threads that serve one address between them. Dropping it stops them, without
/// waiting for that.
///
/// Each thread makes a server of its own: handlers need not be `Send`, and what they share between
/// threads is the program's to choose. Limits, such as that of the connections, are per thread.
///
/// # Examples
///
/// ```
/// use eventlet_green::cores::Builder;
/// use eventlet_green::net::TcpStream;
/// use eventlet_protocols::server::{Body, Cores, RequestBody, Server};
/// use http::{Request, Response};
/// use std::io::{Read, Write};
/// use std::time::Duration;
///
/// let loops = Builder::new().threads(2).grace(Duration::from_secs(10));
/// let servers = Cores::serve(loops, "127.0.0.1:0", || {
///     Server::new(|_: Request<RequestBody>| Response::new(Body::from("hello")))
/// })?;
///
/// let mut client = TcpStream::connect(servers.local_addr().unwrap())?;
/// client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.ends_with("hello"));
///
/// let requests: u64 = servers.status()?.iter().map(|status| status.requests).sum();
/// assert_eq!(requests, 1);
/// servers.stop();
/// servers.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Cores {
    loops: Loops,
    /// One for each loop.
    questions: Vec<Sender<Question>>,
    address: Option<SocketAddr>,
}

/// Where to send the status to.
type Question = Sender<ServerStatus>;

impl Cores {
    /// Starts a loop on each thread, has `make` called there, and serves the address with what it
    /// made. Comes back when it is served.
    ///
    /// Of the settings, `grace` is how long requests under way have to be finished after a
    /// [`stop`](Self::stop); zero, its default, breaks them off.
    ///
    /// # Errors
    ///
    /// As for [`cores::Builder::bind`] and [`cores::Builder::start`].
    pub fn serve(
        loops: cores::Builder,
        addresses: impl ToSocketAddrs,
        make: impl Fn() -> Server + Send + Sync + 'static,
    ) -> io::Result<Cores> {
        Self::serve_by(loops, addresses, make, Server::serve)
    }

    /// As [`serve`](Self::serve), over TLS; see [`Server::serve_tls`]. The acceptor is everybody's:
    /// where it is given other certificates, all threads show them.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::cores::Builder;
    /// use eventlet_protocols::client::{Agent, Config};
    /// use eventlet_protocols::server::{Body, Cores, Server};
    /// use eventlet_protocols::tls::{Identity, Roots, TlsAcceptor, TlsConnector};
    /// use http::Response;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    /// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// let acceptor = TlsAcceptor::new(Identity::from_pem(&chain, &key)?)?;
    /// let servers = Cores::serve_tls(Builder::new().threads(2), "127.0.0.1:0", acceptor, || {
    ///     Server::new(|_| Response::new(Body::from("hello")))
    /// })?;
    /// let mut config = Config::new();
    /// let connector = TlsConnector::builder().roots(Roots::from_pem(&chain)?).build()?;
    /// config.tls_connector = Some(connector);
    /// let port = servers.local_addr().unwrap().port();
    /// assert_eq!(Agent::with_config(config).get(&format!("https://localhost:{port}/"))?, "hello");
    /// servers.stop();
    /// servers.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn serve_tls(
        loops: cores::Builder,
        addresses: impl ToSocketAddrs,
        acceptor: TlsAcceptor,
        make: impl Fn() -> Server + Send + Sync + 'static,
    ) -> io::Result<Cores> {
        Self::serve_by(loops, addresses, make, move |server, listener| {
            server.serve_tls(listener, acceptor.clone())
        })
    }

    fn serve_by(
        loops: cores::Builder,
        addresses: impl ToSocketAddrs,
        make: impl Fn() -> Server + Send + Sync + 'static,
        serve: impl Fn(&Server, TcpListener) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Cores> {
        let listeners = loops.bind(addresses)?;
        let address = listeners.first().map(|listener| listener.local_addr());
        let mut servers = Self::start(loops, listeners, make, move |server, listener| {
            serve(server, TcpListener::from_std(listener)?)
        })?;
        servers.address = address.transpose()?;
        Ok(servers)
    }

    /// As [`serve`](Self::serve), for a Unix socket, which all the threads accept from: as many of
    /// them as `threads`.
    ///
    /// # Errors
    ///
    /// As for [`cores::Builder::start`]; `InvalidInput` for no threads; what the system gives for
    /// another handle to the listener.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::cores::Builder;
    /// use eventlet_protocols::client::{Agent, Config};
    /// use eventlet_protocols::server::{Body, Cores, Server};
    /// use http::Response;
    /// use std::os::unix::net::UnixListener;
    ///
    /// # let path = std::env::temp_dir().join(format!("eventlet-doc-cores-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let servers = Cores::serve_unix(Builder::new(), 2, &listener, || {
    ///     Server::new(|_| Response::new(Body::from("hello")))
    /// })?;
    /// assert_eq!((servers.local_addr(), servers.loops().len()), (None, 2));
    /// let mut config = Config::new();
    /// config.unix_socket = Some(path.clone());
    /// assert_eq!(Agent::with_config(config).get("http://localhost/")?, "hello");
    ///
    /// let stopper = servers.stopper(); // For a thread that waits for a signal.
    /// std::thread::spawn(move || stopper.stop());
    /// servers.join().unwrap();
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve_unix(
        loops: cores::Builder,
        threads: usize,
        listener: &StdUnixListener,
        make: impl Fn() -> Server + Send + Sync + 'static,
    ) -> io::Result<Cores> {
        let handles = (0..threads).map(|_| listener.try_clone());
        let listeners = handles.collect::<io::Result<_>>()?;
        let serve = |server: &Server, listener| {
            let listener = UnixListener::from_std(listener)?;
            server.serve_unix(listener)
        };
        Self::start(loops, listeners, make, serve)
    }

    fn start<L: Send + 'static>(
        loops: cores::Builder,
        listeners: Vec<L>,
        make: impl Fn() -> Server + Send + Sync + 'static,
        serve: impl Fn(&Server, L) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Cores> {
        let channels = listeners.iter().map(|_| cross::unbounded());
        let (questions, asked): (Vec<_>, Vec<_>) = channels.unzip();
        let inputs = listeners.into_iter().zip(asked).collect();
        let loops = loops.start_with(inputs, move |core, (listener, asked)| {
            let server = make();
            attend(core, asked, &server.handle());
            if let Err(error) = serve(&server, listener) {
                panic!("no connection can be accepted any more: {error}");
            }
        })?;
        Ok(Cores {
            loops,
            questions,
            address: None,
        })
    }

    /// The address that is served, over TCP; with the port that the system chose, if it was asked to.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The loops.
    pub fn loops(&self) -> &Loops {
        &self.loops
    }

    /// What each of the servers has and has done, in the order of the loops. Those whose loop has
    /// ended are left out. Waits for the loops to answer.
    ///
    /// # Errors
    ///
    /// Why the caller could not wait.
    pub fn status(&self) -> io::Result<Vec<ServerStatus>> {
        let ask = |question: &Sender<Question>| {
            let (answer, answers) = cross::bounded(1);
            question.send(answer).ok().map(|()| answers)
        };
        // All are asked before the first is waited for.
        let asked: Vec<_> = self.questions.iter().filter_map(ask).collect();
        let mut statuses = Vec::with_capacity(asked.len());
        for answers in asked {
            match answers.recv() {
                Ok(status) => statuses.push(status),
                Err(cross::RecvError::Refused(reason)) => return Err(reason.into()),
                // The loop has ended meanwhile.
                Err(_) => {}
            }
        }
        Ok(statuses)
    }

    /// Stops all servers as [`ServerHandle::stop`] does, with the grace of the loops' settings. Does
    /// not wait; [`join`](Self::join) does.
    pub fn stop(&self) {
        self.loops.stop();
    }

    /// What stops them from elsewhere: another thread, a coroutine that waits for a signal.
    pub fn stopper(&self) -> Stopper {
        self.loops.stopper()
    }

    /// Waits until all servers have ended. Parks a coroutine; blocks a thread that has no loop.
    ///
    /// # Errors
    ///
    /// As for [`Loops::join`]: a loop whose server could not go on, or could not be made, has
    /// panicked, and the others were stopped.
    pub fn join(self) -> Result<(), LoopsError> {
        self.loops.join()
    }
}

/// Stops the server when the loops are to stop, and answers for it until then.
fn attend(core: &Core, asked: Receiver<Question>, handle: &ServerHandle) {
    let (stopping, stopped) = (core.clone(), handle.clone());
    spawn(move || {
        stopping.wait_for_stop();
        stopped.stop(stopping.grace());
    });
    let handle = handle.clone();
    spawn(move || {
        while let Ok(answer) = asked.recv() {
            // Who has asked may have been killed meanwhile.
            let _ = answer.try_send(handle.status());
        }
    });
}

impl fmt::Debug for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cores")
            .field("address", &self.address)
            .field("loops", &self.loops)
            .finish_non_exhaustive()
    }
}
