//! The console's settings: who may connect, what a script may use, how long things may take.
//!
//! Which names scripts find is said in [`names`](super::names).

use std::fmt;
use std::time::Duration;

use eventlet_green::MAX_STACK_SIZE;
use subtle::ConstantTimeEq;

/// Settings of a [`Backdoor`](super::Backdoor). Whoever gets to the prompt can change the program as
/// its owner meant it to be changed, so the defaults let in nobody but the users of this machine
/// (TCP), or this program's own user (Unix sockets).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::{Config, Password};
/// use std::time::Duration;
///
/// let mut config = Config::new();
/// config.idle = Some(Duration::from_secs(600));
/// config.password = Some(Password::new("correct horse")?);
/// assert_eq!(config.sessions, Config::DEFAULT_SESSIONS);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// Who may be listened to. Default [`Exposure::Local`].
    pub exposure: Exposure,
    /// What has to be said before the first prompt. Default nothing.
    pub password: Option<Password>,
    /// How long a wrong password is waited for with the next try. Default 1 s: with
    /// [`sessions`](Self::sessions) that many tries a second are the most there are.
    pub password_delay: Duration,
    /// How many sessions there may be at a time; one more is told so and closed. Default 16.
    pub sessions: usize,
    /// How long a line may be, in bytes. Default 64 KiB.
    pub line: usize,
    /// How long a statement of several lines may be, in bytes. Default 128 KiB: compiling it holds the
    /// thread for some milliseconds.
    pub source: usize,
    /// How long a session may be without input or a statement that runs. Default an hour; `None` for
    /// ever.
    pub idle: Option<Duration>,
    /// How long output may wait for a client that does not read; then the session ends. Default
    /// 30 s.
    pub write: Duration,
    /// How long a statement may take. Default 60 s; `None` for ever. [`watch`](super) goes on; each
    /// evaluation has that long.
    pub statement: Option<Duration>,
    /// How many operations a statement may take: steps of the interpreter, of which it does some ten
    /// million a second. Default 500 million; `None` for no limit.
    pub operations: Option<u64>,
    /// By how much the process may grow while statements of a session run, in bytes: for what a script
    /// piles up without one of its values being too large, such as functions that hold functions,
    /// whose drop takes stack for each. It counts what the rest of the program takes meanwhile, too.
    /// Default 32 MiB, of which no chain can be made that overflows the stack of a session; `None` for
    /// no limit. Only where the system tells it (Linux). Memory that the program has freed, and its
    /// allocator keeps, is used before the process grows, and not counted: where that is as much again,
    /// a chain can be too long.
    pub growth: Option<usize>,
    /// How large the values of a script may be.
    pub sizes: Sizes,
    /// Whether a client over TCP is asked how wide its window is. Default [`Telnet::Asked`].
    pub telnet: Telnet,
    /// What is shown first, in place of the line about the program. Default none.
    pub banner: Option<String>,
}

/// How large the values of a script may be; see [`Config::sizes`].
///
/// Together they bound what a session can take: 64 variables of 1 MiB of text each, and their like.
/// Arrays and maps of more than some 87,000 elements together are beyond the largest stack there is.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::{Config, Sizes};
///
/// let mut config = Config::new();
/// config.sizes.string = 4 << 10; // For a small machine.
/// assert!(config.sizes.string < Sizes::default().string);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sizes {
    /// The longest string, in bytes, and all strings within one value together. Default 1 MiB.
    pub string: usize,
    /// The most elements of an array or blob, with those of the arrays within it. Default 10,000.
    /// Values may be nested as deep, and every level takes stack when they are shown or dropped: a
    /// session reserves 12 KiB of address space for each. Only what is touched takes memory.
    pub array: usize,
    /// The most properties of an object map, with those of the maps within it. Default 10,000: the
    /// rows of a `ps()` of 1,400 coroutines. As for arrays.
    pub map: usize,
    /// The most variables at a time. Default 64.
    pub variables: usize,
    /// The most functions that a session may define. Default 256.
    pub functions: usize,
    /// How deep calls may nest. Default 32.
    pub calls: usize,
    /// How deep expressions may nest. Default 64, and half as deep in functions.
    pub expressions: usize,
}

/// Who may be listened to.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::backdoor::{Backdoor, Config, Exposure, Names, Place};
/// use std::io::ErrorKind;
///
/// let everywhere = Place::Tcp("0.0.0.0:0".parse()?);
/// let error = Backdoor::new(Config::new(), Names::new()).open(&everywhere).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::PermissionDenied);
///
/// let mut config = Config::new();
/// config.exposure = Exposure::Anybody; // Within a network that keeps others out.
/// # let _: Option<TcpListener> = None;
/// Backdoor::new(config, Names::new()).open(&everywhere)?.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exposure {
    /// Loopback addresses, and Unix sockets that only their owner can open (mode 0600).
    #[default]
    Local,
    /// Any address, and any Unix socket. What is said is not encrypted, nor is a password.
    Anybody,
}

/// Whether a client over TCP is asked how wide its window is (RFC 1073).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::{Config, Telnet};
///
/// let mut config = Config::new();
/// config.telnet = Telnet::NotAsked; // A program reads the output.
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Telnet {
    /// With five bytes in front of the banner. In front of a client that is no telnet they are
    /// invisible; a program that reads the output gets them.
    #[default]
    Asked,
    /// No byte that is not text is sent unless the client has shown that it is telnet.
    NotAsked,
}

impl Config {
    /// See [`sessions`](Self::sessions).
    pub const DEFAULT_SESSIONS: usize = 16;
    /// See [`line`](Self::line).
    pub const DEFAULT_LINE: usize = 64 * 1024;
    /// See [`source`](Self::source).
    pub const DEFAULT_SOURCE: usize = 128 * 1024;
    /// See [`idle`](Self::idle).
    pub const DEFAULT_IDLE: Duration = Duration::from_secs(3600);
    /// See [`write`](Self::write).
    pub const DEFAULT_WRITE: Duration = Duration::from_secs(30);
    /// See [`statement`](Self::statement).
    pub const DEFAULT_STATEMENT: Duration = Duration::from_secs(60);
    /// See [`operations`](Self::operations).
    pub const DEFAULT_OPERATIONS: u64 = 500_000_000;
    /// See [`growth`](Self::growth).
    pub const DEFAULT_GROWTH: usize = 32 << 20;
    /// See [`password_delay`](Self::password_delay).
    pub const DEFAULT_PASSWORD_DELAY: Duration = Duration::from_secs(1);

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How large a stack has to be for values of these sizes, and for what may be piled up beside.
    pub(super) fn stack(&self) -> usize {
        let levels = self.sizes.array.saturating_add(self.sizes.map);
        let links = self.growth.unwrap_or(0) / SIZE_OF_A_LINK;
        let nested = levels.saturating_mul(STACK_OF_A_LEVEL);
        nested
            .max(links.saturating_mul(STACK_OF_A_LINK))
            .saturating_add(STACK_OF_THE_REST)
            .min(MAX_STACK_SIZE)
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            exposure: Exposure::default(),
            password: None,
            password_delay: Self::DEFAULT_PASSWORD_DELAY,
            sessions: Self::DEFAULT_SESSIONS,
            line: Self::DEFAULT_LINE,
            source: Self::DEFAULT_SOURCE,
            idle: Some(Self::DEFAULT_IDLE),
            write: Self::DEFAULT_WRITE,
            statement: Some(Self::DEFAULT_STATEMENT),
            operations: Some(Self::DEFAULT_OPERATIONS),
            growth: Some(Self::DEFAULT_GROWTH),
            sizes: Sizes::default(),
            telnet: Telnet::default(),
            banner: None,
        }
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes {
            string: 1 << 20,
            array: 10_000,
            map: 10_000,
            variables: 64,
            functions: 256,
            calls: 32,
            expressions: 64,
        }
    }
}

/// What one level of a nested value takes of the stack when it is shown, in a build without
/// optimizations; some 10 KiB were measured.
const STACK_OF_A_LEVEL: usize = 12 * 1024;
/// What a function that holds a function takes of memory, at least, and of the stack when it is dropped,
/// in a build without optimizations; 145 and some 700 bytes were measured.
const SIZE_OF_A_LINK: usize = 128;
const STACK_OF_A_LINK: usize = 1024;
/// For all that is not nested values.
const STACK_OF_THE_REST: usize = 1 << 20;

/// A password. Comparing it takes the same time whatever is compared.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::Password;
/// use std::io::ErrorKind;
///
/// let password = Password::new("correct horse")?;
/// assert!(!format!("{password:?}").contains("horse"));
/// assert_eq!(Password::new("two\nlines").unwrap_err().kind(), ErrorKind::InvalidInput);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Password {
    padded: [u8; Password::LONGEST],
    length: usize,
}

impl Password {
    /// The longest there may be, in bytes: what is compared always has this length.
    pub const LONGEST: usize = 256;

    /// The password.
    ///
    /// # Errors
    ///
    /// `InvalidInput`: empty, longer than [`LONGEST`](Self::LONGEST), or with a control character,
    /// which a line cannot have.
    pub fn new(text: &str) -> std::io::Result<Self> {
        let fault = if text.is_empty() {
            "an empty password keeps nobody out"
        } else if text.len() > Self::LONGEST {
            "the password is longer than 256 bytes"
        } else if text.chars().any(char::is_control) {
            "a password with a control character cannot be typed in a line"
        } else {
            return Ok(Self::padded(text));
        };
        Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, fault))
    }

    /// Of something longer, only the length counts, which is wrong.
    fn padded(text: &str) -> Self {
        let mut padded = [0; Self::LONGEST];
        let kept = text.len().min(Self::LONGEST);
        padded[..kept].copy_from_slice(&text.as_bytes()[..kept]);
        Password {
            padded,
            length: text.len(),
        }
    }

    pub(super) fn is(&self, given: &str) -> bool {
        let given = Self::padded(given);
        let same = self.padded.ct_eq(&given.padded) & self.length.ct_eq(&given.length);
        same.into()
    }
}

/// Does not show it.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Password;

    #[test]
    fn a_password_is_itself_and_nothing_else() {
        let longest = "x".repeat(Password::LONGEST);
        for text in ["a", "correct horse", &longest] {
            let password = Password::new(text).unwrap();
            assert!(password.is(text));
            for other in ["", "b", "correct horsf", "correct", &longest[1..]] {
                assert!(!password.is(other), "{other} for {text}");
            }
            assert!(!password.is(&format!("{text}\0")));
            assert!(!password.is(&format!("{text}x")));
            assert_eq!(format!("{password:?}"), "Password(…)");
        }
        for text in ["", "a\nb", &format!("{longest}x")] {
            assert!(Password::new(text).is_err(), "{text:?}");
        }
    }
}
