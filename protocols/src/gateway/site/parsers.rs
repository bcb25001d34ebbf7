//! Bodies by content type: which function makes a value of which body.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use http::HeaderValue;

use crate::format::{BodyError, BoxError, Format, Load, LoadError};

type Parse = Box<dyn Fn(&[u8]) -> Result<Rc<dyn Any>, BoxError>>;

struct Parser {
    /// What it is for, for error messages.
    content_type: HeaderValue,
    is_named: Box<dyn Fn(&str) -> bool>,
    parse: Parse,
}

/// Functions that make values of bodies, by content type. The first that is for a type is taken.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::format::Text;
/// use eventlet_protocols::gateway::site::Parsers;
/// use http::HeaderValue;
///
/// let numbers = HeaderValue::from_static("text/x-numbers");
/// let parsers = Parsers::new()
///     .with(numbers, |body| {
///         let text = std::str::from_utf8(body)?;
///         text.lines().map(|line| Ok(line.parse()?)).collect::<Result<Vec<f64>, _>>()
///     })
///     .with_format::<String>(Text);
/// # drop(parsers);
/// ```
#[derive(Default)]
pub struct Parsers {
    parsers: Vec<Parser>,
}

impl Parsers {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function for bodies of this type; parameters are not looked at.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::format::Text;
    /// use eventlet_protocols::gateway::site::Parsers;
    /// use http::HeaderValue;
    ///
    /// let parsers = Parsers::new()
    ///     .with(HeaderValue::from_static("text/csv"), |body| {
    ///         let row: Result<Vec<u32>, _> = str::from_utf8(body)?.split(',').map(str::parse).collect();
    ///         Ok(row?)
    ///     })
    ///     .with_format(Text); // Asked after the one above: it is for any text.
    /// # drop(parsers);
    /// ```
    pub fn with<T: 'static>(
        self,
        content_type: HeaderValue,
        parse: impl Fn(&[u8]) -> Result<T, BoxError> + 'static,
    ) -> Self {
        self.with_format(Parsing {
            content_type,
            parse,
        })
    }

    /// Adds a format, for what it [is named](Format::is_named).
    pub fn with_format<T: 'static>(mut self, format: impl Load<T> + 'static) -> Self {
        let format = Rc::new(format);
        let naming = Rc::clone(&format);
        self.parsers.push(Parser {
            content_type: format.content_type(),
            is_named: Box::new(move |name| naming.is_named(name)),
            parse: Box::new(move |body| Ok(Rc::new(format.try_load(body)?))),
        });
        self
    }

    /// Makes a value of a body; `None` if nobody is for its type.
    pub(super) fn parse(
        &self,
        name: Option<&str>,
        content_type: Option<&HeaderValue>,
        body: &[u8],
    ) -> Option<Result<Rc<dyn Any>, BodyError>> {
        let name = name?;
        let parser = self.parsers.iter().find(|parser| (parser.is_named)(name))?;
        let parsed = (parser.parse)(body);
        Some(parsed.map_err(|error| {
            BodyError::Malformed(LoadError::new(content_type.cloned(), body, error))
        }))
    }

    /// The type of the first parser: what a client is told that comes with something else.
    pub(super) fn preferred(&self) -> Option<&HeaderValue> {
        self.parsers.first().map(|parser| &parser.content_type)
    }
}

impl fmt::Debug for Parsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.parsers.iter().map(|parser| &parser.content_type);
        f.debug_list().entries(types).finish()
    }
}

/// A function and a type as a format.
struct Parsing<F> {
    content_type: HeaderValue,
    parse: F,
}

impl<F> Format for Parsing<F> {
    fn content_type(&self) -> HeaderValue {
        self.content_type.clone()
    }
}

impl<T, F: Fn(&[u8]) -> Result<T, BoxError>> Load<T> for Parsing<F> {
    fn try_load(&self, body: &[u8]) -> Result<T, BoxError> {
        (self.parse)(body)
    }
}
