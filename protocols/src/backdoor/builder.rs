//! What a console is made of, put together before it listens.

use std::fmt;

use super::config::Config;
use super::log::LogTap;
use super::names::Names;
use super::serve::Backdoor;
use crate::server::Peer;

/// Adds the names of one session.
pub(super) type Private = Box<dyn Fn(&Peer, &mut Names)>;
/// Sets the level of a target, or says what is wrong.
pub(super) type LogFilter = Box<dyn Fn(&str, &str) -> Result<(), String>>;

/// What a [`Backdoor`] is made of.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::{Backdoor, BackdoorBuilder, Config, LogTap, Names};
///
/// let builder: BackdoorBuilder = Backdoor::builder();
/// let console = builder
///     .config(Config::new())
///     .names(Names::new())
///     .private_names(|peer, names| {
///         let peer = peer.to_string();
///         names.value("who", "whom this session belongs to", move || peer.clone());
///     })
///     .log_filter(|target, level| Err(format!("no filter for {target} at {level}")))
///     .log_tap(LogTap::new())
///     .build();
/// assert_eq!(console.sessions(), 0);
/// ```
#[derive(Default)]
pub struct BackdoorBuilder {
    pub(super) config: Config,
    pub(super) names: Names,
    pub(super) private: Option<Private>,
    pub(super) log_filter: Option<LogFilter>,
    pub(super) log_tap: LogTap,
}

impl BackdoorBuilder {
    /// The settings. Default: [`Config::default`].
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The names that all sessions find. Default none.
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Called for each session that begins, to add names of its own; they come before those that all
    /// have. Default none.
    pub fn private_names(mut self, add: impl Fn(&Peer, &mut Names) + 'static) -> Self {
        self.private = Some(Box::new(add));
        self
    }

    /// What `log(target, level)` calls: it sets the program's log filter, or says what was wrong.
    /// Default none; `log()` then says that.
    pub fn log_filter(mut self, set: impl Fn(&str, &str) -> Result<(), String> + 'static) -> Self {
        self.log_filter = Some(Box::new(set));
        self
    }

    /// Where `log_here()` gets lines from, if the program has made it before its console. Default a
    /// new one: [`Backdoor::log_tap`].
    pub fn log_tap(mut self, tap: LogTap) -> Self {
        self.log_tap = tap;
        self
    }

    /// The console.
    pub fn build(self) -> Backdoor {
        Backdoor::of(self)
    }
}

impl fmt::Debug for BackdoorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackdoorBuilder")
            .field("config", &self.config)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
