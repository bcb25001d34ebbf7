//! Connecting to one of several addresses: Happy Eyeballs version 2, RFC 8305.
//!
//! ```text
//!  addresses, families in turn     a1 ─────────── no answer ────────────── closed
//!  (section 4)                        250 ms ► b1 ── refused
//!  one more attempt each 250 ms,                  └► a2 ── connected: taken
//!  or when one fails (section 5)                            b2: never tried
//! ```
//!
//! What is not done: looking up the two families separately (section 3), since the system's
//! resolver answers for both at once. How names are looked up is the business of [`address`](super::address).

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use eventlet_hub::Interest;
use eventlet_runloop::Time;
use socket2::{Domain, Protocol, Socket, Type};

use super::address::{Lookup, ToSocketAddrs, no_address_at_all};
use super::tcp_stream::TcpStream;
use crate::coroutine::Wait;
use crate::fd::{Shared, Watched, deadline_of, wait_any};
use crate::now::now;
use crate::sys::socket::{has_peer, is_connecting};
use crate::timeout::{TimeoutError, timeout};

/// How long an attempt to connect is waited for before the next address is tried beside it: what
/// RFC 8305, section 8, recommends.
pub const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The least that may be asked for instead: RFC 8305, section 8.
pub const MIN_CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(10);

/// Settings for connecting with TCP.
///
/// Several addresses, such as those of a name, are tried as RFC 8305 says: in the order they are
/// given, but with the two families in turn; when one has not answered after a quarter of a second,
/// or fails, the next is tried beside it. The first that answers is taken, and the others are given up.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{ConnectOptions, TcpListener};
/// use std::time::Duration;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let stream = ConnectOptions::new()
///     .timeout(Duration::from_secs(5))
///     .local_address(([127, 0, 0, 1], 0).into())
///     .connect(("localhost", listener.local_addr()?.port()))?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    timeout: Option<Duration>,
    local_address: Option<SocketAddr>,
    attempt_delay: Duration,
}

impl ConnectOptions {
    /// The settings of [`TcpStream::connect`].
    pub fn new() -> Self {
        ConnectOptions {
            timeout: None,
            local_address: None,
            attempt_delay: CONNECTION_ATTEMPT_DELAY,
        }
    }

    /// How long all of it may take: looking the name up, and every attempt. Default: no limit but
    /// the system's for each attempt (some two minutes on Linux).
    pub fn timeout(&mut self, limit: Duration) -> &mut Self {
        self.timeout = Some(limit);
        self
    }

    /// The address to connect from; port 0 lets the system choose one. Addresses of the other family
    /// fail then. Default: what the system chooses.
    pub fn local_address(&mut self, address: SocketAddr) -> &mut Self {
        self.local_address = Some(address);
        self
    }

    /// How long an attempt is waited for before the next address is tried beside it. Default:
    /// [`CONNECTION_ATTEMPT_DELAY`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::{ConnectOptions, TcpListener};
    /// use std::net::SocketAddr;
    /// use std::time::Duration;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // Who is gone again.
    /// let addresses: [SocketAddr; 2] = [nobody, listener.local_addr()?];
    /// let mut options = ConnectOptions::new();
    /// let stream = options.attempt_delay(Duration::from_millis(50)).connect(&addresses[..])?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn attempt_delay(&mut self, delay: Duration) -> &mut Self {
        self.attempt_delay = delay;
        self
    }

    /// Connects to the address that answers first; names are looked up on another thread.
    ///
    /// # Errors
    ///
    /// * What the address gave: `ConnectionRefused`, `NetworkUnreachable`, `TimedOut`, … Of several,
    ///   a [`ConnectError`] with all that they gave, of the last one's kind.
    /// * `TimedOut`: the [time limit](Self::timeout) was over.
    /// * `InvalidInput`: text that is no address, no address at all, a time limit of zero, an attempt
    ///   delay below [`MIN_CONNECTION_ATTEMPT_DELAY`].
    /// * What the resolver gives for a name.
    /// * Why the caller could not wait: see [`ParkError`](crate::ParkError).
    pub fn connect(&self, addresses: impl ToSocketAddrs) -> io::Result<TcpStream> {
        if self.timeout.is_some_and(|limit| limit.is_zero()) {
            return Err(invalid(
                "a connect with a time limit of zero could never succeed",
            ));
        }
        if self.attempt_delay < MIN_CONNECTION_ATTEMPT_DELAY {
            return Err(invalid("RFC 8305 asks for 10 ms between attempts at least"));
        }
        let deadline = deadline_of(self.timeout);
        let addresses = self.resolve(addresses.lookup()?)?;
        Race::new(self, addresses, deadline).run()
    }

    /// The addresses, if they are found within the time limit. (A program that cannot unwind waits
    /// for the resolver's own.)
    fn resolve(&self, lookup: Lookup) -> io::Result<Vec<SocketAddr>> {
        let (Lookup::Name(host, _), Some(limit)) = (&lookup, self.timeout) else {
            return lookup.resolve();
        };
        let late = format!("looking up {host} took too long");
        match timeout(limit, || lookup.clone().resolve()) {
            Ok(outcome) => outcome,
            Err(TimeoutError::Elapsed) => Err(io::Error::new(io::ErrorKind::TimedOut, late)),
            Err(TimeoutError::NeedsUnwinding(_)) => lookup.resolve(),
        }
    }

    /// Starts to connect; says whether it is done already.
    fn start(&self, address: SocketAddr) -> io::Result<(Shared<std::net::TcpStream>, Progress)> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        if let Some(local) = self.local_address {
            if local.is_ipv4() != address.is_ipv4() {
                return Err(invalid("the local address is of the other family"));
            }
            socket.bind(&local.into())?;
        }
        let progress = match socket.connect(&address.into()) {
            Ok(()) => Progress::Connected,
            Err(error) if is_connecting(&error) => Progress::Pending,
            Err(error) => return Err(error),
        };
        Ok((Watched::register(socket.into())?, progress))
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        ConnectOptions::new()
    }
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Pending,
    Connected,
}

/// Attempts to connect to several addresses, of which the first that succeeds is taken. Dropping it
/// closes the others, however the wait ends.
struct Race<'a> {
    options: &'a ConnectOptions,
    deadline: Option<Time>,
    waiting: VecDeque<SocketAddr>,
    /// When the next of those that wait is to be tried, if nothing happens before.
    next_start: Time,
    running: Vec<(SocketAddr, Shared<std::net::TcpStream>)>,
    failed: Vec<(SocketAddr, io::Error)>,
}

impl<'a> Race<'a> {
    fn new(options: &'a ConnectOptions, all: Vec<SocketAddr>, deadline: Option<Time>) -> Self {
        Race {
            options,
            deadline,
            waiting: families_in_turn(all),
            next_start: now(),
            running: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn run(mut self) -> io::Result<TcpStream> {
        loop {
            if (self.running.is_empty() || now() >= self.next_start)
                && let Some(address) = self.waiting.pop_front()
            {
                match self.options.start(address) {
                    Ok((stream, Progress::Connected)) => return Ok(TcpStream::of(stream)),
                    Ok((stream, Progress::Pending)) => {
                        self.running.push((address, stream));
                        self.next_start = now() + self.options.attempt_delay;
                    }
                    Err(error) => {
                        self.failed.push((address, error));
                        continue;
                    }
                }
            }
            if self.running.is_empty() {
                return Err(self.all_failed());
            }
            self.wait()?;
            if let Some(stream) = self.collect() {
                return Ok(stream);
            }
            if self.deadline.is_some_and(|deadline| now() >= deadline) {
                return Err(self.timed_out());
            }
        }
    }

    /// Waits for news of an attempt, but not longer than until the next may be started.
    fn wait(&self) -> io::Result<()> {
        let next = (!self.waiting.is_empty()).then_some(self.next_start);
        let until = match (self.deadline, next) {
            (Some(deadline), Some(next)) => Some(deadline.min(next)),
            (one, other) => one.or(other),
        };
        let sockets = self.running.iter().map(|(_, socket)| socket);
        wait_any(sockets, Interest::WRITABLE, Wait::Connect, until)
    }

    /// Takes the first that has connected, and puts those that have failed aside.
    fn collect(&mut self) -> Option<TcpStream> {
        let mut index = 0;
        while let Some((address, socket)) = self.running.get(index) {
            match outcome(socket) {
                Ok(Progress::Pending) => index += 1,
                Ok(Progress::Connected) => {
                    return Some(TcpStream::of(self.running.swap_remove(index).1));
                }
                Err(error) => {
                    self.failed.push((*address, error));
                    self.running.remove(index);
                    // Nothing is gained by waiting for the failed one's time.
                    self.next_start = now();
                }
            }
        }
        None
    }

    fn all_failed(mut self) -> io::Error {
        if self.failed.len() > 1 {
            let kind = self.failed[self.failed.len() - 1].1.kind();
            return ConnectError::in_all(self.failed, kind);
        }
        self.failed.pop().map_or_else(no_address_at_all, |(_, e)| e)
    }

    fn timed_out(self) -> io::Error {
        let late = self.running.iter().map(|(address, _)| {
            let error = io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
            (*address, error)
        });
        let untried = self.waiting.iter().map(|address| {
            let error = io::Error::new(io::ErrorKind::TimedOut, "not tried for lack of time");
            (*address, error)
        });
        let rest: Vec<_> = late.chain(untried).collect();
        let all = self.failed.into_iter().chain(rest).collect();
        ConnectError::in_all(all, io::ErrorKind::TimedOut)
    }
}

/// What has become of an attempt. A report may be spurious, so what decides is whether there is an
/// error or a peer; see connect(2), EINPROGRESS.
fn outcome(socket: &Shared<std::net::TcpStream>) -> io::Result<Progress> {
    let socket = socket.source()?;
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    Ok(match has_peer(socket)? {
        true => Progress::Connected,
        false => Progress::Pending,
    })
}

/// Keeps the order within each family, and lets the families take turns, the first one's first:
/// RFC 8305, section 4, with a First Address Family Count of 1.
fn families_in_turn(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let v4_first = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == v4_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut in_turn = VecDeque::new();
    loop {
        let before = in_turn.len();
        in_turn.extend(first.next());
        in_turn.extend(second.next());
        if in_turn.len() == before {
            return in_turn;
        }
    }
}

/// Why none of several addresses could be connected to. What [`TcpStream::connect`] gives has this
/// [within](io::Error::get_ref).
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{ConnectError, TcpStream};
///
/// # let listeners = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
/// # let dead = listeners.map(|listener| listener.local_addr().unwrap());
/// let error = TcpStream::connect(&dead[..]).unwrap_err();
/// let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ConnectError>());
/// for (address, error) in inner.unwrap().attempts() {
///     println!("{address}: {error}");
/// }
/// ```
#[derive(Debug)]
pub struct ConnectError {
    attempts: Vec<(SocketAddr, io::Error)>,
}

impl ConnectError {
    fn in_all(attempts: Vec<(SocketAddr, io::Error)>, kind: io::ErrorKind) -> io::Error {
        io::Error::new(kind, ConnectError { attempts })
    }

    /// What each address gave, in the order they failed.
    pub fn attempts(&self) -> &[(SocketAddr, io::Error)] {
        &self.attempts
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection")?;
        for (index, (address, error)) in self.attempts.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{address}: {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (_, last) = self.attempts.last()?;
        Some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |text: &str| -> Vec<SocketAddr> {
            text.split(' ')
                .filter(|word| !word.is_empty())
                .map(|word| word.parse().unwrap())
                .collect()
        };
        for (given, expected) in [
            ("", ""),
            ("1.1.1.1:1 2.2.2.2:2", "1.1.1.1:1 2.2.2.2:2"),
            (
                "[::1]:1 [::2]:2 [::3]:3 1.1.1.1:1 2.2.2.2:2",
                "[::1]:1 1.1.1.1:1 [::2]:2 2.2.2.2:2 [::3]:3",
            ),
            (
                "1.1.1.1:1 [::1]:1 [::2]:2 [::3]:3",
                "1.1.1.1:1 [::1]:1 [::2]:2 [::3]:3",
            ),
        ] {
            assert_eq!(families_in_turn(parse(given)), parse(expected), "{given}");
        }
    }
}
