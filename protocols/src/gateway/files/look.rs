//! Looking at a file: opened beneath the directory, compared with what the client has, and read if
//! it is little. All of it asks the disk, so it runs on another thread, in one go.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use cap_std::fs::{OpenOptions, OpenOptionsExt};
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode, response};
use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::conditions::{Validators, Verdict, judge, range_applies};
use super::name::Name;
use super::ranges::{Selection, select};
use super::sending::{PIECE, Parts};
use super::{Settings, common_fields};
use crate::wire::error_page;

/// What is asked.
pub(super) struct Asked {
    pub(super) settings: Arc<Settings>,
    pub(super) name: Name,
    pub(super) method: Method,
    /// Those of [`of_interest`](super::conditions::of_interest).
    pub(super) headers: HeaderMap,
}

/// What was seen.
pub(super) enum Seen {
    /// A response with all of its body.
    Done(Box<response::Parts>, Bytes),
    /// A response whose body is to be read piece by piece, or not at all.
    Large(Box<response::Parts>, Parts),
    /// A directory where a file was asked for.
    Directory,
    /// Nothing that is shown.
    Error(StatusCode),
    /// The disk, or the process, is in trouble.
    Failed(io::Error),
}

/// Looks at a file for a request. Blocks on the disk.
pub(super) fn look(asked: &Asked) -> Seen {
    match try_look(asked) {
        Ok(seen) => seen,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput => Seen::Error(StatusCode::NOT_FOUND),
            io::ErrorKind::PermissionDenied => Seen::Error(StatusCode::FORBIDDEN),
            _ if is_no_file(&error) => Seen::Error(StatusCode::NOT_FOUND),
            _ => Seen::Failed(error),
        },
    }
}

/// Symbolic links that lead in a circle, and sockets: `ErrorKind` has no stable names for them.
fn is_no_file(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::ELOOP | Errno::ENXIO))
}

fn try_look(asked: &Asked) -> io::Result<Seen> {
    let settings = &*asked.settings;
    let mut path = asked.name.path.clone();
    if asked.name.is_directory {
        match &settings.index {
            Some(index) => path.push(index),
            None => return Ok(Seen::Error(StatusCode::NOT_FOUND)),
        }
    }
    let file = open(settings, &path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() && !asked.name.is_directory && settings.index.is_some() {
        return Ok(Seen::Directory);
    }
    if !metadata.is_file() {
        return Ok(Seen::Error(StatusCode::NOT_FOUND));
    }
    let length = metadata.len();
    let validators = Validators::new(length, metadata.modified().ok(), SystemTime::now());
    let head = head(common_fields(settings, &validators));
    match judge(&asked.method, &asked.headers, &validators) {
        Verdict::Send => send(asked, &path, file, length, &validators, head),
        Verdict::NotModified => {
            let mut head = head;
            head.status = StatusCode::NOT_MODIFIED;
            Ok(Seen::Done(head, Bytes::new()))
        }
        Verdict::Failed => Ok(Seen::Error(StatusCode::PRECONDITION_FAILED)),
    }
}

/// Opens without waiting for the other end of a pipe, or for a device.
fn open(settings: &Settings, path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
    Ok(settings.root.open_with(path, &options)?.into_std())
}

fn head(fields: HeaderMap) -> Box<response::Parts> {
    let (mut head, ()) = Response::new(()).into_parts();
    head.headers = fields;
    Box::new(head)
}

fn send(
    asked: &Asked,
    path: &Path,
    file: File,
    length: u64,
    validators: &Validators,
    mut head: Box<response::Parts>,
) -> io::Result<Seen> {
    let selection = match asked.method {
        // Ranges are defined for GET only (RFC 9110 section 14.2).
        Method::GET if range_applies(&asked.headers, validators) => select(&asked.headers, length),
        _ => Selection::Whole,
    };
    head.headers
        .insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let content_type = content_type(path);
    let parts = match selection {
        Selection::Whole => {
            head.headers.insert(CONTENT_TYPE, content_type);
            Parts::whole(file, length)
        }
        Selection::Unsatisfiable => return Ok(unsatisfiable(length)),
        Selection::Parts(ranges) => {
            head.status = StatusCode::PARTIAL_CONTENT;
            if let [range] = &*ranges {
                let value = format!("bytes {}-{}/{length}", range.start(), range.end());
                let value = HeaderValue::try_from(value).expect("digits");
                head.headers.insert(CONTENT_RANGE, value);
                head.headers.insert(CONTENT_TYPE, content_type);
                Parts::one(file, range)
            } else {
                let (parts, multipart) = Parts::several(file, &ranges, length, &content_type);
                head.headers.insert(CONTENT_TYPE, multipart);
                parts
            }
        }
    };
    if asked.method == Method::HEAD || parts.length() > PIECE as u64 {
        return Ok(Seen::Large(head, parts));
    }
    Ok(Seen::Done(head, parts.read()?))
}

/// 416 with the length that there is (RFC 9110 section 15.5.17).
fn unsatisfiable(length: u64) -> Seen {
    let (mut head, page) = error_page(StatusCode::RANGE_NOT_SATISFIABLE, None).into_parts();
    let value = HeaderValue::try_from(format!("bytes */{length}")).expect("digits");
    head.headers.insert(CONTENT_RANGE, value);
    Seen::Done(Box::new(head), page)
}

/// By the ending of the name. Text is taken for UTF-8.
fn content_type(path: &Path) -> HeaderValue {
    let Some(name) = mime_guess::from_path(path).first_raw() else {
        return HeaderValue::from_static("application/octet-stream");
    };
    if !name.starts_with("text/") {
        return HeaderValue::from_static(name);
    }
    HeaderValue::try_from(format!("{name}; charset=utf-8")).expect("a type is visible text")
}
