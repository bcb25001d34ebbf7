//! The one copy of a head (RFC 9112 section 2.1), which the target and all field values share.

use bytes::Bytes;

/// A copy of the head that slices can share. An owner of its own kind, because cutting such a
/// `Bytes` to the request line is free; with the text in the same allocation where it fits.
pub(super) fn share_text(text: &[u8]) -> Bytes {
    match SmallText::new(text) {
        Some(small) => Bytes::from_owner(small),
        None => Bytes::from_owner(text.to_vec()),
    }
}

/// A short head, in place.
struct SmallText {
    bytes: [u8; SMALL],
    length: usize,
}

/// Long enough for the heads of programs; a browser's takes another allocation.
const SMALL: usize = 240;

impl SmallText {
    fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; SMALL];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(SmallText {
            bytes,
            length: text.len(),
        })
    }
}

impl AsRef<[u8]> for SmallText {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
