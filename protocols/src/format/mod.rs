//! Values as bodies: how a value becomes bytes, how bytes become a value, and what both are called.
//!
//! The original built its HTTP clients of a dumper, a loader and a content type. Here the three are
//! traits of one thing, a [`Format`], that client and server share: [`Dump`] and [`Load`] say for
//! which values it works. [`Text`] and [`Octets`] are always there, JSON with the feature `json`.
//! Nothing here knows a socket; how bodies are sent and received is the client's and the server's
//! job, and reading a request's body as a value is in [`read_as`].
//!
//! ```
//! use eventlet_protocols::format::{Dump, Format, Load, Text};
//!
//! assert_eq!(Text.content_type(), "text/plain; charset=utf-8");
//! let body = Text.dump("grün")?;
//! let text: String = Text.load(None, &body)?;
//! assert_eq!(text, "grün");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A format of one's own:
//!
//! ```
//! use eventlet_protocols::format::{BoxError, Dump, Format, Load};
//! use http::HeaderValue;
//!
//! /// Numbers, one a line.
//! struct Lines;
//!
//! impl Format for Lines {
//!     fn content_type(&self) -> HeaderValue {
//!         HeaderValue::from_static("text/x-numbers")
//!     }
//! }
//!
//! impl Dump<[u32]> for Lines {
//!     fn try_dump(&self, value: &[u32]) -> Result<bytes::Bytes, BoxError> {
//!         Ok(value.iter().map(|n| format!("{n}\n")).collect::<String>().into())
//!     }
//! }
//!
//! impl Load<Vec<u32>> for Lines {
//!     fn try_load(&self, body: &[u8]) -> Result<Vec<u32>, BoxError> {
//!         let text = std::str::from_utf8(body)?;
//!         text.lines().map(|line| Ok(line.parse()?)).collect()
//!     }
//! }
//!
//! assert_eq!(Lines.dump(&[1, 2][..])?, "1\n2\n");
//! assert_eq!(Lines.load(None, b"3\n4\n")?, [3, 4]);
//! let error = Lines.load(None, b"<html>").unwrap_err();
//! assert_eq!(error.beginning(), b"<html>");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content_type;
mod error;
#[cfg(feature = "json")]
mod json;
mod plain;
mod request;

use bytes::Bytes;
use http::HeaderValue;

pub use content_type::essence;
pub use error::{BEGINNING, BoxError, DumpError, LoadError};
#[cfg(feature = "json")]
pub use json::{Json, JsonFormat};
pub use plain::{Octets, Text};
pub use request::{BodyError, DEFAULT_BODY_LIMIT, read_as, read_whole};

/// A way to write values as bytes, by its name.
///
/// What it can write is said by [`Dump`], what it can read by [`Load`].
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::{Format, Text};
///
/// assert_eq!(Text.content_type(), "text/plain; charset=utf-8");
/// assert!(Text.is_named("text/html") && !Text.is_named("image/png"));
/// ```
pub trait Format {
    /// What a body of this format is called in `Content-Type` and in `Accept`.
    fn content_type(&self) -> HeaderValue;

    /// Whether a body that is called this is of this format: `name` is type and subtype without
    /// parameters, in the case in which it came. By default, what [`content_type`] says, in any case.
    ///
    /// [`content_type`]: Format::content_type
    fn is_named(&self, name: &str) -> bool {
        essence(&self.content_type()).is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

/// A format that can write a `T`.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use eventlet_protocols::format::{BoxError, Dump, Format};
/// use http::HeaderValue;
///
/// /// Rows of numbers.
/// struct Csv;
///
/// impl Format for Csv {
///     fn content_type(&self) -> HeaderValue {
///         HeaderValue::from_static("text/csv")
///     }
/// }
///
/// impl Dump<[u32]> for Csv {
///     fn try_dump(&self, row: &[u32]) -> Result<Bytes, BoxError> {
///         if row.is_empty() {
///             return Err("a row has at least one column".into());
///         }
///         let cells: Vec<_> = row.iter().map(u32::to_string).collect();
///         Ok(cells.join(",").into())
///     }
/// }
///
/// assert_eq!(Csv.dump(&[1, 2, 3][..])?, "1,2,3");
/// assert_eq!(Csv.dump(&[][..]).unwrap_err().content_type(), "text/csv");
/// # Ok::<(), eventlet_protocols::format::DumpError>(())
/// ```
pub trait Dump<T: ?Sized>: Format {
    /// The value as bytes: what an implementation has to provide.
    ///
    /// # Errors
    ///
    /// Whatever the format finds wrong with the value.
    fn try_dump(&self, value: &T) -> Result<Bytes, BoxError>;

    /// The value as bytes, for a body of this format.
    ///
    /// # Errors
    ///
    /// The value has no form in this format: what [`try_dump`](Self::try_dump) gives, with the name
    /// of the format.
    fn dump(&self, value: &T) -> Result<Bytes, DumpError> {
        self.try_dump(value)
            .map_err(|error| DumpError::new(self.content_type(), error))
    }
}

/// A format that can read a `T`.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::{BoxError, Format, Load};
/// use http::HeaderValue;
///
/// /// One number, in digits.
/// struct Decimal;
///
/// impl Format for Decimal {
///     fn content_type(&self) -> HeaderValue {
///         HeaderValue::from_static("text/plain")
///     }
/// }
///
/// impl Load<u32> for Decimal {
///     fn try_load(&self, body: &[u8]) -> Result<u32, BoxError> {
///         Ok(std::str::from_utf8(body)?.trim().parse()?)
///     }
/// }
///
/// assert_eq!(Decimal.load(None, b"42\n")?, 42);
/// let error = Decimal.load(None, b"<html>").unwrap_err();
/// assert_eq!(error.beginning(), b"<html>");
/// # Ok::<(), eventlet_protocols::format::LoadError>(())
/// ```
pub trait Load<T>: Format {
    /// Reads a value of a whole body: what an implementation has to provide. A body without a byte
    /// is handed in like any other; for types that can say "nothing" it should be that.
    ///
    /// # Errors
    ///
    /// Whatever the format finds wrong with the bytes.
    fn try_load(&self, body: &[u8]) -> Result<T, BoxError>;

    /// Reads a value of a whole body. `content_type` is what the body came with; it is not checked
    /// (see [`is_named`](Format::is_named)), but an error says it: more often than not, a body that
    /// cannot be loaded is a page of HTML.
    ///
    /// # Errors
    ///
    /// The bytes are no `T` in this format: what [`try_load`](Self::try_load) gives, with the
    /// content type that was found and the beginning of the body.
    fn load(&self, content_type: Option<&HeaderValue>, body: &[u8]) -> Result<T, LoadError> {
        self.try_load(body)
            .map_err(|error| LoadError::new(content_type.cloned(), body, error))
    }
}
