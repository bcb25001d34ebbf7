//! Pipes whose reads and writes park the coroutine.

use std::io;

use super::mode::Mode;
use crate::fd::{Shared, Watched, byte_reader, byte_writer, from_and_into_std, handle};
use crate::fd::{readable, writable};

/// Makes a pipe: what is written to the one end is read from the other. As [`std::io::pipe`].
///
/// Linux keeps 64 KiB that are not read yet, by default; a write waits for room. A write of up to
/// `PIPE_BUF` bytes (4096 on Linux) is not mixed with others'; see pipe(7).
///
/// # Errors
///
/// What the system gives (`EMFILE`).
///
/// # Examples
///
/// ```
/// use eventlet_green::io::pipe;
/// use std::io::{Read, Write};
///
/// let (mut reader, mut writer) = pipe()?;
/// let other = eventlet_green::spawn(move || writer.write_all(b"hello"));
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # other.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    reader.set_nonblocking(true)?;
    writer.set_nonblocking(true)?;
    let reader = PipeReader {
        watched: Watched::register(reader)?,
    };
    let writer = PipeWriter {
        watched: Watched::register(writer)?,
    };
    Ok((reader, writer))
}

/// The end of a pipe that is read from, in the shape of [`std::io::PipeReader`].
///
/// Reading gives the end of the stream when every writer is gone. The output of a child process,
/// through [`OwnedFd`](std::os::fd::OwnedFd):
///
/// ```
/// use eventlet_green::io::PipeReader;
/// use std::io::Read;
/// use std::os::fd::OwnedFd;
/// use std::process::{Command, Stdio};
///
/// let mut child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
/// let output = OwnedFd::from(child.stdout.take().expect("it is piped"));
/// let mut text = String::new();
/// PipeReader::from_std(output.into())?.read_to_string(&mut text)?;
/// assert_eq!(text, "hello\n");
/// # child.wait()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Examples
///
/// ```
/// use eventlet_green::io::{PipeReader, pipe};
/// use std::io::{ErrorKind, Read};
/// use std::time::Duration;
///
/// let (reader, writer) = pipe()?;
/// reader.set_read_timeout(Some(Duration::from_millis(1)))?;
/// assert_eq!(reader.read_timeout(), Some(Duration::from_millis(1)));
/// let mut text = [0; 2];
/// assert_eq!(reader.try_read(&mut text).unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(reader.wait_readable().unwrap_err().kind(), ErrorKind::TimedOut);
/// reader.set_read_timeout(None)?;
/// writer.try_write(b"hello")?;
/// reader.wait_readable()?;
/// assert_eq!(reader.try_read(&mut text)?, 2);
/// assert_eq!(reader.read_with(|mut pipe| pipe.read(&mut text))?, 2);
/// reader.try_with(|pipe| pipe.try_clone().map(drop))?;
/// reader.try_clone()?.close()?; // For both handles.
/// assert_eq!(reader.try_read(&mut text).unwrap_err().kind(), ErrorKind::NotConnected);
///
/// let (reader, _writer) = std::io::pipe()?;
/// let reader: std::io::PipeReader = PipeReader::from_std(reader)?.into_std()?;
/// # drop(reader);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct PipeReader {
    watched: Shared<io::PipeReader>,
}

handle!(PipeReader over io::PipeReader);
// It may be one whose reads stop at each packet: pipe(2), O_DIRECT.
from_and_into_std!(PipeReader over io::PipeReader, always_try);
readable!(PipeReader over io::PipeReader);
byte_reader!(PipeReader);

/// The end of a pipe that is written to, in the shape of [`std::io::PipeWriter`].
///
/// Writing gives `BrokenPipe` when every reader is gone.
///
/// # Examples
///
/// ```
/// use eventlet_green::io::{PipeWriter, pipe};
/// use std::io::{ErrorKind, Read, Write};
/// use std::time::Duration;
///
/// let (mut reader, writer) = pipe()?;
/// writer.set_write_timeout(Some(Duration::from_secs(5)))?;
/// assert_eq!(writer.write_timeout(), Some(Duration::from_secs(5)));
/// writer.wait_writable()?;
/// writer.try_write(b"one")?;
/// writer.write_with(|mut pipe| pipe.write(b" two"))?;
/// writer.try_with(|pipe| pipe.try_clone().map(drop))?;
/// writer.try_clone()?.close()?; // For both handles.
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "one two");
///
/// let (reader, writer) = std::io::pipe()?;
/// drop(reader);
/// let mut writer = PipeWriter::from_std(writer)?;
/// assert_eq!(writer.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
/// let writer: std::io::PipeWriter = writer.into_std()?;
/// # drop(writer);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct PipeWriter {
    watched: Shared<io::PipeWriter>,
}

handle!(PipeWriter over io::PipeWriter);
from_and_into_std!(PipeWriter over io::PipeWriter, always_try);
writable!(PipeWriter over io::PipeWriter);
byte_writer!(PipeWriter);
