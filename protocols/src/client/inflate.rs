//! Bodies that came compressed (RFC 9110 section 8.4.1.3), decompressed while they are read.
//!
//! `flate2` does the work. Several members, one after another, are one body (RFC 1952 section 2.2).

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;

use super::error::Error;
use super::response_body::Raw;

/// How much compressed data is read at a time.
const PIECE: usize = 8 * 1024;

/// Decompresses a body.
pub(super) struct Inflater {
    decoder: MultiGzDecoder<Piece>,
    /// How many bytes may still come out.
    left: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Going,
    Over,
    Failed,
}

impl Inflater {
    pub(super) fn new(most: u64) -> Self {
        Inflater {
            decoder: MultiGzDecoder::new(Piece::default()),
            left: most,
            state: State::Going,
        }
    }

    pub(super) fn read(&mut self, raw: &mut Raw, into: &mut [u8]) -> Result<usize, Error> {
        match self.state {
            State::Going if !into.is_empty() => {}
            State::Going | State::Over => return Ok(0),
            State::Failed => {
                let text = "decompressing this body has failed before";
                return Err(Error::Encoding(io::Error::new(
                    ErrorKind::NotConnected,
                    text,
                )));
            }
        }
        loop {
            match self.decoder.read(into) {
                Ok(0) => {
                    self.state = State::Over;
                    return Ok(0);
                }
                Ok(count) => {
                    if let Some(left) = self.left.checked_sub(count as u64) {
                        self.left = left;
                        return Ok(count);
                    }
                    self.state = State::Failed;
                    let text = "it becomes longer than it may, see Config::inflated";
                    return Err(Error::Encoding(io::Error::new(
                        ErrorKind::FileTooLarge,
                        text,
                    )));
                }
                // It wants more, which is read here, where the errors are ours.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.decoder.get_mut().fill(raw)?;
                }
                Err(error) => {
                    self.state = State::Failed;
                    return Err(Error::Encoding(error));
                }
            }
        }
    }
}

/// What has been read and not decompressed; `WouldBlock` when it is used up.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    at: usize,
    is_last: bool,
}

impl Piece {
    fn fill(&mut self, raw: &mut Raw) -> Result<(), Error> {
        self.bytes.resize(PIECE, 0);
        self.at = PIECE;
        let count = raw.read_some(&mut self.bytes)?;
        self.bytes.truncate(count);
        self.at = 0;
        self.is_last = count == 0;
        Ok(())
    }
}

impl Read for Piece {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Piece {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.bytes.len() && !self.is_last {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}
