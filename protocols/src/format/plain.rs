//! The two formats that every program has: text, and bytes as they are.

use bytes::Bytes;
use http::HeaderValue;

use super::{BoxError, Dump, Format, Load};

/// Text in UTF-8, as `text/plain`; loads any kind of text.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::{Format, Load, Text};
///
/// assert_eq!(Text.load(None, b"")?, "");
/// assert!(Text.is_named("text/csv") && !Text.is_named("image/png"));
/// # Ok::<(), eventlet_protocols::format::LoadError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

impl Format for Text {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/plain; charset=utf-8")
    }

    fn is_named(&self, name: &str) -> bool {
        let kind = name.split('/').next();
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("text"))
    }
}

impl Dump<str> for Text {
    fn try_dump(&self, value: &str) -> Result<Bytes, BoxError> {
        Ok(Bytes::copy_from_slice(value.as_bytes()))
    }
}

impl Dump<String> for Text {
    fn try_dump(&self, value: &String) -> Result<Bytes, BoxError> {
        self.try_dump(value.as_str())
    }
}

impl Load<String> for Text {
    fn try_load(&self, body: &[u8]) -> Result<String, BoxError> {
        Ok(std::str::from_utf8(body)?.to_owned())
    }
}

/// Bytes as they are, as `application/octet-stream`; loads whatever comes.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::{Dump, Load, Octets};
///
/// let body = Octets.dump(&[0, 255][..])?;
/// let bytes: Vec<u8> = Octets.load(None, &body)?;
/// assert_eq!(bytes, [0, 255]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Octets;

impl Format for Octets {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/octet-stream")
    }

    fn is_named(&self, _name: &str) -> bool {
        true
    }
}

impl Dump<[u8]> for Octets {
    fn try_dump(&self, value: &[u8]) -> Result<Bytes, BoxError> {
        Ok(Bytes::copy_from_slice(value))
    }
}

impl Dump<Vec<u8>> for Octets {
    fn try_dump(&self, value: &Vec<u8>) -> Result<Bytes, BoxError> {
        self.try_dump(value.as_slice())
    }
}

impl Dump<Bytes> for Octets {
    fn try_dump(&self, value: &Bytes) -> Result<Bytes, BoxError> {
        Ok(value.clone())
    }
}

impl Load<Vec<u8>> for Octets {
    fn try_load(&self, body: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(body.to_vec())
    }
}
