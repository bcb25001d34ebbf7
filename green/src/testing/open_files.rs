//! The open descriptors of the process, to see whether a test has left some.
//!
//! They are read from `/dev/fd`, which Linux, macOS and the BSDs have. Those that are registered
//! with a loop are listed by [`Leftovers`](super::Leftovers) as well.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;

use eventlet_hub::fd::RawFd;

/// Where the system lists the descriptors of whoever asks.
const LIST: &str = "/dev/fd";

/// The numbers of the open descriptors.
///
/// They belong to the process: what tests that run at the same time open, is seen as well. So this
/// is for a test that is alone in its process ([`in_children`](super::in_children); or a test
/// binary of one test).
///
/// # Examples
///
/// ```no_run
/// use eventlet_green::testing::OpenFiles;
///
/// let before = OpenFiles::now()?;
/// // …
/// let new = OpenFiles::now()?.since(&before);
/// assert!(new.is_empty(), "{new}");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenFiles {
    numbers: BTreeSet<RawFd>,
}

impl OpenFiles {
    /// Those that are open now.
    ///
    /// # Errors
    ///
    /// What reading the list gives: `EMFILE`, or `NotFound` where the system has none.
    pub fn now() -> io::Result<Self> {
        // What the process keeps from its first use on is no leak.
        crate::sys::descriptor::prepare()?;
        let mut numbers = BTreeSet::new();
        for entry in fs::read_dir(LIST)? {
            if let Some(number) = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            {
                numbers.insert(number);
            }
        }
        // The list's own descriptor is in it, and closed by now.
        numbers.retain(|number| fs::symlink_metadata(format!("{LIST}/{number}")).is_ok());
        Ok(OpenFiles { numbers })
    }

    /// Those of these that were not open `before`.
    pub fn since(&self, before: &OpenFiles) -> OpenFiles {
        OpenFiles {
            numbers: self.numbers.difference(&before.numbers).copied().collect(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many there are.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_green::testing::OpenFiles;
    ///
    /// assert!(OpenFiles::now()?.len() > 0, "standard output and its like");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.numbers.len()
    }
}

impl fmt::Display for OpenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} open descriptors:", self.len())?;
        for &number in &self.numbers {
            write!(
                f,
                "\n  descriptor {number}: {}",
                describe_descriptor(number)
            )?;
        }
        Ok(())
    }
}

/// What the system says of a descriptor: a path, or the kind of a nameless thing.
pub(super) fn describe_descriptor(number: RawFd) -> String {
    match fs::read_link(format!("{LIST}/{number}")) {
        Ok(target) => target.display().to_string(),
        Err(_) => "of unknown kind".to_owned(),
    }
}
