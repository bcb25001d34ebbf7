//! One look at the records: what the protocol wants done next, and doing it.
//!
//! rustls goes through states, each of which has to be dealt with before the next; here is what each
//! means for a [`Session`](super::session::Session), which goes through as many as there are.

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus,
};

use super::records::Records;

/// What encryption adds to a record at most, for a first guess: rustls says what it needs.
const OVERHEAD: usize = 64;

/// Which side of the protocol it is.
pub(super) enum Side {
    Client(Box<UnbufferedClientConnection>),
    Server(Box<UnbufferedServerConnection>),
}

/// How the peer's side stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Open,
    /// It has said that no more will come.
    Closed,
    /// Its bytes have come to an end without that.
    Truncated,
}

/// What the records are looked at for.
pub(super) enum Aim<'a> {
    /// To go on with what the peer has sent.
    Advance,
    Encrypt(&'a [u8]),
    SayGoodbye,
}

/// Where a look at the records has led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// Look again.
    On,
    /// All records that are whole have been dealt with; what was aimed at has been done, if it can
    /// be.
    ToTheEnd,
}

/// Where plaintext goes: what fits to the caller, the rest aside.
pub(super) struct Sink<'a> {
    pub(super) into: &'a mut [u8],
    pub(super) count: usize,
    pub(super) surplus: &'a mut Vec<u8>,
}

impl Sink<'_> {
    fn put(&mut self, payload: &[u8]) {
        let room = &mut self.into[self.count..];
        let fits = payload.len().min(room.len());
        room[..fits].copy_from_slice(&payload[..fits]);
        self.count += fits;
        self.surplus.extend_from_slice(&payload[fits..]);
    }

    pub(super) fn is_full(&self) -> bool {
        self.count == self.into.len()
    }
}

/// Looks at the records once.
pub(super) fn look(
    side: &mut Side,
    incoming: &mut Records,
    sink: &mut Sink<'_>,
    outgoing: &mut Vec<u8>,
    end: &mut End,
    aim: &mut Aim<'_>,
) -> Result<Led, rustls::Error> {
    let waiting = incoming.waiting_mut();
    let (discard, led) = match side {
        Side::Client(connection) => {
            let status = connection.process_tls_records(waiting);
            step::<ClientConnectionData>(status, sink, outgoing, end, aim)
        }
        Side::Server(connection) => {
            let status = connection.process_tls_records(waiting);
            step::<ServerConnectionData>(status, sink, outgoing, end, aim)
        }
    };
    incoming.consume(discard);
    led
}

/// Deals with one state of the protocol; says how many bytes of the records are done with.
fn step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    sink: &mut Sink<'_>,
    outgoing: &mut Vec<u8>,
    end: &mut End,
    aim: &mut Aim<'_>,
) -> (usize, Result<Led, rustls::Error>) {
    let mut discard = status.discard;
    let state = match status.state {
        Ok(state) => state,
        Err(error) => return (discard, Err(error)),
    };
    let led = match state {
        ConnectionState::ReadTraffic(mut traffic) => loop {
            match traffic.next_record() {
                None => break Ok(Led::On),
                Some(Ok(record)) => {
                    discard += record.discard;
                    sink.put(record.payload);
                }
                Some(Err(error)) => break Err(error),
            }
        },
        ConnectionState::PeerClosed => {
            *end = End::Closed;
            Ok(Led::On)
        }
        ConnectionState::EncodeTlsData(mut data) => append(outgoing, OVERHEAD, |room| {
            data.encode(room).map_err(|error| match error {
                EncodeError::InsufficientSize(size) => Short::Of(size),
                EncodeError::AlreadyEncoded => Short::Never,
            })
        })
        .map(|()| Led::On),
        ConnectionState::TransmitTlsData(data) => {
            // `outgoing` is sent before anything that comes later.
            data.done();
            Ok(Led::On)
        }
        ConnectionState::WriteTraffic(mut traffic) => {
            match std::mem::replace(aim, Aim::Advance) {
                Aim::Advance => Ok(Led::ToTheEnd),
                Aim::Encrypt(bytes) => append(outgoing, bytes.len() + OVERHEAD, |room| {
                    traffic.encrypt(bytes, room).map_err(Short::from)
                })
                // There may be more to be sent with it.
                .map(|()| Led::On),
                Aim::SayGoodbye => append(outgoing, OVERHEAD, |room| {
                    traffic.queue_close_notify(room).map_err(Short::from)
                })
                .map(|()| Led::On),
            }
        }
        // `BlockedHandshake`, `Closed`: nothing to be done now. Early data is not accepted.
        _ => Ok(Led::ToTheEnd),
    };
    (discard, led)
}

/// Why something was not written.
enum Short {
    /// It needs more room.
    Of(InsufficientSizeError),
    /// It cannot be written at all: rustls counts how much one key may encrypt.
    Never,
}

impl From<EncryptError> for Short {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::InsufficientSize(size) => Short::Of(size),
            EncryptError::EncryptExhausted => Short::Never,
        }
    }
}

/// Has something written behind what is in `outgoing`, with as much room as it needs.
fn append(
    outgoing: &mut Vec<u8>,
    guess: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Short>,
) -> Result<(), rustls::Error> {
    let before = outgoing.len();
    let mut room = guess;
    loop {
        outgoing.resize(before + room, 0);
        match write(&mut outgoing[before..]) {
            Ok(count) => {
                outgoing.truncate(before + count);
                return Ok(());
            }
            Err(Short::Of(size)) if size.required_size > room => room = size.required_size,
            Err(_) => {
                outgoing.truncate(before);
                return Err(rustls::Error::EncryptError);
            }
        }
    }
}
