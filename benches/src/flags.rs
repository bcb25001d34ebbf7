//! The command line of the measuring programs: `--name value` pairs and switches, and the code such a
//! program ends with.
//!
//! No abbreviations, no positional arguments, no help pages: these programs are run by the few
//! lines of the README.

use std::fmt::Display;
use std::process::{ExitCode, Termination};
use std::str::FromStr;

/// The flags of a command line, taken out one by one; what is left over is an error.
///
/// # Examples
///
/// ```
/// use eventlet_benches::flags::Flags;
///
/// let mut flags = Flags::new(["--rounds", "3", "--quiet"]);
/// assert_eq!(flags.value("--rounds", 7_u32), Ok(3));
/// assert_eq!(flags.value("--depth", 16_u32), Ok(16));
/// assert!(flags.is_set("--quiet"));
/// assert!(flags.finish().is_ok());
/// ```
#[derive(Debug)]
pub struct Flags {
    words: Vec<String>,
}

impl Flags {
    /// The flags in `words`.
    pub fn new<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Flags {
            words: words.into_iter().map(Into::into).collect(),
        }
    }

    /// The flags this process was started with.
    pub fn of_process() -> Self {
        Self::new(std::env::args().skip(1))
    }

    /// The value of `name`, or `default` if it is not there.
    ///
    /// # Errors
    ///
    /// A line that names the flag, if it has no value or one that cannot be parsed.
    pub fn value<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> Result<T, String> {
        match self.text(name)? {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|error| format!("{name} {text}: {error}")),
        }
    }

    /// The value of `name` as it stands, if it is there.
    ///
    /// # Errors
    ///
    /// A line that names the flag, if it has no value.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.words.iter().position(|word| word == name) else {
            return Ok(None);
        };
        if at + 1 == self.words.len() {
            return Err(format!("{name} needs a value"));
        }
        self.words.remove(at);
        Ok(Some(self.words.remove(at)))
    }

    /// Whether the switch `name` is there.
    pub fn is_set(&mut self, name: &str) -> bool {
        let at = self.words.iter().position(|word| word == name);
        at.map(|at| self.words.remove(at)).is_some()
    }

    /// Checks that every word was taken.
    ///
    /// # Errors
    ///
    /// A line with the first word that was not.
    pub fn finish(self) -> Result<(), String> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(format!("{word}: no such flag, or given twice")),
        }
    }
}

/// How a program ends: as what it gave says (`()` is a success), or with status 1 after a line on standard
/// error, which begins with the program's name.
pub fn exit_code<T: Termination>(program: &str, outcome: Result<T, impl Display>) -> ExitCode {
    match outcome {
        Ok(given) => given.report(),
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}
