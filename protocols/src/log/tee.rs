//! One writer before several: each gets everything, whatever happens to the others.
//!
//! For records, a [`Logger`](super::Logger) with several sinks does the same.

use std::fmt;
use std::io::{self, Write};

/// A [`Write`] that hands all it gets to several others, in order. One that fails is counted and tried
/// again with the next write; the others are not held up by that.
///
/// A write fails only when every one of them has failed, with the error of the last. Without any, all
/// is thrown away.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{LineLogger, Tee};
/// use std::io::Write;
///
/// let mut tee = Tee::new()
///     .to(std::io::stderr())
///     .to(LineLogger::text(|line| println!("log: {line}")));
/// writeln!(tee, "to both")?;
/// assert_eq!(tee.failures(0), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct Tee {
    branches: Vec<Branch>,
}

struct Branch {
    writer: Box<dyn Write>,
    failures: u64,
    problem: Option<String>,
}

impl Tee {
    /// One that leads nowhere yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that leads to this writer as well, after those it leads to already.
    #[must_use]
    pub fn to(mut self, writer: impl Write + 'static) -> Self {
        self.branches.push(Branch {
            writer: Box::new(writer),
            failures: 0,
            problem: None,
        });
        self
    }

    /// How many calls of the writer with this index have failed; 0 if there is no such writer.
    pub fn failures(&self, index: usize) -> u64 {
        self.branches.get(index).map_or(0, |branch| branch.failures)
    }

    /// How the last failed call of the writer with this index failed.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::log::Tee;
    /// use std::io::{self, Write};
    ///
    /// struct Full;
    ///
    /// impl Write for Full {
    ///     fn write(&mut self, _: &[u8]) -> io::Result<usize> {
    ///         Err(io::Error::other("the disk is full"))
    ///     }
    ///
    ///     fn flush(&mut self) -> io::Result<()> {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let mut tee = Tee::new().to(io::sink()).to(Full);
    /// tee.write_all(b"hello\n")?; // The first has taken it.
    /// assert_eq!((tee.failures(0), tee.failures(1)), (0, 1));
    /// assert_eq!(tee.problem(1), Some("the disk is full"));
    /// # Ok::<(), io::Error>(())
    /// ```
    pub fn problem(&self, index: usize) -> Option<&str> {
        self.branches.get(index)?.problem.as_deref()
    }

    fn each(&mut self, mut call: impl FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut outcome = Ok(());
        let mut done = 0;
        for branch in &mut self.branches {
            match call(&mut branch.writer) {
                Ok(()) => done += 1,
                Err(error) => {
                    branch.failures += 1;
                    branch.problem = Some(error.to_string());
                    outcome = Err(error);
                }
            }
        }
        if done > 0 { Ok(()) } else { outcome }
    }
}

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.each(|writer| writer.write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.each(|writer| writer.flush())
    }
}

impl fmt::Debug for Tee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.branches.iter().map(|branch| &branch.problem))
            .finish()
    }
}
