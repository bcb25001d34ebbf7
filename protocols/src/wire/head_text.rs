//! The one copy of a head (RFC 9112 section 2.1), which the target and all field values share.

use bytes::Bytes;

/// A copy of the head that slices can share. An owner of its own kind, because cutting such a
/// `Bytes` to the request line is free; with the text in the same allocation where it fits.
pub(super) fn share_text(text: &[u8]) -> Bytes {
    if let Some(small) = InPlace::<SMALL>::new(text) {
        Bytes::from_owner(small)
    } else if let Some(medium) = InPlace::<MEDIUM>::new(text) {
        Bytes::from_owner(medium)
    } else {
        Bytes::from_owner(text.to_vec())
    }
}

/// Long enough for the heads of simple programs.
const SMALL: usize = 96;

/// For those that say more of themselves; a browser's takes another allocation.
const MEDIUM: usize = 240;

/// A short head, in place.
struct InPlace<const SIZE: usize> {
    bytes: [u8; SIZE],
    length: usize,
}

impl<const SIZE: usize> InPlace<SIZE> {
    fn new(text: &[u8]) -> Option<Self> {
        if text.len() > SIZE {
            return None;
        }
        let mut bytes = [0; SIZE];
        bytes[..text.len()].copy_from_slice(text);
        Some(InPlace {
            bytes,
            length: text.len(),
        })
    }
}

impl<const SIZE: usize> AsRef<[u8]> for InPlace<SIZE> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
