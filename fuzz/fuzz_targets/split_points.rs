//! The whole machine of a connection, fed in differing pieces: heads, bodies, draining, keep-alive. What
//! it does must not depend on where the network cuts.

#![no_main]

use eventlet_fuzz::{HEAD_END, pieces, settings, small_limits};
use eventlet_protocols::wire::{
    BodyAccess, BodyReader, BodySize, Connection, DrainStep, HeadParser, Limits, Next, Parsed,
    Refusal, ResponseKind, plan_response,
};
use http::{HeaderMap, StatusCode};
use libfuzzer_sys::fuzz_target;

/// What came of an input, in order.
#[derive(Debug, PartialEq)]
enum Event {
    Request {
        line: Vec<u8>,
        framing: String,
        fields: usize,
    },
    Body(Vec<u8>),
    Trailers(usize),
    Drained,
    /// The rest of a body is too long or malformed.
    Closed,
    Refused(Refusal),
    Next(String),
    /// The input ended here.
    Waits(&'static str),
}

/// What the handler does with bodies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handler {
    Reads,
    Leaves,
}

/// The pieces, as a socket would give them.
struct Socket<'a> {
    pieces: std::vec::IntoIter<&'a [u8]>,
    buffer: Vec<u8>,
}

impl Socket<'_> {
    fn more(&mut self) -> bool {
        let piece = self.pieces.next();
        self.buffer.extend_from_slice(piece.unwrap_or_default());
        piece.is_some()
    }

    fn consume(&mut self, count: usize) {
        self.buffer.drain(..count);
    }
}

fn converse(parts: Vec<&[u8]>, limits: &Limits, handler: Handler) -> Vec<Event> {
    let mut socket = Socket {
        pieces: parts.into_iter(),
        buffer: Vec::new(),
    };
    let mut connection = Connection::new();
    let mut events = Vec::new();
    loop {
        let mut parser = HeadParser::new();
        let head = loop {
            match parser.parse(&socket.buffer, limits) {
                Ok(Parsed::Complete { consumed, head }) => {
                    socket.consume(consumed);
                    break head;
                }
                Ok(Parsed::Incomplete) if socket.more() => {}
                Ok(Parsed::Incomplete) => {
                    let has_begun = HeadParser::has_begun(&socket.buffer);
                    events.push(Event::Waits(if has_begun { "head" } else { "idle" }));
                    return events;
                }
                Err(refusal) => {
                    events.push(Event::Refused(refusal));
                    return events;
                }
            }
        };
        events.push(Event::Request {
            line: head.line.to_vec(),
            framing: format!("{:?}", head.framing),
            fields: head.headers.len(),
        });
        let mut body = match BodyReader::new(head.framing, limits) {
            Ok(body) => body,
            Err(refusal) => {
                events.push(Event::Refused(refusal));
                return events;
            }
        };
        let mut exchange = connection.begin(&head, limits);
        if handler == Handler::Reads {
            let mut data = Vec::new();
            while !body.is_finished() {
                // Whether the client is asked depends on the pieces, and may.
                if exchange.before_body_read(socket.buffer.len()) == BodyAccess::Withheld {
                    break;
                }
                match body.read(&socket.buffer) {
                    Ok(step) => {
                        data.extend_from_slice(step.data);
                        let consumed = step.consumed;
                        socket.consume(consumed);
                        if consumed == 0 && !body.is_finished() && !socket.more() {
                            events.push(Event::Body(data));
                            assert_eq!(body.end_of_input(), Err(Refusal::BodyTruncated));
                            events.push(Event::Waits("body"));
                            return events;
                        }
                    }
                    Err(refusal) => {
                        // How much came before the fault is found depends on the pieces only within
                        // a body that is too long.
                        if refusal != Refusal::BodyTooLarge {
                            events.push(Event::Body(data));
                        }
                        events.push(Event::Refused(refusal));
                        return events;
                    }
                }
            }
            assert_eq!(body.received(), data.len() as u64);
            events.push(Event::Body(data));
            events.push(Event::Trailers(body.take_trailers().len()));
        }
        let (status, fields) = (StatusCode::OK, HeaderMap::new());
        let size = BodySize::Known(0);
        let plan = plan_response(&head.method, head.version, status, &fields, size);
        let field = exchange.respond(status, &fields, &plan, &body, limits, ResponseKind::Whole);
        let next = exchange.finish(&body, limits);
        events.push(Event::Next(format!("{field:?} {next:?}")));
        match next {
            Next::KeepAlive => {}
            Next::Drain(mut drain) => loop {
                match drain.feed(&mut body, &socket.buffer) {
                    Ok(DrainStep::Done { consumed }) => {
                        socket.consume(consumed);
                        events.push(Event::Drained);
                        break;
                    }
                    Ok(DrainStep::NeedsInput) => {
                        socket.buffer.clear();
                        if !socket.more() {
                            events.push(Event::Waits("drain"));
                            return events;
                        }
                    }
                    // Which of them it is depends on how much is looked at before the limit.
                    Ok(DrainStep::GiveUp) | Err(_) => {
                        events.push(Event::Closed);
                        return events;
                    }
                }
            },
            Next::Close(_) | Next::Upgraded => return events,
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((setting, rest)) = settings(data) else {
        return;
    };
    let (lengths, input) = rest.split_at(rest.len().min(usize::from(setting >> 4)));
    let limits = if setting & 1 == 0 {
        Limits::default()
    } else {
        small_limits()
    };
    let handler = if setting & 2 == 0 {
        Handler::Reads
    } else {
        Handler::Leaves
    };
    let input = &[input, HEAD_END].concat();
    let whole = converse(vec![input], &limits, handler);
    for lengths in [lengths, &[1], &[7, 2]] {
        let cut = converse(pieces(input, lengths), &limits, handler);
        assert_eq!(cut, whole, "{lengths:?}");
    }
});
