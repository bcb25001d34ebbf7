//! The hub under test: how to make one, and how patient to be with it.

use std::io;
use std::time::Duration;

use eventlet_hub::{Hub, Source, Sources};

use crate::sys::Bare;

/// A way to make hubs of the kind under test.
///
/// # Examples
///
/// ```
/// use eventlet_hub::Hub;
/// use eventlet_hub_test::{Oracle, Subject};
/// use std::net::UdpSocket;
/// use std::time::Duration;
///
/// let subject = Subject::new(Oracle::new).with_patience(Duration::from_secs(1));
/// assert_eq!(subject.patience(), Duration::from_secs(1));
/// assert_eq!(subject.hub().name(), Oracle::new()?.name());
///
/// let mut sources = subject.sources();
/// sources.register(UdpSocket::bind("127.0.0.1:0")?)?;
/// assert_eq!(sources.len(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Subject {
    make: Box<Make>,
    patience: Duration,
}

type Make = dyn Fn() -> io::Result<Box<dyn Hub>> + Send + Sync;

impl Subject {
    /// How long a test waits for what must come, by default: long enough for a machine under load,
    /// because a sound hub never makes a test wait that long.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    /// A subject of hubs that `make` makes.
    pub fn new<H: Hub + 'static>(make: impl Fn() -> io::Result<H> + Send + Sync + 'static) -> Self {
        Subject {
            make: Box::new(move || Ok(Box::new(make()?))),
            patience: Self::PATIENCE,
        }
    }

    /// The same, with another patience: for hubs that are known to be wrong.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long to wait for what must come.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// A new hub.
    ///
    /// # Panics
    ///
    /// If there is none to be had.
    pub fn hub(&self) -> Box<dyn Hub> {
        (self.make)().expect("make a hub")
    }

    /// A new hub with a table of sources.
    ///
    /// # Panics
    ///
    /// As for [`hub`](Self::hub).
    pub fn sources<S: Source>(&self) -> Sources<Box<dyn Hub>, S> {
        Sources::new(self.hub())
    }

    pub(crate) fn bare(&self) -> Bare {
        Bare::new(self.hub())
    }
}
