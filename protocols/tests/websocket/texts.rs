//! What the errors of a WebSocket say, and as which kinds a reader has them.

use std::error::Error as _;
use std::io::{self, ErrorKind};

use eventlet_protocols::websocket::{Error, Fault};

#[test]
fn each_fault_of_the_peer_is_named() {
    for (fault, text) in [
        (Fault::Opcode(11), "a frame of an unknown kind (11)"),
        (Fault::ReservedBits, "a reserved bit is set"),
        (Fault::Unmasked, "a client's frame is not masked"),
        (Fault::Masked, "a server's frame is masked"),
        (Fault::FragmentedControl, "a control frame in fragments"),
        (Fault::LongControl, "a control frame of more than 125 bytes"),
        (Fault::UnexpectedContinuation, "a continuation of nothing"),
        (
            Fault::ExpectedContinuation,
            "a message within another one's fragments",
        ),
        (Fault::BadClose, "a close frame of one byte"),
        (Fault::AfterClose, "a frame after the close"),
        (Fault::NotUtf8, "text that is not UTF-8"),
    ] {
        assert_eq!(fault.to_string(), text);
        let error = Error::Protocol(fault);
        assert!(error.is_peers());
        assert_eq!(
            error.to_string(),
            format!("the peer has broken the protocol: {text}")
        );
    }
}

#[test]
fn each_error_has_its_text_and_its_kind() {
    let too_large = Error::TooLarge { size: 9, limit: 8 };
    for (error, text, kind, is_peers) in [
        (
            too_large,
            "9 bytes from the peer are beyond the limit of 8",
            ErrorKind::InvalidData,
            true,
        ),
        (
            Error::Lost,
            "the connection has ended without a close",
            ErrorKind::UnexpectedEof,
            true,
        ),
        (
            Error::Unresponsive,
            "the peer has not answered in time",
            ErrorKind::TimedOut,
            true,
        ),
        (
            Error::Stalled,
            "the peer has not read in time",
            ErrorKind::TimedOut,
            true,
        ),
        (
            Error::Closed,
            "the connection is closed",
            ErrorKind::NotConnected,
            false,
        ),
        (
            Error::Elapsed,
            "nothing came in time",
            ErrorKind::TimedOut,
            false,
        ),
    ] {
        assert_eq!(
            (error.to_string().as_str(), error.is_peers()),
            (text, is_peers)
        );
        assert!(error.source().is_none());
        let as_io = io::Error::from(error);
        assert_eq!((as_io.kind(), as_io.to_string().as_str()), (kind, text));
    }
    // The connection's own comes out as it was.
    let reset = || io::Error::new(ErrorKind::ConnectionReset, "reset");
    let error = Error::from(reset());
    assert!(error.to_string() == "reset" && !error.is_peers());
    assert_eq!(error.source().unwrap().to_string(), "reset");
    assert_eq!(io::Error::from(error).kind(), ErrorKind::ConnectionReset);
}
