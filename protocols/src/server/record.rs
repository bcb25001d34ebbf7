//! What the access log wants to know of a request, kept while the handler has it.
//!
//! How a line is written is the business of [`LogRecord`], and where it goes of [`AccessLog`].

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use http::header::{REFERER, USER_AGENT};

use super::link::Link;
use super::log::AccessLog;
use super::respond::Answered;
use crate::wire::{LogRecord, RequestHead};

pub(super) struct Record<'a> {
    log: &'a AccessLog,
    /// `None` for a request that was refused before it was one.
    begun: Option<Instant>,
    line: Bytes,
    referer: Option<HeaderValue>,
    agent: Option<HeaderValue>,
}

impl<'a> Record<'a> {
    /// Of a request whose head has come.
    pub(super) fn new(log: &'a AccessLog, begun: Instant, head: &RequestHead) -> Self {
        let field = |name| head.headers.get(name).cloned();
        Record {
            log,
            begun: Some(begun),
            line: head.line.clone(),
            referer: field(REFERER),
            agent: field(USER_AGENT),
        }
    }

    /// Of a request that is refused for its head; `line` is empty if not even that was read.
    pub(super) fn refused(log: &'a AccessLog, line: &[u8]) -> Self {
        let line = Bytes::copy_from_slice(line);
        Record {
            log,
            begun: None,
            line,
            referer: None,
            agent: None,
        }
    }

    pub(super) fn write(self, link: &Link, answered: Answered) {
        let wall = self.begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        link.shared.with_date(|date| {
            self.log.write(&LogRecord {
                client: &link.transport.peer().host(),
                forwarded_for: None,
                date,
                request_line: &self.line,
                status: answered.status,
                body_length: answered.length,
                wall,
                referer: self.referer.as_ref().map(HeaderValue::as_bytes),
                user_agent: self.agent.as_ref().map(HeaderValue::as_bytes),
            });
        });
    }
}
