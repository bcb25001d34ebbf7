//! A site: requests with what is in them taken apart, and return values that become responses.
//!
//! After the contract of the original's sites, with one difference: there, a site wrote its
//! response, and a second one was a complaint on standard error. Here it returns it, so there is
//! exactly one. What it returns is of a type of the site's own, and [`Site::adapt`] says what such a
//! value is as content: rows as JSON, a page as HTML, by what the client accepts if need be.
//!
//! ```
//! use eventlet_protocols::gateway::site::{Content, SiteRequest};
//! use eventlet_protocols::gateway::{ErrorResponse, Site, handler};
//! use eventlet_protocols::server::Server;
//!
//! /// Adds numbers, and speaks in numbers.
//! struct Adder;
//!
//! impl Site for Adder {
//!     type Value = i64;
//!
//!     fn handle(&self, request: &mut SiteRequest) -> Result<i64, ErrorResponse> {
//!         let segments: Vec<_> = request.path_segments().collect();
//!         if segments != ["sum"] {
//!             return Err(ErrorResponse::not_found());
//!         }
//!         // Of the query, or of a form.
//!         let numbers = request.args("n")?;
//!         Ok(numbers.iter().filter_map(|n| n.parse::<i64>().ok()).sum())
//!     }
//!
//!     fn adapt(&self, sum: i64, _: &mut SiteRequest) -> Result<Content, ErrorResponse> {
//!         Ok(format!("<p>The sum is {sum}.").into())
//!     }
//! }
//!
//! let server = Server::new(handler(Adder));
//! # drop(server);
//! ```

mod content;
mod parsers;
mod request;

use std::fmt;
use std::rc::Rc;

use http::{Request, Response};

use super::{ErrorResponse, IntoHandler};
use crate::format::DEFAULT_BODY_LIMIT;
use crate::server::{Body, Handler, IntoResponse, RequestBody};

pub use content::Content;
pub use parsers::Parsers;
pub use request::SiteRequest;

/// Answers requests with values of its own, and says what these are as content.
///
/// Both methods run in a coroutine and may wait like any code. If one panics, the client gets 500
/// and its connection is closed.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client;
/// use eventlet_protocols::format::Text;
/// use eventlet_protocols::gateway::site::{Content, Parsers, SiteRequest};
/// use eventlet_protocols::gateway::{self, ErrorResponse, Site};
///
/// /// Counts the letters of what is posted.
/// struct Letters;
///
/// impl Site for Letters {
///     type Value = usize;
///
///     fn handle(&self, request: &mut SiteRequest) -> Result<usize, ErrorResponse> {
///         let text = request.parsed::<String>()?;
///         Ok(text.chars().count())
///     }
///
///     fn adapt(&self, count: usize, _: &mut SiteRequest) -> Result<Content, ErrorResponse> {
///         Ok(count.to_string().into())
///     }
///
///     fn parsers(&self) -> Parsers {
///         Parsers::new().with_format(Text)
///     }
///
///     fn body_limit(&self) -> usize {
///         64
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/", listener.local_addr()?);
/// eventlet_green::spawn(move || gateway::serve(listener, Letters));
/// let agent = client::Agent::new().speaking(Text);
/// assert_eq!(agent.post::<String, _>(&url, "grün")?, "4");
/// assert!(agent.post::<String, _>(&url, &"x".repeat(65)).is_err(), "413");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Site: 'static {
    /// What [`handle`](Self::handle) gives: text, a document, a list of records.
    type Value;

    /// Answers one request. Status and fields of the response are set by
    /// [`SiteRequest::response`]; they are forgotten if an error is returned.
    ///
    /// # Errors
    ///
    /// Whatever is to be answered instead of a value.
    fn handle(&self, request: &mut SiteRequest) -> Result<Self::Value, ErrorResponse>;

    /// What a value is as content.
    ///
    /// # Errors
    ///
    /// Whatever is to be answered if it is none.
    fn adapt(
        &self,
        value: Self::Value,
        request: &mut SiteRequest,
    ) -> Result<Content, ErrorResponse>;

    /// How bodies are parsed, by content type; see [`SiteRequest::parsed`]. Asked once, before the
    /// first request. Default: none is.
    fn parsers(&self) -> Parsers {
        Parsers::new()
    }

    /// How many bytes of a body are held in memory to be parsed or looked up in. More is 413; who
    /// expects more reads it from [`SiteRequest::take_body`]. Default [`DEFAULT_BODY_LIMIT`].
    fn body_limit(&self) -> usize {
        DEFAULT_BODY_LIMIT
    }
}

/// The [kind](IntoHandler) of a site.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::gateway::site::{AsSite, Content, SiteHandler, SiteRequest};
/// use eventlet_protocols::gateway::{ErrorResponse, IntoHandler, Site};
///
/// struct Hello;
///
/// impl Site for Hello {
///     type Value = &'static str;
///
///     fn handle(&self, _: &mut SiteRequest) -> Result<&'static str, ErrorResponse> {
///         Ok("hello")
///     }
///
///     fn adapt(&self, text: &'static str, _: &mut SiteRequest) -> Result<Content, ErrorResponse> {
///         Ok(text.into())
///     }
/// }
///
/// let handler: SiteHandler<Hello> = IntoHandler::<AsSite>::into_handler(Hello);
/// # drop(handler);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct AsSite;

impl<S: Site> IntoHandler<AsSite> for S {
    type Handler = SiteHandler<S>;

    fn into_handler(self) -> SiteHandler<S> {
        SiteHandler {
            parsers: Rc::new(self.parsers()),
            site: self,
        }
    }
}

/// A [`Site`] as a [`Handler`].
pub struct SiteHandler<S> {
    site: S,
    parsers: Rc<Parsers>,
}

impl<S: Site> Handler for SiteHandler<S> {
    fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        let parsers = Rc::clone(&self.parsers);
        let mut request = SiteRequest::new(request, parsers, self.site.body_limit());
        let site = &self.site;
        let outcome = site
            .handle(&mut request)
            .and_then(|value| site.adapt(value, &mut request));
        match outcome {
            Ok(content) => content.into_response_with(request.into_head()),
            Err(error) => error.into_response(),
        }
    }
}

impl<S> fmt::Debug for SiteHandler<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteHandler")
            .field("parsers", &self.parsers)
            .finish_non_exhaustive()
    }
}
