//! From the path of a request to a path beneath a directory; or nowhere.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::Hidden;
use crate::wire::percent_decode;

/// The only hidden name that is shown always (RFC 8615 section 3).
const WELL_KNOWN: &[u8] = b".well-known";

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Relative, of normal components only; empty for the directory itself.
    pub(super) path: PathBuf,
    /// It ends in a slash: a directory is meant.
    pub(super) is_directory: bool,
}

/// Takes an absolute path apart. Each segment is decoded by itself and once, so an encoded slash is
/// part of a name, and there is no such name. `None`: it leads nowhere.
pub(super) fn decode(path: &str, hidden: Hidden) -> Option<Name> {
    let inner = path.strip_prefix('/')?;
    let (inner, is_directory) = match inner.strip_suffix('/') {
        Some(inner) => (inner, true),
        None => (inner, inner.is_empty()),
    };
    let mut decoded = PathBuf::new();
    if path == "/" {
        return Some(Name {
            path: decoded,
            is_directory,
        });
    }
    for segment in inner.split('/') {
        let segment = percent_decode(segment);
        if !is_name(&segment, hidden) {
            return None;
        }
        decoded.push(OsString::from_vec(segment.into_owned()));
    }
    Some(Name {
        path: decoded,
        is_directory,
    })
}

/// Whether it can be the name of something that is shown. A backslash is an ordinary character here,
/// and a separator to browsers and to other systems: it is none of a file's that is served.
fn is_name(segment: &[u8], hidden: Hidden) -> bool {
    let is_plain = !segment.is_empty()
        && !matches!(segment, b"." | b"..")
        && !segment.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0));
    let is_shown = hidden == Hidden::Served || !segment.starts_with(b".") || segment == WELL_KNOWN;
    is_plain && is_shown
}
