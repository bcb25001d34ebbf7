//! What a child's standard input, output and error are connected to.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process;

use eventlet_green::io::{PipeReader, PipeWriter};

/// What a stream of a child is connected to. As [`std::process::Stdio`], with [`merged`](Self::merged).
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, Stdio};
///
/// let mut both = Command::new("sh");
/// both.args(["-c", "echo out; echo err >&2"]).stderr(Stdio::merged());
/// assert_eq!(both.output()?.stdout, b"out\nerr\n");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// ```
/// use eventlet_protocols::process::{Command, Stdio};
/// use std::io::Read;
///
/// let mut child = Command::new("cat")
///     .stdin(Stdio::null())
///     .stdout(Stdio::piped())
///     .stderr(Stdio::inherit())
///     .spawn()?;
/// let mut text = String::new();
/// child.stdout.take().expect("a pipe").read_to_string(&mut text)?;
/// assert!(text.is_empty() && child.wait()?.success());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Stdio(Kind);

#[derive(Debug)]
enum Kind {
    Inherit,
    Piped,
    Null,
    Merged,
    Owned(OwnedFd),
}

impl Stdio {
    /// The parent's own.
    pub fn inherit() -> Self {
        Stdio(Kind::Inherit)
    }

    /// A pipe to the parent.
    pub fn piped() -> Self {
        Stdio(Kind::Piped)
    }

    /// Nowhere: reading gives the end, what is written is gone.
    pub fn null() -> Self {
        Stdio(Kind::Null)
    }

    /// For standard error: wherever standard output goes, in the order in which it is written.
    pub fn merged() -> Self {
        Stdio(Kind::Merged)
    }

    pub(super) fn is_piped(&self) -> bool {
        matches!(self.0, Kind::Piped)
    }
}

/// A descriptor of one's own: a socket, a file, the end of a pipe. As long as the command lives it
/// holds the descriptor, so that the other end of a pipe is not at its end before.
impl<T: Into<OwnedFd>> From<T> for Stdio {
    fn from(descriptor: T) -> Self {
        Stdio(Kind::Owned(descriptor.into()))
    }
}

/// What a child gets as one of its streams; with a second descriptor of the same, where standard
/// error is merged into it.
type Given = (process::Stdio, Option<OwnedFd>);

/// Whether standard error goes where standard output goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    WithError,
}

impl Sharing {
    fn twin(self, of: &impl AsFd) -> io::Result<Option<OwnedFd>> {
        let shared = self == Sharing::WithError;
        shared.then(|| of.as_fd().try_clone_to_owned()).transpose()
    }
}

/// The parent's ends of a child's pipes.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) stdin: Option<io::PipeWriter>,
    pub(super) stdout: Option<io::PipeReader>,
    pub(super) stderr: Option<io::PipeReader>,
}

/// The three streams of a child, with the parent's ends.
pub(super) fn connect(
    [stdin, stdout, stderr]: [&Stdio; 3],
) -> io::Result<([process::Stdio; 3], Ends)> {
    let mut ends = Ends::default();
    let input = match &stdin.0 {
        Kind::Piped => {
            let (reader, writer) = io::pipe()?;
            ends.stdin = Some(writer);
            reader.into()
        }
        _ => other(stdin, &io::stdin(), Sharing::Alone)?.0,
    };
    let sharing = match &stderr.0 {
        Kind::Merged => Sharing::WithError,
        _ => Sharing::Alone,
    };
    let (output, twin) = outgoing(stdout, &mut ends.stdout, &io::stdout(), sharing)?;
    let error = match (sharing, twin) {
        (Sharing::WithError, Some(twin)) => twin.into(),
        (Sharing::WithError, None) => process::Stdio::null(),
        (Sharing::Alone, _) => outgoing(stderr, &mut ends.stderr, &io::stderr(), Sharing::Alone)?.0,
    };
    Ok(([input, output, error], ends))
}

fn outgoing(
    stdio: &Stdio,
    end: &mut Option<io::PipeReader>,
    parent: &impl AsFd,
    sharing: Sharing,
) -> io::Result<Given> {
    let Kind::Piped = stdio.0 else {
        return other(stdio, parent, sharing);
    };
    let (reader, writer) = io::pipe()?;
    *end = Some(reader);
    let twin = sharing.twin(&writer)?;
    Ok((writer.into(), twin))
}

/// What is no pipe.
fn other(stdio: &Stdio, parent: &impl AsFd, sharing: Sharing) -> io::Result<Given> {
    match &stdio.0 {
        Kind::Inherit => Ok((process::Stdio::inherit(), sharing.twin(parent)?)),
        Kind::Owned(descriptor) => Ok((descriptor.try_clone()?.into(), sharing.twin(descriptor)?)),
        Kind::Null | Kind::Piped => Ok((process::Stdio::null(), None)),
        Kind::Merged => {
            let text = "only standard error can be merged, into standard output";
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
    }
}

impl Ends {
    /// The ends as the parent's coroutines use them.
    pub(super) fn into_green(self) -> io::Result<GreenEnds> {
        Ok((
            self.stdin.map(PipeWriter::from_std).transpose()?,
            self.stdout.map(PipeReader::from_std).transpose()?,
            self.stderr.map(PipeReader::from_std).transpose()?,
        ))
    }
}

pub(super) type GreenEnds = (Option<PipeWriter>, Option<PipeReader>, Option<PipeReader>);
