//! The console of a program: where it listens, who is there, and its end.
//!
//! What a client can do is the business of [`session`](super::session).

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::rc::Rc;

use eventlet_green::net::unix::UnixListener;
use eventlet_green::net::{Stream, TcpListener};
use eventlet_green::pool::Group;
use eventlet_green::signals::Signals;
use eventlet_green::{Builder, JoinError, JoinHandle, Time, current_id, now, stats};
use rhai::Module;
use slab::Slab;

use super::builder::{BackdoorBuilder, LogFilter, Private};
use super::config::Config;
use super::interpreter::standard;
use super::log::LogTap;
use super::names::{Names, Sealed};
use super::place::{Place, check_tcp, check_unix, listen_tcp, listen_unix, remove};
use super::session;
use super::table::{Align, Cell as TableCell, Table};
use crate::server::{Accepted, Carried, Listener, Peer, Transport};

/// What the sessions of a console share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) standard: rhai::Shared<Module>,
    pub(super) log_filter: Option<LogFilter>,
    pub(super) log_tap: LogTap,
    names: Rc<Sealed>,
    private: Option<Private>,
    visitors: RefCell<Slab<Entry>>,
}

struct Entry {
    /// Of the session's coroutine, once it runs.
    id: u64,
    client: String,
    since: Time,
}

impl Shared {
    /// The names that a session finds.
    pub(super) fn layers(&self, peer: &Peer) -> Rc<[Rc<Sealed>]> {
        let shared = Rc::clone(&self.names);
        match &self.private {
            None => Rc::new([shared]),
            Some(add) => {
                let mut names = Names::new();
                add(peer, &mut names);
                Rc::new([Rc::new(names.seal()), shared])
            }
        }
    }

    pub(super) fn banner(&self) -> String {
        match &self.config.banner {
            Some(banner) => banner.clone(),
            None => format!(
                "eventlet {} with the {} hub, process {}\nhelp() lists what there is",
                env!("CARGO_PKG_VERSION"),
                stats().hub,
                std::process::id()
            ),
        }
    }

    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("id", Align::Right),
            ("client", Align::Left),
            ("seconds", Align::Right),
        ]);
        for (_, entry) in self.visitors.borrow().iter() {
            let seconds = (now() - entry.since).as_secs_f64();
            table.push(vec![
                TableCell::number(entry.id),
                TableCell::text(entry.client.as_str()),
                TableCell::shown(seconds, format!("{seconds:.0}")),
            ]);
        }
        table
    }
}

/// A session's place in the list of those who are there.
pub(super) struct Visitor {
    shared: Rc<Shared>,
    key: usize,
}

impl Visitor {
    fn new(shared: &Rc<Shared>, peer: &Peer) -> Self {
        let entry = Entry {
            id: 0,
            client: peer.to_string(),
            since: now(),
        };
        let key = shared.visitors.borrow_mut().insert(entry);
        let shared = Rc::clone(shared);
        Visitor { shared, key }
    }

    /// The caller is the session.
    fn begin(&self) {
        self.shared.visitors.borrow_mut()[self.key].id = current_id();
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.shared.visitors.borrow_mut().remove(self.key);
    }
}

/// A console: a scripting prompt into the running program; see the [module](super).
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpStream;
/// use eventlet_protocols::backdoor::{Backdoor, Config, Names, Place, Telnet};
/// use std::io::{Read, Write};
///
/// let mut names = Names::new();
/// names.value("answer", "what it comes to", || 42_i64);
/// let mut config = Config::new();
/// config.telnet = Telnet::NotAsked;
/// config.banner = Some("hello".to_owned());
/// let backdoor = Backdoor::new(config, names);
/// let opened = backdoor.open(&"127.0.0.1:0".parse()?)?;
/// let Place::Tcp(address) = opened.place() else { unreachable!() };
///
/// let mut client = TcpStream::connect(*address)?;
/// client.write_all(b"app.answer / 2\nexit\n")?;
/// let mut text = String::new();
/// client.read_to_string(&mut text)?;
/// assert_eq!(text, "hello\r\n>>> 21\r\n>>> ");
/// # drop(opened);
/// # eventlet_green::yield_now();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_green::net::unix::UnixStream;
/// use eventlet_protocols::backdoor::{Backdoor, Config, LogTap, Names, Place};
/// use eventlet_protocols::server::Peer;
/// use std::io::{BufRead, BufReader, Write};
/// use std::rc::Rc;
///
/// let mut names = Names::new();
/// names.function("double", "double(n): twice the number", |n: i64| 2 * n);
/// let tap = LogTap::new();
/// let console = Backdoor::builder()
///     .config(Config::new())
///     .names(names)
///     .private_names(|_peer, names| {
///         names.value("who", "whom this session belongs to", || "you");
///     })
///     .log_tap(tap)
///     .log_filter(|target, level| Err(format!("no filter for {target} at {level}")))
///     .build();
/// let console = Rc::new(console);
///
/// let (near, far) = UnixStream::pair()?;
/// let serving = Rc::clone(&console);
/// let session = eventlet_green::spawn(move || serving.serve_stream(far, Peer::Unknown));
/// (&near).write_all(b"double(21)\n")?;
/// let lines = BufReader::new(&near).lines();
/// let answer = lines.map_while(Result::ok).find(|line| line.ends_with("42"));
/// assert!(answer.is_some());
/// assert_eq!(console.sessions(), 1);
/// console.log_tap().line("shown to those who have called log_here()");
/// drop(near);
/// session.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Backdoor {
    shared: Rc<Shared>,
}

impl Backdoor {
    /// A console with these settings, in which all sessions find these names.
    pub fn new(config: Config, names: Names) -> Self {
        Backdoor::builder().config(config).names(names).build()
    }

    /// For what [`new`](Self::new) has no room for.
    pub fn builder() -> BackdoorBuilder {
        BackdoorBuilder::default()
    }

    pub(super) fn of(parts: BackdoorBuilder) -> Self {
        let shared = Shared {
            config: parts.config,
            standard: standard(),
            log_filter: parts.log_filter,
            log_tap: parts.log_tap,
            names: Rc::new(parts.names.seal()),
            private: parts.private,
            visitors: RefCell::default(),
        };
        Backdoor {
            shared: Rc::new(shared),
        }
    }

    /// Listens, and serves in a coroutine of its own until what it gives is closed or dropped.
    ///
    /// # Errors
    ///
    /// * `PermissionDenied`: others than the [configuration](super::Config::exposure) allows could
    ///   connect.
    /// * `AddrInUse`, and what else listening gives.
    pub fn open(&self, place: &Place) -> io::Result<Opened> {
        let (listener, place, file) = match place {
            Place::Tcp(address) => {
                let listener = listen_tcp(*address, self.shared.config.exposure)?;
                let place = Place::Tcp(listener.local_addr()?);
                check_tcp(&listener, self.shared.config.exposure)?;
                (Listener::Tcp(listener), place, None)
            }
            Place::Unix(path) => {
                let listener = Listener::Unix(listen_unix(path)?);
                (listener, place.clone(), Some(SocketFile(path.clone())))
            }
        };
        let served = listener.try_clone()?;
        let group = Group::new();
        let backdoor = self.clone();
        let builder = Builder::new().name(format!("backdoor at {place}"));
        let serving = group.spawn_with(builder, move || backdoor.accept_all(&served))?;
        Ok(Opened {
            place,
            listener,
            serving,
            _group: group,
            _file: file,
        })
    }

    /// Serves a listening socket until it is closed. Killing the caller ends the sessions.
    ///
    /// # Errors
    ///
    /// * `PermissionDenied`: as for [`open`](Self::open).
    /// * What `accept` gives that trying again does not mend.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::net::TcpListener;
    /// use eventlet_green::net::unix::UnixListener;
    /// use eventlet_protocols::backdoor::{Backdoor, Config, Names};
    /// use std::io::ErrorKind;
    /// use std::rc::Rc;
    ///
    /// let console = Rc::new(Backdoor::new(Config::new(), Names::new()));
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let closing = listener.try_clone()?;
    /// let serving = Rc::clone(&console);
    /// let server = eventlet_green::spawn(move || serving.serve(listener));
    /// eventlet_green::yield_now(); // It serves.
    /// closing.close()?;
    /// assert!(server.join().unwrap().is_ok());
    ///
    /// // A socket that others may open is not served.
    /// # let path = std::env::temp_dir().join(format!("eventlet-doc-console-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// # use std::os::unix::fs::PermissionsExt;
    /// # std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
    /// let error = console.serve_unix(listener).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn serve(&self, listener: TcpListener) -> io::Result<()> {
        check_tcp(&listener, self.shared.config.exposure)?;
        self.accept_all(&Listener::Tcp(listener))
    }

    /// As [`serve`](Self::serve), for a Unix socket; only its owner may be able to connect.
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    pub fn serve_unix(&self, listener: UnixListener) -> io::Result<()> {
        check_unix(&listener, self.shared.config.exposure)?;
        self.accept_all(&Listener::Unix(listener))
    }

    /// Serves one client to its end: for programs that accept by themselves, and have looked whom.
    ///
    /// # Errors
    ///
    /// No stack could be had.
    pub fn serve_stream<S: Stream>(&self, stream: S, peer: impl Into<Peer>) -> io::Result<()>
    where
        for<'a> &'a S: Read + Write,
    {
        let peer = peer.into();
        let session = Group::new();
        self.begin(&session, Rc::new(Carried::new(stream, peer)))?;
        session.join_all().map_err(failed)
    }

    /// Opens the console when a signal comes (`SIGUSR1`), and closes it with the next one, as long as
    /// what it gives lives. Each time that is said in a line on standard error.
    ///
    /// # Errors
    ///
    /// As for [`Signals::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::signals::SIGUSR1;
    /// use eventlet_protocols::backdoor::{Backdoor, Config, Names, OnSignal, Place};
    ///
    /// let console = Backdoor::new(Config::new(), Names::new());
    /// let place = Place::Tcp("127.0.0.1:0".parse()?);
    /// let on_signal: OnSignal = console.open_on_signal(SIGUSR1, place)?; // kill -USR1 opens it.
    /// assert_eq!(console.sessions(), 0);
    /// drop(on_signal);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_on_signal(&self, signal: i32, place: Place) -> io::Result<OnSignal> {
        let signals = Signals::new(&[signal])?;
        let backdoor = self.clone();
        let group = Group::new();
        let builder = Builder::new().name(format!("backdoor, opened by signal {signal}"));
        group.spawn_with(builder, move || {
            let mut opened = None;
            while signals.wait().is_ok() {
                opened = match opened.take() {
                    Some(open) => {
                        drop(open);
                        eprintln!("backdoor: closed");
                        None
                    }
                    None => backdoor.open_loudly(&place),
                };
            }
        })?;
        Ok(OnSignal { _group: group })
    }

    /// Opens it, and says where, or why not, in a line on standard error: for programs that go on
    /// without it.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::backdoor::{Backdoor, Config, Names, Place};
    ///
    /// let console = Backdoor::new(Config::new(), Names::new());
    /// let nowhere = Place::Unix("no/such/folder/console".into());
    /// assert!(console.open_loudly(&nowhere).is_none(), "why, stands on standard error");
    /// ```
    pub fn open_loudly(&self, place: &Place) -> Option<Opened> {
        match self.open(place) {
            Ok(opened) => {
                eprintln!("backdoor: listening on {}", opened.place());
                Some(opened)
            }
            Err(error) => {
                eprintln!("backdoor: not listening on {place}: {error}");
                None
            }
        }
    }

    /// How many sessions there are.
    pub fn sessions(&self) -> usize {
        self.shared.visitors.borrow().len()
    }

    /// What the program's log lines are to be given to, so that sessions can show them.
    pub fn log_tap(&self) -> LogTap {
        self.shared.log_tap.clone()
    }

    fn accept_all(&self, listener: &Listener) -> io::Result<()> {
        // Killed with the caller, too.
        let sessions = Group::new();
        let outcome = loop {
            match listener.accept() {
                Ok(Accepted::Ready(transport)) => self.welcome(&sessions, transport),
                #[cfg(feature = "tls")]
                Ok(Accepted::Tls(_)) => unreachable!("a console listens without TLS"),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        sessions.kill_all().map_err(io::Error::other)?;
        sessions.join_all().map_err(failed)?;
        outcome
    }

    fn welcome(&self, sessions: &Group, transport: Rc<dyn Transport>) {
        let most = self.shared.config.sessions;
        let refusal = if self.sessions() < most {
            match self.begin(sessions, Rc::clone(&transport)) {
                Ok(()) => return,
                Err(error) => format!("no session can be had: {error}\r\n"),
            }
        } else {
            format!("there are {most} sessions already; try again later\r\n")
        };
        // What does not fit into a new connection's buffer is not worth waiting for.
        let _ = transport.try_write(refusal.as_bytes());
        transport.close();
    }

    fn begin(&self, sessions: &Group, transport: Rc<dyn Transport>) -> io::Result<()> {
        let visitor = Visitor::new(&self.shared, transport.peer());
        let name = format!("session of {}", transport.peer());
        let builder = Builder::new()
            .name(name)
            .stack_size(self.shared.config.stack());
        let session = sessions.spawn_with(builder, move || {
            visitor.begin();
            session::serve(&visitor.shared, transport);
        });
        session.map(drop)
    }
}

fn failed(error: JoinError) -> io::Error {
    io::Error::other(error.to_string())
}

impl Clone for Backdoor {
    /// Another handle to the same console.
    fn clone(&self) -> Self {
        let shared = Rc::clone(&self.shared);
        Backdoor { shared }
    }
}

impl fmt::Debug for Backdoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backdoor")
            .field("sessions", &self.sessions())
            .finish_non_exhaustive()
    }
}

/// Removes a socket's file in the end.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// A console that listens. Dropping it closes the console and ends its sessions.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::{Backdoor, Config, Names, Opened, Place};
///
/// let console = Backdoor::new(Config::new(), Names::new());
/// let opened: Opened = console.open(&Place::Tcp("127.0.0.1:0".parse()?))?;
/// println!("telnet {}", opened.place());
/// opened.close()?; // With the sessions there are.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the console is closed when this is dropped"]
pub struct Opened {
    place: Place,
    listener: Listener,
    serving: JoinHandle<io::Result<()>>,
    _group: Group,
    _file: Option<SocketFile>,
}

impl Opened {
    /// Where: with the port that the system chose.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Closes the console, ends its sessions, and gives what serving gave.
    ///
    /// # Errors
    ///
    /// What made it stop before.
    pub fn close(self) -> io::Result<()> {
        self.listener.close();
        self.serving.join().map_err(failed)?
    }
}

/// A console that a signal opens; see [`Backdoor::open_on_signal`]. Dropping it ends that.
#[must_use = "the signal is waited for until this is dropped"]
pub struct OnSignal {
    _group: Group,
}

impl fmt::Debug for OnSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnSignal").finish_non_exhaustive()
    }
}
