//! What the access log wants to know of a request, kept while the handler has it.
//!
//! How a line is written is the business of [`LogRecord`], and where it goes of [`AccessLog`].

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, REFERER, USER_AGENT};
use http::{HeaderName, HeaderValue};

use super::forwarded::ForwardedFor;
use super::link::Link;
use super::log::AccessLog;
use super::respond::Answered;
use crate::wire::{HeadView, LogRecord, RequestHead};

pub(super) struct Record<'a> {
    log: &'a AccessLog,
    /// `None` for a request that was refused before it was one.
    begun: Option<Instant>,
    line: Bytes,
    host: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    forwarded: Option<ForwardedFor>,
}

impl<'a> Record<'a> {
    /// Of a request whose head has come.
    pub(super) fn new(
        log: &'a AccessLog,
        begun: Instant,
        head: &RequestHead,
        forwarded: Option<ForwardedFor>,
    ) -> Self {
        let field = |name| head.headers.get(name).cloned();
        Record {
            log,
            begun: Some(begun),
            line: head.line.clone(),
            host: field(HOST),
            referer: field(REFERER),
            agent: field(USER_AGENT),
            forwarded,
        }
    }

    /// Of a simple request, whose head still lies in the buffer.
    pub(super) fn of_simple(
        log: &'a AccessLog,
        begun: Instant,
        head: &HeadView<'_>,
        trusted_hops: usize,
    ) -> Self {
        let field = |name: HeaderName| HeaderValue::from_bytes(head.field(name.as_str())?).ok();
        Record {
            log,
            begun: Some(begun),
            line: Bytes::copy_from_slice(head.line()),
            host: field(HOST),
            referer: field(REFERER),
            agent: field(USER_AGENT),
            forwarded: ForwardedFor::of_simple(head, trusted_hops),
        }
    }

    /// Of a request that is refused for its head; `line` is empty if not even that was read.
    pub(super) fn refused(log: &'a AccessLog, line: &[u8]) -> Self {
        let line = Bytes::copy_from_slice(line);
        Record {
            log,
            begun: None,
            line,
            host: None,
            referer: None,
            agent: None,
            forwarded: None,
        }
    }

    pub(super) fn write(self, link: &Link, answered: Answered) {
        let wall = self.begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        let peer = link.transport.peer();
        // A refused head has no body, and the turn is still that of the request before it.
        let received = match self.begun {
            Some(_) => link.turn.borrow().body.received(),
            None => 0,
        };
        // Copied, since a writer that waits lets others at it.
        let date = *link.shared.dated().date();
        self.log.write(&LogRecord {
            client: &peer.host(),
            client_port: peer.ip_addr().map(|address| address.port()),
            forwarded_for: match &self.forwarded {
                Some(forwarded) => forwarded.addresses(),
                None => &[],
            },
            date: &date,
            request_line: &self.line,
            status: answered.status,
            body_length: answered.length,
            received,
            wall,
            host: bytes(&self.host),
            referer: bytes(&self.referer),
            user_agent: bytes(&self.agent),
        });
    }
}

fn bytes(field: &Option<HeaderValue>) -> Option<&[u8]> {
    field.as_ref().map(HeaderValue::as_bytes)
}
