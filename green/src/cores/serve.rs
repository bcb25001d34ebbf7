//! Serving one address with several loops.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::loops::{Core, Loops, LoopsError};
use super::{Builder, Sharing};
use crate::cross::{self, Receiver, Sender};
use crate::net::{TcpListener, TcpStream, ToSocketAddrs, first_that};
use crate::spawn::spawn;
use crate::sys::socket::reuse_address;

/// A server on several loops; made by [`serve`](super::serve()). Dropping it asks it to stop, without
/// waiting for that.
///
/// # Examples
///
/// ```
/// use eventlet_green::cores::{Builder, Serving, Sharing};
/// use eventlet_green::net::TcpStream;
/// use std::io::{Read, Write};
///
/// let settings = Builder::new().threads(2).sharing(Sharing::HandOver);
/// let serving: Serving = settings.serve("127.0.0.1:0", |mut stream, _| stream.write_all(b"hello"))?;
/// let mut client = TcpStream::connect(serving.local_addr())?;
/// let mut text = String::new();
/// client.read_to_string(&mut text)?;
/// assert_eq!((text.as_str(), serving.sharing()), ("hello", Sharing::HandOver));
/// assert_eq!(serving.served().iter().sum::<u64>(), 1);
/// assert_eq!(serving.connections().len(), 2); // A number for each loop.
/// assert!(serving.loops().len() >= 2, "and the one that accepts");
/// serving.stop();
/// serving.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Serving {
    loops: Loops,
    /// The one that accepts, if connections are handed over.
    acceptor: Option<Loops>,
    address: SocketAddr,
    sharing: Sharing,
    loads: Arc<[Load]>,
}

/// What one loop has to do.
#[derive(Default)]
struct Load {
    live: AtomicUsize,
    total: AtomicU64,
}

type Accepted = (StdStream, SocketAddr);

impl Serving {
    pub(super) fn begin<H, R>(
        settings: &Builder,
        address: impl ToSocketAddrs,
        handler: H,
    ) -> io::Result<Serving>
    where
        H: Fn(TcpStream, SocketAddr) -> R + Send + Sync + 'static,
        R: 'static,
    {
        let threads = settings.thread_count()?;
        let listeners = match settings.sharing {
            Sharing::HandOver => 1,
            Sharing::ReusePort => threads,
        };
        let listeners = bind(address, settings.backlog, listeners)?;
        let Some(Ok(address)) = listeners.first().map(StdListener::local_addr) else {
            let text = "a listener that does not know its address";
            return Err(io::Error::other(text));
        };
        let loads: Arc<[Load]> = (0..threads).map(|_| Load::default()).collect();
        let server = Arc::new(Server {
            handler,
            loads: Arc::clone(&loads),
            grace: settings.grace,
        });
        let mut acceptor = None;
        let loops = match settings.sharing {
            Sharing::ReusePort => Loops::launch(settings, listeners, move |core, listener| {
                server.accept(core, listener);
            })?,
            Sharing::HandOver => {
                let channels = (0..threads).map(|_| cross::unbounded::<Accepted>());
                let (outs, ins): (Vec<_>, Vec<_>) = channels.unzip();
                let loops = Loops::launch(settings, ins, move |core, connections| {
                    server.take_over(core, connections);
                })?;
                let acceptance = Acceptance {
                    outs,
                    loads: Arc::clone(&loads),
                };
                let settings = settings.clone().name(format!("{}-accept", settings.name));
                acceptor = Some(Loops::launch(
                    &settings,
                    listeners,
                    move |core, listener| {
                        acceptance.run(core, listener);
                    },
                )?);
                loops
            }
        };
        Ok(Serving {
            loops,
            acceptor,
            address,
            sharing: settings.sharing,
            loads,
        })
    }

    /// The address it serves; with the port that the system chose, if it was asked to.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// How the connections come to the loops.
    pub fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// The loops.
    pub fn loops(&self) -> &Loops {
        &self.loops
    }

    /// How many connections each loop serves now.
    pub fn connections(&self) -> Vec<usize> {
        let live = |load: &Load| load.live.load(Ordering::Relaxed);
        self.loads.iter().map(live).collect()
    }

    /// How many connections each loop has been given since the beginning.
    pub fn served(&self) -> Vec<u64> {
        let total = |load: &Load| load.total.load(Ordering::Relaxed);
        self.loads.iter().map(total).collect()
    }

    /// Asks it to stop: nothing more is accepted, and handlers that have not ended after the
    /// [grace](Builder::grace) are unwound. Does not wait; [`join`](Self::join) does.
    pub fn stop(&self) {
        if let Some(acceptor) = &self.acceptor {
            acceptor.stop();
        }
        self.loops.stop();
    }

    /// Waits until every loop has ended; see [`Loops::join`].
    ///
    /// # Errors
    ///
    /// As for [`Loops::join`]. What a handler panics with is reported when it happens, and ends its
    /// connection only.
    pub fn join(self) -> Result<(), LoopsError> {
        let outcome = self.loops.join();
        match self.acceptor {
            None => outcome,
            Some(acceptor) => {
                acceptor.stop();
                outcome.and(acceptor.join())
            }
        }
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("address", &self.address)
            .field("sharing", &self.sharing)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

/// What the loops share.
struct Server<H> {
    handler: H,
    loads: Arc<[Load]>,
    grace: Duration,
}

impl<H, R> Server<H>
where
    H: Fn(TcpStream, SocketAddr) -> R + Send + Sync + 'static,
    R: 'static,
{
    /// The body of a loop that accepts for itself.
    fn accept(self: &Arc<Self>, core: &Core, listener: StdListener) {
        let listener = watch(listener);
        let (server, index, stopping) = (Arc::clone(self), core.index(), core.clone());
        let accepting = listener.clone();
        let next = move || match accepting.accept_patiently() {
            Ok(connection) => {
                server.loads[index].begin();
                Ok(Some(connection))
            }
            Err(_) if stopping.is_stopping() => Ok(None),
            Err(error) => Err(error),
        };
        self.serve(core, next, move || drop(listener.close()));
    }

    /// The body of a loop that is handed its connections.
    fn take_over(self: &Arc<Self>, core: &Core, connections: Receiver<Accepted>) {
        let (server, index) = (Arc::clone(self), core.index());
        let taking = connections.clone();
        let next = move || {
            for (stream, peer) in &taking {
                match TcpStream::from_std(stream) {
                    Ok(stream) => return Ok(Some((stream, peer))),
                    // The hub has no room for it: it is turned away.
                    Err(_) => server.loads[index].end(),
                }
            }
            Ok(None)
        };
        self.serve(core, next, move || {
            connections.close();
        });
    }

    /// Serves connections as they come, until the loops are to stop; then gives the handlers their
    /// grace. Whoever is left is unwound at the end of the thread.
    fn serve(
        self: &Arc<Self>,
        core: &Core,
        mut next: impl FnMut() -> io::Result<Option<(TcpStream, SocketAddr)>> + 'static,
        close: impl FnOnce() + 'static,
    ) {
        // Nothing is sent: the channel ends when the last one who holds the sender does.
        let (busy, all_idle) = cross::bounded::<Infallible>(0);
        let (server, index) = (Arc::clone(self), core.index());
        let taking = spawn(move || -> io::Result<()> {
            while let Some((stream, peer)) = next()? {
                let ongoing = Ongoing {
                    server: Arc::clone(&server),
                    index,
                    _busy: busy.clone(),
                };
                let handle = move || drop((ongoing.server.handler)(stream, peer));
                // No memory for a stack: this connection is dropped, and others go on.
                let _ = crate::Builder::new().spawn(handle);
            }
            Ok(())
        });
        let stopping = core.clone();
        spawn(move || {
            stopping.wait_for_stop();
            close();
        });
        match taking.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("no connection can be accepted any more: {error}"),
            Err(error) => panic!("{error}"),
        }
        if !self.grace.is_zero() {
            // Elapsed, or all have ended: either way it is over.
            let _ = all_idle.recv_timeout(self.grace);
        }
    }
}

/// A connection that is served.
struct Ongoing<H> {
    server: Arc<Server<H>>,
    index: usize,
    _busy: Sender<Infallible>,
}

impl<H> Drop for Ongoing<H> {
    fn drop(&mut self) {
        self.server.loads[self.index].end();
    }
}

/// What hands connections over.
struct Acceptance {
    outs: Vec<Sender<Accepted>>,
    loads: Arc<[Load]>,
}

impl Acceptance {
    /// The body of the loop that accepts.
    fn run(&self, core: &Core, listener: StdListener) {
        let listener = watch(listener);
        let closing = (core.clone(), listener.clone());
        spawn(move || {
            let (core, listener) = closing;
            core.wait_for_stop();
            drop(listener.close());
        });
        loop {
            match listener.accept_patiently_as_std() {
                Ok(connection) => self.hand_over(connection),
                Err(_) if core.is_stopping() => return,
                Err(error) => panic!("no connection can be accepted any more: {error}"),
            }
        }
    }

    /// To the loop with the fewest; among equals, in turn, since the count of all is told as well.
    fn hand_over(&self, connection: Accepted) {
        let load = |index: &usize| {
            let load = &self.loads[*index];
            let live = load.live.load(Ordering::Relaxed);
            (live, load.total.load(Ordering::Relaxed))
        };
        if let Some(index) = (0..self.outs.len()).min_by_key(load) {
            self.loads[index].begin();
            if self.outs[index].send(connection).is_err() {
                // The loops are stopping: the connection is dropped.
                self.loads[index].end();
            }
        }
    }
}

impl Load {
    fn begin(&self) {
        self.live.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

fn watch(listener: StdListener) -> TcpListener {
    match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => panic!("a listener cannot be watched: {error}"),
    }
}

/// So many listeners on the first of the addresses that can be bound.
pub(super) fn bind(
    addresses: impl ToSocketAddrs,
    backlog: i32,
    count: usize,
) -> io::Result<Vec<StdListener>> {
    if count > 1 && !cfg!(target_os = "linux") {
        let text = "several listeners on one port do not balance on this system; hand over instead";
        return Err(io::Error::new(io::ErrorKind::Unsupported, text));
    }
    first_that(addresses, |address| {
        let first = listener(address)?;
        // Bound before it may be shared: else the system could choose, or the program be given, a
        // port that another program of the user's shares.
        first.bind(&address.into())?;
        share_port(&first, count)?;
        first.listen(backlog)?;
        let first = StdListener::from(first);
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..count {
            let other = listener(address)?;
            share_port(&other, count)?;
            other.bind(&address.into())?;
            other.listen(backlog)?;
            listeners.push(other.into());
        }
        Ok(listeners)
    })
}

fn listener(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    reuse_address(&socket, true)?;
    Ok(socket)
}

fn share_port(socket: &Socket, count: usize) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if count > 1 {
        socket.set_reuse_port(true)?;
    }
    let _ = (socket, count);
    Ok(())
}
