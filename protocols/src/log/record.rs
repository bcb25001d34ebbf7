//! What a log line is made of, and who made it.
//!
//! How it becomes text is for [`layout`](super::layout) and for syslog's formats.

use std::borrow::Cow;
use std::fmt;
use std::thread;
use std::time::SystemTime;

use eventlet_green::current;
use log::Level;

/// A name and its value, beside the message.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{Field, Layout, Record};
/// use std::borrow::Cow;
///
/// let fields: [Field<'_>; 1] = [(Cow::Borrowed("port"), "80".to_owned())];
/// let record = Record::new(log::Level::Info, "app", "listening").fields(&fields);
/// let mut line = String::new();
/// Layout::Full.write(&record, 1000, &mut line);
/// assert!(line.ends_with("listening port=80"));
/// ```
pub type Field<'a> = (Cow<'a, str>, String);

/// One thing that a program has to say.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::Record;
///
/// let fields = [("port".into(), "80".to_owned())];
/// let record = Record::new(log::Level::Info, "app::net", "listening").fields(&fields);
/// assert_eq!(record.message, "listening");
/// assert_eq!(record.origin.to_string(), "main");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// When it was made.
    pub time: SystemTime,
    /// How important it is.
    pub level: Level,
    /// Which part of the program it is from: a module's path, as a rule.
    pub target: &'a str,
    /// Who made it.
    pub origin: Origin,
    /// What there is to say. It may have any characters in it.
    pub message: &'a str,
    /// What else there is to say, by name.
    pub fields: &'a [Field<'a>],
}

impl<'a> Record<'a> {
    /// One of now and of the caller.
    pub fn new(level: Level, target: &'a str, message: &'a str) -> Self {
        Record {
            time: SystemTime::now(),
            level,
            target,
            origin: Origin::here(),
            message,
            fields: &[],
        }
    }

    /// With these fields. Default: none.
    #[must_use]
    pub fn fields(mut self, fields: &'a [Field<'a>]) -> Self {
        self.fields = fields;
        self
    }
}

/// Who has made a record: a coroutine or a thread.
///
/// As text: `#17 fetcher` for a coroutine with a name, `#17` for one without, and for a thread, which a
/// root stack counts as, its name (`main`) or its number (`ThreadId(3)`). Numbers are the thread's own:
/// two loops may both have a `#17`.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::Origin;
///
/// let job = eventlet_green::Builder::new().name("fetcher").spawn(|| {
///     let here = Origin::here();
///     assert_eq!((here.name(), here.coroutine().is_some()), (Some("fetcher"), true));
/// })?;
/// job.join().unwrap();
/// let thread = std::thread::spawn(|| Origin::here().coroutine()).join().unwrap();
/// assert_eq!(thread, None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    coroutine: Option<u64>,
    name: Option<Box<str>>,
}

impl Origin {
    /// The caller. It can be asked for anywhere, while unwinding and on threads without a loop as well.
    pub fn here() -> Self {
        match current() {
            Some(coroutine) if !coroutine.is_root() => Origin {
                coroutine: Some(coroutine.id()),
                name: coroutine.name().map(Box::from),
            },
            _ => {
                let thread = thread::current();
                let name = match thread.name() {
                    Some(name) => Box::from(name),
                    None => format!("{:?}", thread.id()).into_boxed_str(),
                };
                Origin {
                    coroutine: None,
                    name: Some(name),
                }
            }
        }
    }

    /// The coroutine's number; `None` for a thread.
    pub fn coroutine(&self) -> Option<u64> {
        self.coroutine
    }

    /// The name of the coroutine or thread, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.coroutine, self.name()) {
            (Some(id), Some(name)) => write!(f, "#{id} {name}"),
            (Some(id), None) => write!(f, "#{id}"),
            (None, name) => f.write_str(name.unwrap_or_default()),
        }
    }
}
