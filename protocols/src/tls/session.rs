//! TLS between two byte streams, without a socket: records in, plaintext out, and back.
//!
//! ```text
//!            fill                    read
//!   socket ───────► incoming ─ TLS ────────► caller (what has no room there: `surplus`)
//!   socket ◄─────── outgoing ◄─ TLS ◄─────── caller
//!            send               encrypt
//! ```
//!
//! The protocol is rustls's, through its interface without buffers, so that an idle connection has
//! none. Reading and writing the socket, and waiting, is the business of
//! [`transfer`](super::transfer).

use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::UnbufferedServerConnection;
use rustls::{ClientConfig, CommonState, ServerConfig};

use super::error::TlsError;
use super::records::Records;
use super::steps::{Aim, End, Led, Side, Sink, look};

/// So much plaintext is encrypted at a time: one record (RFC 8446 section 5.1).
const PIECE: usize = 1 << 14;

/// The protocol of one connection.
pub(super) struct Session {
    side: Side,
    incoming: Records,
    /// Something was put into `incoming` and not yet looked at.
    is_unseen: bool,
    /// Decrypted, from `taken` on not read.
    surplus: Vec<u8>,
    taken: usize,
    /// To be sent, in this order.
    pub(super) outgoing: Vec<u8>,
    /// The plaintext at the end of which `outgoing` was, which nobody was told is written.
    ahead: Option<Ahead>,
    end: End,
    has_said_goodbye: bool,
    has_heard_nothing: bool,
    failed: Option<rustls::Error>,
}

/// Bytes that were encrypted in a write which could not be finished: the next one has to begin with
/// them.
struct Ahead {
    count: usize,
    hash: u64,
}

impl Ahead {
    fn new(bytes: &[u8]) -> Self {
        Ahead {
            count: bytes.len(),
            hash: hash(bytes),
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// What reading has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadStep {
    /// So many bytes; none only if none were asked for.
    Got(usize),
    /// More records have to come first.
    NeedsInput,
    /// The peer has ended its side.
    End,
}

impl Session {
    pub(super) fn client(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, rustls::Error> {
        let connection = UnbufferedClientConnection::new(config, name)?;
        Ok(Self::new(Side::Client(Box::new(connection))))
    }

    pub(super) fn server(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let connection = UnbufferedServerConnection::new(config)?;
        Ok(Self::new(Side::Server(Box::new(connection))))
    }

    fn new(side: Side) -> Self {
        Session {
            side,
            incoming: Records::default(),
            is_unseen: false,
            surplus: Vec::new(),
            taken: 0,
            outgoing: Vec::new(),
            ahead: None,
            end: End::Open,
            has_said_goodbye: false,
            has_heard_nothing: true,
            failed: None,
        }
    }

    fn common(&self) -> &CommonState {
        match &self.side {
            Side::Client(connection) => connection,
            Side::Server(connection) => connection,
        }
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.common().is_handshaking()
    }

    /// Whether all that is to be sent after the handshake are tickets: the server of TLS 1.3 has sent
    /// all else before, and the client can do without (RFC 8446 section 4.6.1).
    pub(super) fn has_only_tickets_to_send(&self) -> bool {
        matches!(self.side, Side::Server(_))
            && self.version() == Some(rustls::ProtocolVersion::TLSv1_3)
    }

    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.common().alpn_protocol()
    }

    pub(super) fn version(&self) -> Option<rustls::ProtocolVersion> {
        self.common().protocol_version()
    }

    pub(super) fn cipher_suite(&self) -> Option<rustls::CipherSuite> {
        let suite = self.common().negotiated_cipher_suite()?;
        Some(suite.suite())
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.common().handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    pub(super) fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.common().peer_certificates()
    }

    pub(super) fn has_heard_nothing(&self) -> bool {
        self.has_heard_nothing
    }

    /// The first bytes that have come, for as long as nothing was made of them.
    pub(super) fn first_bytes(&self) -> &[u8] {
        self.incoming.waiting()
    }

    /// Takes in what `read` gives of the peer's bytes; nothing is their end.
    pub(super) fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let count = self.incoming.fill(read)?;
        self.is_unseen |= count > 0;
        self.has_heard_nothing &= count == 0;
        if count == 0 && self.end == End::Open {
            self.end = End::Truncated;
        }
        Ok(count)
    }

    /// Gives buffers back that have nothing in them.
    pub(super) fn rest(&mut self) {
        self.incoming.rest();
        if self.taken == self.surplus.len() {
            self.surplus = Vec::new();
            self.taken = 0;
        }
        if self.outgoing.is_empty() {
            self.outgoing = Vec::new();
        }
    }

    /// Whether reading need not wait for the peer's bytes.
    pub(super) fn has_something_to_read(&self) -> bool {
        self.taken < self.surplus.len()
            || self.is_unseen
            || self.end != End::Open
            || self.failed.is_some()
    }

    /// Goes on with the handshake as far as the records go; says whether it is done.
    ///
    /// # Errors
    ///
    /// Why it has failed: then `outgoing` has what the peer is to be told.
    pub(super) fn handshake(&mut self) -> Result<bool, TlsError> {
        self.advance(&mut [], Aim::Advance)?;
        if !self.is_handshaking() {
            return Ok(true);
        }
        match self.end {
            End::Open => Ok(false),
            _ => Err(TlsError::Truncated),
        }
    }

    /// Decrypts what has come.
    ///
    /// # Errors
    ///
    /// What is wrong with it; a peer that went away without saying so.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<ReadStep, TlsError> {
        let there = self.surplus.len() - self.taken;
        if there > 0 {
            let count = there.min(into.len());
            into[..count].copy_from_slice(&self.surplus[self.taken..self.taken + count]);
            self.taken += count;
            if self.taken == self.surplus.len() {
                self.surplus.clear();
                self.taken = 0;
            }
            return Ok(ReadStep::Got(count));
        }
        let count = self.advance(into, Aim::Advance)?;
        if count > 0 || (into.is_empty() && !self.surplus.is_empty()) {
            return Ok(ReadStep::Got(count));
        }
        match self.end {
            End::Open => Ok(ReadStep::NeedsInput),
            End::Closed => Ok(ReadStep::End),
            End::Truncated => Err(TlsError::Truncated),
        }
    }

    /// Encrypts the beginning of `bytes` into `outgoing`; says how much. That is what the write has
    /// done once `outgoing` is sent; until [`is_sent`](Self::is_sent) is called, the same bytes
    /// have to come again, and are not encrypted again.
    ///
    /// # Errors
    ///
    /// `InvalidInput`: other bytes have come; what is wrong with the connection.
    pub(super) fn encrypt(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(ahead) = &self.ahead {
            return match bytes.get(..ahead.count) {
                Some(again) if hash(again) == ahead.hash => Ok(ahead.count),
                _ => Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "an earlier write was not finished: the next has to begin with its bytes",
                )),
            };
        }
        if self.has_said_goodbye {
            let text = "this side of the TLS connection has been shut down";
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, text));
        }
        let piece = &bytes[..bytes.len().min(PIECE)];
        self.advance(&mut [], Aim::Encrypt(piece))?;
        Ok(piece.len())
    }

    /// What was encrypted last was not sent to its end.
    pub(super) fn keep_ahead(&mut self, piece: &[u8]) {
        self.ahead = Some(Ahead::new(piece));
    }

    /// All of `outgoing` was sent.
    pub(super) fn is_sent(&mut self) {
        self.ahead = None;
    }

    /// Says to the peer that no more will come: once.
    pub(super) fn say_goodbye(&mut self) -> Result<(), TlsError> {
        if !self.has_said_goodbye {
            self.advance(&mut [], Aim::SayGoodbye)?;
            self.has_said_goodbye = true;
        }
        Ok(())
    }

    /// Deals with the records that are there, as far as there is room for what is in them, and does
    /// what is aimed at. Says how much plaintext was put into `into`.
    fn advance(&mut self, into: &mut [u8], mut aim: Aim<'_>) -> Result<usize, TlsError> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        let mut sink = Sink {
            into,
            count: 0,
            surplus: &mut self.surplus,
        };
        let is_reading = !sink.into.is_empty();
        loop {
            if is_reading && sink.is_full() {
                // Whole records may be left.
                return Ok(sink.count);
            }
            match look(
                &mut self.side,
                &mut self.incoming,
                &mut sink,
                &mut self.outgoing,
                &mut self.end,
                &mut aim,
            ) {
                Ok(Led::On) => {}
                Ok(Led::ToTheEnd) if matches!(aim, Aim::Advance) => {
                    self.is_unseen = false;
                    return Ok(sink.count);
                }
                Ok(Led::ToTheEnd) => return Err(rustls::Error::HandshakeNotComplete.into()),
                Err(error) => {
                    let count = sink.count;
                    self.fail(error.clone());
                    // What came before it is good.
                    return if count > 0 {
                        Ok(count)
                    } else {
                        Err(error.into())
                    };
                }
            }
        }
    }

    /// Remembers a failure, and has the peer told, if rustls has something to tell it.
    fn fail(&mut self, error: rustls::Error) {
        self.failed = Some(error);
        let mut nowhere = Sink {
            into: &mut [],
            count: 0,
            surplus: &mut Vec::new(),
        };
        // It would go on with the next record if there were nothing to be sent.
        while self.common().wants_write() {
            let led = look(
                &mut self.side,
                &mut self.incoming,
                &mut nowhere,
                &mut self.outgoing,
                &mut self.end,
                &mut Aim::Advance,
            );
            if !matches!(led, Ok(Led::On)) {
                return;
            }
        }
    }
}
