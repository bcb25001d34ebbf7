//! A peer of the tests: frames made and taken apart by rules written down again here (RFC 6455 section
//! 5.2), so that a mistake of the library cannot hide.

use std::io::{Read, Write};

use eventlet_green::testing::{Duplex, duplex};
use eventlet_protocols::websocket::{Settings, WebSocket};

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// The bit that says that a frame is its message's last.
pub const FIN: u8 = 0x80;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Whose frames they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Client,
    Server,
}

/// A frame; `first` is its first byte.
pub fn frame_of(from: From, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let bit = if from == From::Client { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..=125 => out.push(bit | length as u8),
        length @ 126..=0xffff => {
            out.push(bit | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(bit | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    if from == From::Client {
        out.extend(MASK);
        out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b));
    } else {
        out.extend(payload);
    }
    out
}

/// What a close frame holds.
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// A peer that speaks in frames.
pub struct Raw<S> {
    pub stream: S,
    pub is: From,
}

impl<S: Read + Write> Raw<S> {
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a frame.
    #[track_caller]
    pub fn say(&mut self, first: u8, payload: &[u8]) {
        let frame = frame_of(self.is, first, payload);
        self.send(&frame);
    }

    /// The next frame: its first byte, and what it holds.
    #[track_caller]
    pub fn hear(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).unwrap();
        let is_masked = head[1] & 0x80 != 0;
        assert_eq!(is_masked, self.is == From::Server, "masked: {is_masked}");
        let length = match head[1] & 0x7f {
            126 => {
                let mut bytes = [0; 2];
                self.stream.read_exact(&mut bytes).unwrap();
                assert!(u16::from_be_bytes(bytes) > 125);
                usize::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                self.stream.read_exact(&mut bytes).unwrap();
                assert!(u64::from_be_bytes(bytes) > 0xffff);
                usize::try_from(u64::from_be_bytes(bytes)).unwrap()
            }
            length => usize::from(length),
        };
        let mut mask = [0; 4];
        if is_masked {
            self.stream.read_exact(&mut mask).unwrap();
        }
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).unwrap();
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        (head[0], payload)
    }

    #[track_caller]
    pub fn hear_text(&mut self, text: &str) {
        let (first, payload) = self.hear();
        assert_eq!(first, FIN | TEXT);
        assert_eq!(String::from_utf8(payload).unwrap(), text);
    }

    #[track_caller]
    pub fn hear_close(&mut self, code: u16) -> String {
        let (first, payload) = self.hear();
        assert_eq!(first, FIN | CLOSE, "{payload:?}");
        assert_eq!(payload[..2], code.to_be_bytes());
        String::from_utf8(payload[2..].to_vec()).unwrap()
    }

    /// The end of the connection, without another byte.
    #[track_caller]
    pub fn hear_end(&mut self) {
        assert_eq!(self.stream.read(&mut [0]).unwrap(), 0);
    }
}

/// How much is on its way in memory at most.
pub const CAPACITY: usize = 64 * 1024;

/// Our side, which is not `from`, and a raw peer, over a connection in memory.
pub fn pair_with(from: From, settings: Settings) -> (WebSocket, Raw<Duplex>) {
    let (near, far) = duplex(CAPACITY);
    let ours = match from {
        From::Client => WebSocket::server_over(near, settings),
        From::Server => WebSocket::client_over(near, settings),
    };
    let raw = Raw {
        stream: far,
        is: from,
    };
    (ours, raw)
}

pub fn pair(from: From) -> (WebSocket, Raw<Duplex>) {
    pair_with(from, Settings::default())
}

/// Both sides ours.
pub fn both(settings: Settings) -> (WebSocket, WebSocket) {
    let (near, far) = duplex(CAPACITY);
    let client = WebSocket::client_over(near, settings.clone());
    (client, WebSocket::server_over(far, settings))
}
