//! The frames, without a socket: bytes in, messages out, and the other way round.
//!
//! `tungstenite` reads from and writes to buffers here, so it never waits, and its state is never
//! borrowed while somebody does: one coroutine can wait to read while another waits to write. Who
//! moves the bytes is `shared`.

use std::io::{self, Read, Write};
use std::mem;

use bytes::Bytes;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::close::Close;
use super::error::Error;
use super::message::Message;
use super::settings::Settings;

/// How much is read from the socket at a time.
const PIECE: usize = 8 * 1024;

/// So much may be waiting to go out when something else is to be said. What the program sends waits
/// for less than that; of pongs, only the last is kept then, as RFC 6455 section 5.5.3 allows. So a
/// peer that pings and does not read cannot fill the memory.
pub(super) const BACKLOG: usize = 64 * 1024;

/// What has come.
#[derive(Debug)]
pub(super) enum Step {
    /// A message.
    Message(Message),
    /// A ping or a pong; a ping has been answered.
    Heard,
    /// The peer closes; if it began, that has been answered.
    Closed(Option<Close>),
    /// Nothing whole: [`Codec::lend_input`].
    NeedsInput,
}

pub(super) struct Codec {
    context: WebSocketContext,
    pipe: Pipe,
}

/// What stands between `tungstenite` and the socket.
#[derive(Default)]
struct Pipe {
    input: Vec<u8>,
    /// The bytes of it that have come, and of those how many have been taken.
    filled: usize,
    taken: usize,
    has_ended: bool,
    output: Vec<u8>,
}

impl Codec {
    /// With what was read already behind the handshake.
    pub(super) fn new(role: Role, settings: &Settings, ahead: &[u8]) -> Self {
        let pipe = Pipe {
            input: ahead.to_vec(),
            filled: ahead.len(),
            ..Pipe::default()
        };
        Codec {
            context: WebSocketContext::new(role, Some(settings.for_codec())),
            pipe,
        }
    }

    /// The next thing that has come.
    ///
    /// # Errors
    ///
    /// What is wrong with it; nothing more comes then.
    pub(super) fn next(&mut self) -> Result<Step, Error> {
        use tungstenite::Message::{Binary, Close as Closing, Frame, Ping, Pong, Text};
        match self.context.read(&mut self.pipe) {
            Ok(Text(text)) => Ok(Step::Message(Message::Text(text))),
            Ok(Binary(bytes)) => Ok(Step::Message(Message::Binary(bytes))),
            Ok(Ping(_) | Pong(_) | Frame(_)) => Ok(Step::Heard),
            Ok(Closing(frame)) => {
                self.prepare_output();
                Ok(Step::Closed(frame.map(Close::of_frame)))
            }
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                Ok(Step::NeedsInput)
            }
            Err(error) => Err(Error::of_codec(error)),
        }
    }

    /// The memory to read into, while nothing is in it.
    pub(super) fn lend_input(&mut self) -> Vec<u8> {
        let mut memory = mem::take(&mut self.pipe.input);
        // Whoever reads may be killed, and it with him.
        self.pipe.taken = 0;
        self.pipe.filled = 0;
        memory.resize(PIECE, 0);
        memory
    }

    /// Gives it back, with what was read; with nothing, at the end of the stream.
    pub(super) fn return_input(&mut self, memory: Vec<u8>, count: usize) {
        self.pipe.has_ended = count == 0;
        self.pipe.input = memory;
        self.pipe.filled = count;
    }

    /// Whether a message may be sent before more has gone out.
    pub(super) fn has_room(&self) -> bool {
        self.pipe.output.len() < BACKLOG
    }

    pub(super) fn send(&mut self, message: Message) -> Result<(), Error> {
        let message = message.into();
        let written = self.without_limit(|context, pipe| context.write(pipe, message));
        written.map_err(Error::of_codec)
    }

    /// Sends a ping, if there is still anybody to be asked.
    pub(super) fn ping(&mut self) {
        let ping = tungstenite::Message::Ping(Bytes::new());
        // The only thing that can be wrong is that it is closing: then that has its own deadline.
        let _ = self.context.write(&mut self.pipe, ping);
    }

    /// Begins to close; does nothing if that has begun.
    pub(super) fn close(&mut self, close: Close) {
        // It is queued in any case, and goes out as soon as there is room.
        let frame = Some(close.into_frame());
        let _ = self.without_limit(|context, pipe| context.close(pipe, frame));
    }

    /// What the program says is not measured by the limit for what is said without it.
    fn without_limit<T>(&mut self, say: impl FnOnce(&mut WebSocketContext, &mut Pipe) -> T) -> T {
        let limit = |most| move |config: &mut WebSocketConfig| config.max_write_buffer_size = most;
        self.context.set_config(limit(usize::MAX));
        let said = say(&mut self.context, &mut self.pipe);
        self.context.set_config(limit(BACKLOG));
        said
    }

    /// Whether messages can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.context.can_write()
    }

    /// Whether something is to go out.
    pub(super) fn has_output(&self) -> bool {
        !self.pipe.output.is_empty()
    }

    /// Takes what is to go out.
    pub(super) fn take_output(&mut self) -> Vec<u8> {
        self.prepare_output();
        mem::take(&mut self.pipe.output)
    }

    /// Puts back what did not go out, before what came meanwhile.
    pub(super) fn return_output(&mut self, mut bytes: Vec<u8>, sent: usize) {
        bytes.drain(..sent);
        if !self.pipe.output.is_empty() {
            bytes.append(&mut self.pipe.output);
        }
        self.pipe.output = bytes;
    }

    /// Has all that is to be said written to the buffer, as far as there is room.
    fn prepare_output(&mut self) {
        // What it can say is that there is no room, or that the connection is now closed.
        let _ = self.context.flush(&mut self.pipe);
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let waiting = &self.input[self.taken..self.filled];
        if waiting.is_empty() {
            return if self.has_ended {
                Ok(0)
            } else {
                Err(io::ErrorKind::WouldBlock.into())
            };
        }
        let count = waiting.len().min(into.len());
        into[..count].copy_from_slice(&waiting[..count]);
        self.taken += count;
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.output.len() >= BACKLOG {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
