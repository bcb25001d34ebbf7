//! Records to syslog, over green datagram sockets: a daemon that is slow, away or started again holds
//! nobody up.
//!
//! * Here: the handle and its settings.
//! * [`text`]: what a datagram says, by RFC 3164 and RFC 5424.
//! * [`place`]: where the daemon is, and the socket to it.
//! * [`pump`]: the coroutine that sends.

mod place;
mod pump;
mod text;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eventlet_green::{Builder, cross};

pub use place::LOCAL_PLACES;
pub use pump::{FIRST_PAUSE, LAST_PAUSE, SEND_PATIENCE};
pub use syslog_fmt::Facility;
pub use text::{DEFAULT_DATA_ID, LOCAL_LIMIT, SyslogFormat, UDP_LIMIT_3164, UDP_LIMIT_5424};

use super::record::Record;
use super::sink::Sink;
use place::Place;
use pump::{Item, Pump};
use text::Text;

/// How many records may wait for the daemon, unless something else is asked for: 1024, so that a daemon
/// that is started again is waited for without a loss.
pub const DEFAULT_RECORDS: usize = 1024;

/// Sends records to syslog.
///
/// A coroutine of the thread that has started it sends, over a green socket; from any thread, records
/// are queued for it, and nobody who logs waits. While the daemon does not read, is not there, or is
/// started again, they wait in the queue; those that it has no room for are lost, counted, and told of
/// by a record once others can be sent. What a daemon had in its socket when it died is lost without
/// anybody knowing; so is what UDP loses.
///
/// The thread's loop must get to turn: if its root never waits, nothing is sent. When the last clone
/// goes, the coroutine sends what there is, unless that would have to wait for long, and ends. A program
/// that ends does not wait for it: [`flush`](Sink::flush) first.
///
/// As long as there is one, a root stack that nothing could wake is told of no deadlock: another thread
/// might log.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{Record, Sink, Syslog};
/// use std::os::unix::net::UnixDatagram;
/// use std::time::Duration;
///
/// # let folder = std::env::temp_dir().join(format!("eventlet-doc-syslog-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("log");
/// let daemon = UnixDatagram::bind(&path)?;
/// let syslog = Syslog::unix("app", &path).start()?;
/// syslog.record(&Record::new(log::Level::Info, "app::net", "listening"));
/// syslog.flush(Duration::from_secs(1))?;
/// let mut datagram = [0; 1024];
/// let length = daemon.recv(&mut datagram)?;
/// let text = String::from_utf8_lossy(&datagram[..length]);
/// assert!(text.ends_with("app::net [main] listening"), "{text}");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::log::{Facility, Record, Sink, Syslog, SyslogFormat};
/// use std::net::UdpSocket;
/// use std::time::Duration;
///
/// let collector = UdpSocket::bind("127.0.0.1:0")?;
/// let syslog = Syslog::udp("app", collector.local_addr()?.to_string())
///     .format(SyslogFormat::Rfc5424)
///     .facility(Facility::Local0)
///     .host("web1")
///     .limit(480)
///     .records(1000)
///     .start()?;
/// syslog.record(&Record::new(log::Level::Error, "app", "the disk is full"));
/// syslog.flush(Duration::from_secs(5))?;
/// let mut datagram = [0; 480];
/// let length = collector.recv(&mut datagram)?;
/// let text = String::from_utf8_lossy(&datagram[..length]);
/// assert!(text.starts_with("<131>1 ") && text.contains(" web1 app "), "{text}");
/// assert_eq!((syslog.stats().sent, syslog.stats().lost), (1, 0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Syslog {
    owner: Arc<Owner>,
}

struct Owner {
    text: Arc<Text>,
    items: cross::Sender<Item>,
    counts: Arc<Counts>,
    /// Closed with the last handle, which the pump hears wherever it waits.
    _alive: cross::Sender<()>,
}

/// What handles and pump count.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    lost: AtomicU64,
    /// Of those lost, how many nobody has been told of.
    untold: AtomicU64,
    problem: Mutex<Option<String>>,
}

impl Counts {
    fn lose(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
        self.untold.fetch_add(count, Ordering::Relaxed);
    }

    fn problem(&self) -> MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`Syslog::stats`] found.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{Record, Sink, Syslog, SyslogStats};
/// use std::net::UdpSocket;
/// use std::time::Duration;
///
/// let collector = UdpSocket::bind("127.0.0.1:0")?;
/// let syslog = Syslog::udp("app", collector.local_addr()?.to_string()).start()?;
/// syslog.record(&Record::new(log::Level::Info, "app", "hello"));
/// syslog.flush(Duration::from_secs(5))?;
/// let SyslogStats { sent, lost, problem, .. } = syslog.stats();
/// assert_eq!((sent, lost, problem), (1, 0, None));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyslogStats {
    /// Records that the system has taken, those that tell of losses included.
    pub sent: u64,
    /// Records that were lost, as far as can be known here.
    pub lost: u64,
    /// What was wrong last: the daemon was not there, a record too long for its socket.
    pub problem: Option<String>,
}

impl Syslog {
    /// Settings for one to this machine's daemon, in the usual places ([`LOCAL_PLACES`]). `app` is the
    /// program's name.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::log::Syslog;
    ///
    /// let syslog = Syslog::local("app").start()?; // Whether or not a daemon is there.
    /// # drop(syslog);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn local(app: impl Into<String>) -> SyslogOptions {
        let places = LOCAL_PLACES.iter().map(PathBuf::from).collect();
        SyslogOptions::new(app.into(), Place::Local(places))
    }

    /// Settings for one to the Unix datagram socket at a path.
    pub fn unix(app: impl Into<String>, path: impl Into<PathBuf>) -> SyslogOptions {
        SyslogOptions::new(app.into(), Place::Local(vec![path.into()]))
    }

    /// Settings for one over UDP to `HOST:PORT`; a name is looked up when it is first needed, off the
    /// loop.
    pub fn udp(app: impl Into<String>, address: impl Into<String>) -> SyslogOptions {
        SyslogOptions::new(app.into(), Place::Udp(address.into()))
    }

    /// How many records were sent and lost, and what was wrong last.
    pub fn stats(&self) -> SyslogStats {
        let counts = &self.owner.counts;
        SyslogStats {
            sent: counts.sent.load(Ordering::Relaxed),
            lost: counts.lost.load(Ordering::Relaxed),
            problem: counts.problem().clone(),
        }
    }
}

impl Sink for Syslog {
    fn record(&self, record: &Record<'_>) {
        let Owner {
            text,
            items,
            counts,
            ..
        } = &*self.owner;
        let lost_before = counts.untold.swap(0, Ordering::Relaxed);
        let datagram = text.datagram(record);
        let message = Item::Message {
            lost_before,
            datagram,
        };
        if items.try_send(message).is_err() {
            counts.untold.fetch_add(lost_before, Ordering::Relaxed);
            counts.lose(1);
        }
    }

    fn flush(&self, limit: Duration) -> io::Result<()> {
        let begun = Instant::now();
        let (done, waits) = cross::bounded(1);
        let items = &self.owner.items;
        items
            .send_timeout(Item::Flush(done), limit)
            .map_err(|error| match error {
                cross::SendTimeoutError::TimedOut(_) => not_in_time(),
                cross::SendTimeoutError::Refused(_, why) => why.into(),
                _ => gone(),
            })?;
        match waits.recv_timeout(limit.saturating_sub(begun.elapsed())) {
            Ok(()) => Ok(()),
            Err(cross::RecvTimeoutError::TimedOut) => Err(not_in_time()),
            Err(cross::RecvTimeoutError::Refused(why)) => Err(why.into()),
            Err(_) => Err(gone()),
        }
    }
}

fn not_in_time() -> io::Error {
    let text = "what was logged has not been sent to syslog in time";
    io::Error::new(io::ErrorKind::TimedOut, text)
}

fn gone() -> io::Error {
    let text = "the loop that sends to syslog has ended";
    io::Error::new(io::ErrorKind::BrokenPipe, text)
}

impl fmt::Debug for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Syslog")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Syslog`] to be started.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{Facility, Syslog, SyslogFormat, SyslogOptions};
///
/// let options: SyslogOptions = Syslog::local("app");
/// let syslog = options
///     .format(SyslogFormat::Rfc5424)
///     .facility(Facility::Daemon)
///     .host("web1")
///     .data_id("app@32473")
///     .limit(2048)
///     .records(100)
///     .start()?;
/// assert_eq!(syslog.stats().lost, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is started"]
pub struct SyslogOptions {
    app: String,
    place: Place,
    format: SyslogFormat,
    facility: Facility,
    host: Option<String>,
    data_id: String,
    limit: Option<usize>,
    records: usize,
}

impl SyslogOptions {
    fn new(app: String, place: Place) -> Self {
        SyslogOptions {
            app,
            place,
            format: SyslogFormat::Rfc3164,
            facility: Facility::User,
            host: None,
            data_id: DEFAULT_DATA_ID.to_owned(),
            limit: None,
            records: DEFAULT_RECORDS,
        }
    }

    /// What a datagram looks like. Default: [`SyslogFormat::Rfc3164`], which every daemon reads from its
    /// local socket.
    pub fn format(mut self, format: SyslogFormat) -> Self {
        self.format = format;
        self
    }

    /// Of which kind the program is; daemons sort by it. Default: [`Facility::User`], as for syslog(3).
    pub fn facility(mut self, facility: Facility) -> Self {
        self.facility = facility;
        self
    }

    /// What this machine is called. Default: as the system says. By RFC 3164 it is not sent to a local
    /// daemon, which does not expect it there.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.host = Some(name.into());
        self
    }

    /// Under which name structured data stands in RFC 5424 (`NAME@ENTERPRISE`, with the number of one's
    /// own enterprise from IANA). Default: [`DEFAULT_DATA_ID`].
    pub fn data_id(mut self, id: impl Into<String>) -> Self {
        self.data_id = id.into();
        self
    }

    /// How many bytes a datagram may have; a longer record is cut, and marked with
    /// [`CUT`](super::CUT). Default: [`LOCAL_LIMIT`] on this machine, over UDP [`UDP_LIMIT_3164`] or
    /// [`UDP_LIMIT_5424`].
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// How many records may wait for the daemon; further ones are lost and counted. Default:
    /// [`DEFAULT_RECORDS`].
    pub fn records(mut self, most: usize) -> Self {
        self.records = most;
        self
    }

    /// Starts the coroutine that sends, on this thread. That the daemon is not there is no error: it is
    /// looked for from time to time ([`FIRST_PAUSE`] to [`LAST_PAUSE`]).
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: a data id that RFC 5424 has no room for; no room for records.
    /// * No stack for a coroutine.
    pub fn start(self) -> io::Result<Syslog> {
        if self.records == 0 {
            let text = "syslog with no room for records would lose all of them";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let text = Arc::new(Text::new(&self)?);
        let counts = Arc::<Counts>::default();
        let (items, receiver) = cross::bounded(self.records);
        let (alive, end) = cross::bounded(1);
        let pump = Pump::new(self.place, receiver, end, &text, &counts);
        Builder::new().name("syslog").spawn(move || pump.run())?;
        Ok(Syslog {
            owner: Arc::new(Owner {
                text,
                items,
                counts,
                _alive: alive,
            }),
        })
    }
}
