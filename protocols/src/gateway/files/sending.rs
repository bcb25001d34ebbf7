//! Sending parts of a file: one buffer goes back and forth between the coroutine that sends and the
//! threads that read.
//!
//! Several parts are `multipart/byteranges` (RFC 9110 section 14.6).

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::ops::{Range, RangeInclusive};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use eventlet_green::OffloadPool;
use http::header::HeaderValue;

use super::run;
use crate::server::{Body, BodySink};

/// How many bytes of a file are in memory at a time for each request, and how much is read at once:
/// 64 KiB, large enough that handing the reading to another thread costs little of it. What is not
/// longer is read when the file is looked at, and sent from memory.
pub const PIECE: usize = 64 * 1024;

/// A body made of parts of a file.
pub(super) struct Parts {
    file: Arc<File>,
    parts: Vec<Part>,
    length: u64,
}

enum Part {
    Text(Vec<u8>),
    File(Range<u64>),
}

impl Part {
    fn length(&self) -> u64 {
        match self {
            Part::Text(text) => text.len() as u64,
            Part::File(range) => range.end - range.start,
        }
    }
}

impl Parts {
    fn new(file: File, parts: Vec<Part>) -> Self {
        Parts {
            file: Arc::new(file),
            length: parts.iter().map(Part::length).sum(),
            parts,
        }
    }

    /// All of a file.
    pub(super) fn whole(file: File, length: u64) -> Self {
        Self::new(file, vec![Part::File(0..length)])
    }

    /// One range, as it is.
    pub(super) fn one(file: File, range: &RangeInclusive<u64>) -> Self {
        Self::new(file, vec![Part::File(half_open(range))])
    }

    /// Several, each with a head of its own; and the type of it all.
    pub(super) fn several(
        file: File,
        ranges: &[RangeInclusive<u64>],
        length: u64,
        content_type: &HeaderValue,
    ) -> (Self, HeaderValue) {
        let boundary = boundary();
        let mut parts = Vec::with_capacity(2 * ranges.len() + 1);
        let mut line_end = "";
        for range in ranges {
            let (start, end) = range.clone().into_inner();
            let mut head = format!("{line_end}--{boundary}\r\nContent-Type: ").into_bytes();
            head.extend_from_slice(content_type.as_bytes());
            let place = format!("\r\nContent-Range: bytes {start}-{end}/{length}\r\n\r\n");
            head.extend_from_slice(place.as_bytes());
            parts.push(Part::Text(head));
            parts.push(Part::File(half_open(range)));
            line_end = "\r\n";
        }
        parts.push(Part::Text(format!("\r\n--{boundary}--\r\n").into_bytes()));
        let name = format!("multipart/byteranges; boundary={boundary}");
        let name = HeaderValue::try_from(name).expect("hexadecimal digits");
        (Self::new(file, parts), name)
    }

    /// How many bytes the body has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// All of it. Blocks on the disk.
    pub(super) fn read(self) -> io::Result<Bytes> {
        let mut body = Vec::with_capacity(usize::try_from(self.length).unwrap_or_default());
        for part in self.parts {
            match part {
                Part::Text(text) => body.extend_from_slice(&text),
                Part::File(range) => {
                    let begin = body.len();
                    body.resize(begin + (range.end - range.start) as usize, 0);
                    let read = self.file.read_exact_at(&mut body[begin..], range.start);
                    read.map_err(shrunk)?;
                }
            }
        }
        Ok(body.into())
    }
}

fn half_open(range: &RangeInclusive<u64>) -> Range<u64> {
    *range.start()..*range.end() + 1
}

/// Between the parts; must not stand in one of them (RFC 2046 section 5.1.1), so nobody who writes
/// files may guess it. The standard library's keys of hash tables are random.
fn boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

fn shrunk(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            let text = "a file became shorter while it was being sent";
            io::Error::new(io::ErrorKind::UnexpectedEof, text)
        }
        _ => error,
    }
}

/// The parts as a body that reads them while it is sent.
pub(super) fn body(parts: Parts, pool: Option<OffloadPool>) -> Body {
    Body::sized_stream(parts.length, move |sink| send(parts, pool.as_ref(), sink))
}

fn send(parts: Parts, pool: Option<&OffloadPool>, sink: &mut BodySink<'_>) -> io::Result<()> {
    let mut buffer = Vec::new();
    for part in parts.parts {
        let mut range = match part {
            Part::Text(text) => {
                sink.write_all(&text)?;
                continue;
            }
            Part::File(range) => range,
        };
        while !range.is_empty() {
            let wanted = (range.end - range.start).min(PIECE as u64);
            let file = Arc::clone(&parts.file);
            let start = range.start;
            buffer = run(pool, move || {
                let mut buffer: Vec<u8> = buffer;
                buffer.resize(wanted as usize, 0);
                file.read_exact_at(&mut buffer, start).map(|()| buffer)
            })?
            .map_err(shrunk)?;
            sink.write_all(&buffer)?;
            range.start += wanted;
        }
    }
    Ok(())
}
