//! One run loop per core: threads with a loop each, started, stopped and joined together.
//!
//! A coroutine never leaves its thread; what uses every core is a loop on each. [`start`] makes them,
//! [`serve()`] also has them serve one listening address between them. How the connections come to the
//! loops is a [`Sharing`]:
//!
//! ```text
//!  ReusePort                                 HandOver
//!
//!   kernel ─┬─► listener ─ loop 0             kernel ─► listener ─ acceptor ─┬─► loop 0
//!           ├─► listener ─ loop 1                                            ├─► loop 1
//!           └─► listener ─ loop 2              to the one with fewest        └─► loop 2
//! ```
//!
//! # Examples
//!
//! ```
//! use eventlet_green::{cores, net::TcpStream};
//! use std::io::{Read, Write};
//!
//! let serving = cores::serve("127.0.0.1:0", |mut stream, _peer| {
//!     stream.write_all(b"hello")
//! })?;
//! let mut text = String::new();
//! TcpStream::connect(serving.local_addr())?.read_to_string(&mut text)?;
//! assert_eq!(text, "hello");
//! serving.stop();
//! serving.join().unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```

mod loops;
mod serve;

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::num::NonZero;
use std::thread;
use std::time::Duration;

pub use loops::{Core, Loops, LoopsError, Stopper};
pub use serve::Serving;

use crate::net::{DEFAULT_BACKLOG, TcpStream, ToSocketAddrs};

/// Starts a loop per core, and calls `body` on each one's root stack. A loop ends, and unwinds its
/// coroutines, when its `body` returns; most wait for [`Core::wait_for_stop`].
///
/// # Errors
///
/// As for [`Builder::start`].
///
/// # Examples
///
/// ```
/// let loops = eventlet_green::cores::start(|core| core.wait_for_stop())?;
/// let there = loops.remotes()[0].spawn(|| std::thread::current().id()).unwrap();
/// assert_ne!(there.join().unwrap(), std::thread::current().id());
/// loops.stop();
/// loops.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn start(body: impl Fn(&Core) + Send + Sync + 'static) -> io::Result<Loops> {
    Builder::new().start(body)
}

/// Serves an address with a loop per core: a coroutine per connection, in which `handler` is called.
/// What it returns is dropped; what it panics with is reported, and ends that connection only.
///
/// # Errors
///
/// As for [`Builder::serve`].
pub fn serve<H, R>(address: impl ToSocketAddrs, handler: H) -> io::Result<Serving>
where
    H: Fn(TcpStream, SocketAddr) -> R + Send + Sync + 'static,
    R: 'static,
{
    Builder::new().serve(address, handler)
}

/// How loops share the connections to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// Each loop has a listener of its own on the same port (`SO_REUSEPORT`), and the kernel gives
    /// each connection to one of them, by the addresses; see socket(7). No step more than with one
    /// loop. Linux only: other systems have the option, but it does not balance there.
    ///
    /// Connections that a loop has not accepted when it stops are reset. Programs of the same user
    /// could join the port; none that is there already is joined.
    ReusePort,
    /// One more thread accepts, and hands each connection to the loop that has the fewest. Anywhere.
    HandOver,
}

impl Sharing {
    /// The better one on this system: [`ReusePort`](Self::ReusePort) on Linux, else
    /// [`HandOver`](Self::HandOver).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::cores::Sharing;
    ///
    /// let linux = cfg!(target_os = "linux");
    /// assert_eq!(Sharing::best() == Sharing::ReusePort, linux);
    /// ```
    pub const fn best() -> Self {
        if cfg!(target_os = "linux") {
            Sharing::ReusePort
        } else {
            Sharing::HandOver
        }
    }
}

/// Settings of loops to be started.
///
/// # Examples
///
/// ```
/// use eventlet_green::cores::{Builder, Sharing};
/// use std::time::Duration;
///
/// let serving = Builder::new()
///     .threads(2)
///     .sharing(Sharing::HandOver)
///     .grace(Duration::from_secs(5))
///     .serve("127.0.0.1:0", |stream, _peer| drop(stream))?;
/// serving.stop();
/// serving.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until they are started"]
pub struct Builder {
    threads: Option<usize>,
    hub: Option<String>,
    name: String,
    sharing: Sharing,
    backlog: i32,
    grace: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// The defaults, which are said at each setting.
    pub fn new() -> Self {
        Builder {
            threads: None,
            hub: None,
            name: "eventlet".into(),
            sharing: Sharing::best(),
            backlog: DEFAULT_BACKLOG,
            grace: Duration::ZERO,
        }
    }

    /// How many threads with a loop. Default: as many as
    /// [the system says](std::thread::available_parallelism) can run at once.
    pub fn threads(mut self, number: usize) -> Self {
        self.threads = Some(number);
        self
    }

    /// The hub of the loops, by name. Default: as for [`Setup`](crate::Setup).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::cores::Builder;
    ///
    /// let settings = Builder::new().threads(1).hub("select").name("worker").backlog(64);
    /// let loops = settings.start(|_| {
    ///     assert_eq!(std::thread::current().name(), Some("worker-0"));
    /// })?;
    /// loops.join().unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn hub(mut self, name: impl Into<String>) -> Self {
        self.hub = Some(name.into());
        self
    }

    /// What the threads are called: this, and a number. Default: `eventlet`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How the loops share a listening address. Default: [`Sharing::best`].
    pub fn sharing(mut self, sharing: Sharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// The backlog of each listener. Default: 1024, as for
    /// [`TcpListener::bind`](crate::net::TcpListener::bind).
    pub fn backlog(mut self, connections: i32) -> Self {
        self.backlog = connections;
        self
    }

    /// How long the handlers have to end by themselves when a server stops, before they are unwound.
    /// Default: zero, since only the program knows how long its answers may take.
    pub fn grace(mut self, time: Duration) -> Self {
        self.grace = time;
        self
    }

    /// Starts the loops; see [`start`]. Comes back when all of them turn.
    ///
    /// A `body` that panics ends its loop, stops the others, and is reported by
    /// [`Loops::join`].
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: no threads, or no such hub.
    /// * What the system gives: no thread, no descriptor is left. Those that were started are ended.
    pub fn start(self, body: impl Fn(&Core) + Send + Sync + 'static) -> io::Result<Loops> {
        let inputs = vec![(); self.thread_count()?];
        Loops::launch(&self, inputs, move |core, ()| body(core))
    }

    /// [`start`](Self::start) with something of its own for each loop, in order: as many loops as
    /// inputs, whatever [`threads`](Self::threads) says. For loops that accept by themselves, with
    /// what [`bind`](Self::bind) gives.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn start_with<I: Send + 'static>(
        self,
        inputs: Vec<I>,
        body: impl Fn(&Core, I) + Send + Sync + 'static,
    ) -> io::Result<Loops> {
        if inputs.is_empty() {
            return Err(no_threads());
        }
        Loops::launch(&self, inputs, body)
    }

    /// A listener for each loop, all on the first of the addresses that can be bound, non-blocking.
    /// With [`Sharing::ReusePort`] each is a socket of its own; else they are handles to one socket,
    /// and whichever loop is free first accepts (each connection wakes all that wait).
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::cores::Builder;
    /// use eventlet_green::net::{TcpListener, TcpStream};
    /// use eventlet_green::spawn;
    /// use std::io::{Read, Write};
    ///
    /// let builder = Builder::new().threads(2);
    /// let listeners = builder.bind("127.0.0.1:0")?;
    /// let address = listeners[0].local_addr()?;
    /// let loops = builder.start_with(listeners, |core, listener| {
    ///     let listener = TcpListener::from_std(listener).unwrap();
    ///     spawn(move || {
    ///         while let Ok((mut stream, _)) = listener.accept() {
    ///             let _ = stream.write_all(b"hello");
    ///         }
    ///     });
    ///     core.wait_for_stop();
    /// })?;
    /// let mut text = String::new();
    /// TcpStream::connect(address)?.read_to_string(&mut text)?;
    /// assert_eq!(text, "hello");
    /// loops.stop();
    /// loops.join().unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind(&self, address: impl ToSocketAddrs) -> io::Result<Vec<StdListener>> {
        let threads = self.thread_count()?;
        let count = match self.sharing {
            Sharing::HandOver => 1,
            Sharing::ReusePort => threads,
        };
        let mut listeners = serve::bind(address, self.backlog, count)?;
        for _ in count..threads {
            let other = listeners[0].try_clone()?;
            listeners.push(other);
        }
        Ok(listeners)
    }

    /// Serves an address with all the loops; see [`serve()`].
    ///
    /// # Errors
    ///
    /// * As for [`start`](Self::start) and
    ///   [`TcpListener::bind`](crate::net::TcpListener::bind).
    /// * `Unsupported`: [`Sharing::ReusePort`] on a system where it does not balance.
    pub fn serve<H, R>(self, address: impl ToSocketAddrs, handler: H) -> io::Result<Serving>
    where
        H: Fn(TcpStream, SocketAddr) -> R + Send + Sync + 'static,
        R: 'static,
    {
        Serving::begin(&self, address, handler)
    }

    fn thread_count(&self) -> io::Result<usize> {
        match self.threads {
            Some(0) => Err(no_threads()),
            Some(number) => Ok(number),
            None => Ok(thread::available_parallelism().map_or(1, NonZero::get)),
        }
    }
}

fn no_threads() -> io::Error {
    let text = "at least one thread is needed to run loops on";
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
