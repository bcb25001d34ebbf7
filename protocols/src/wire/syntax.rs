//! The characters and lists all fields are made of (RFC 9110 section 5.6).
//!
//! What a particular field means is the job of the file that reads it.
//!
//! ```text
//! token = 1*tchar
//! tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~"
//!       / DIGIT / ALPHA
//! OWS   = *( SP / HTAB )
//! ```

/// Which bytes are `tchar`.
const TOKEN: [bool; 256] = alphanumeric_and(b"!#$%&'*+-.^_`|~");

/// Which bytes are a letter, a digit or one of these marks.
pub(super) const fn alphanumeric_and(marks: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
}

/// Whether a byte may stand in a token.
pub(crate) fn is_tchar(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether a byte may stand in a field value: anything but control characters, and HTAB
/// (RFC 9110 section 5.5).
pub(crate) fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Takes optional white space off both ends.
pub(crate) fn trim_ows(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The members of a comma-separated list, trimmed; empty ones are given too.
pub(crate) fn list_members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim_ows)
}
