//! A request as a site sees it: its parts taken apart, its body read once and kept.
//!
//! Percent-decoding is [`wire::query`](crate::wire::query)'s.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, request, response};

use super::parsers::Parsers;
use crate::format::{BodyError, essence, read_whole};
use crate::gateway::ErrorResponse;
use crate::server::{Peer, RequestBody};
use crate::wire::{path_segments, query_pairs, query_value};

const FORM: &str = "application/x-www-form-urlencoded";

/// A request, and the head of the response to it.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::{Agent, Body};
/// use eventlet_protocols::gateway::site::{Content, SiteRequest};
/// use eventlet_protocols::gateway::{self, ErrorResponse, Site};
/// use http::{HeaderValue, Request, StatusCode};
///
/// struct Shop;
///
/// impl Site for Shop {
///     type Value = String;
///
///     fn handle(&self, request: &mut SiteRequest) -> Result<String, ErrorResponse> {
///         assert_eq!((request.method().as_str(), request.path()), ("POST", "/a%20shelf/3"));
///         let segments: Vec<_> = request.path_segments().collect();
///         assert_eq!(segments, ["a shelf", "3"]);
///         assert_eq!(request.query(), "size=9&size=10");
///         assert_eq!(request.query_value("size").as_deref(), Some("9"));
///         assert_eq!(request.query_pairs().count(), 2);
///         assert_eq!(request.header("accept-language"), Some("de"));
///         assert!(request.full_url().is_some_and(|url| url.ends_with("/3?size=9&size=10")));
///         // Of the query and, after it, of the form.
///         assert_eq!(request.args("size")?, ["9", "10", "11"]);
///         assert_eq!(request.arg("colour")?.as_deref(), Some("red"));
///         assert_eq!(request.body()?, "size=11&colour=red");
///         request.response().status = StatusCode::CREATED;
///         let from = request.peer().ip_addr();
///         Ok(format!("{:?} {:?}", request.version(), from.is_some()))
///     }
///
///     fn adapt(&self, text: String, request: &mut SiteRequest) -> Result<Content, ErrorResponse> {
///         let plain = HeaderValue::from_static("text/plain");
///         request.response().headers.insert("content-type", plain);
///         Ok(text.into())
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/a%20shelf/3?size=9&size=10", listener.local_addr()?);
/// eventlet_green::spawn(move || gateway::serve(listener, Shop));
/// let request = Request::post(&url)
///     .header("accept-language", "de")
///     .header("content-type", "application/x-www-form-urlencoded")
///     .body(Body::from("size=11&colour=red"))?;
/// let response = Agent::new().request(request)?;
/// assert_eq!(response.status(), 201);
/// assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
/// assert_eq!(response.into_body().into_text()?, "HTTP/1.1 true");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SiteRequest {
    parts: request::Parts,
    peer: Peer,
    /// `None` when the site has taken it.
    body: Option<RequestBody>,
    /// The whole body, when it has been read.
    read: Option<Bytes>,
    /// What a parser made of it.
    parsed: Option<Rc<dyn Any>>,
    parsers: Rc<Parsers>,
    body_limit: usize,
    head: response::Parts,
}

impl SiteRequest {
    pub(super) fn new(
        request: Request<RequestBody>,
        parsers: Rc<Parsers>,
        body_limit: usize,
    ) -> Self {
        let (parts, body) = request.into_parts();
        SiteRequest {
            parts,
            peer: body.peer().clone(),
            body: Some(body),
            read: None,
            parsed: None,
            parsers,
            body_limit,
            head: Response::new(()).into_parts().0,
        }
    }

    pub(super) fn into_head(self) -> response::Parts {
        self.head
    }

    /// Status and fields of the response to come: 200 and none, until the site says otherwise.
    pub fn response(&mut self) -> &mut response::Parts {
        &mut self.head
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The request target.
    pub fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    /// The version the client speaks.
    pub fn version(&self) -> Version {
        self.parts.version
    }

    /// All fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The first field of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// Who the request came from.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What else the server has put to the request.
    pub fn extensions(&self) -> &http::Extensions {
        &self.parts.extensions
    }

    /// The path as it came, not decoded.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The segments of the path, decoded. A plus is a plus: only in queries is it a space.
    pub fn path_segments(&self) -> impl Iterator<Item = Cow<'_, str>> {
        path_segments(self.path())
    }

    /// The query as it came; empty without one.
    pub fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The pairs of the query, decoded, in order.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        query_pairs(self.query())
    }

    /// The first value of this name in the query.
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        query_value(self.query(), name)
    }

    /// The address by which the client called the server: scheme, host, path and query. The host is
    /// that of the target if it has one, else that of the `Host` field; `None` without either. It
    /// is what the client says; the original believed a `Via` field first, which anybody can send.
    pub fn full_url(&self) -> Option<String> {
        let uri = &self.parts.uri;
        let scheme = uri.scheme_str().unwrap_or("http");
        let host = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => self.parts.headers.get(HOST)?.to_str().ok()?,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Some(format!("{scheme}://{host}{path}"))
    }

    /// All values of this name in the query and, after them, in a body that is a form
    /// (`application/x-www-form-urlencoded`). The body is kept, and can be had by
    /// [`body`](Self::body) as well.
    ///
    /// # Errors
    ///
    /// As for [`body`](Self::body), if there is a form.
    pub fn args(&mut self, name: &str) -> Result<Vec<String>, BodyError> {
        let form = if self.is_form() {
            self.body()?
        } else {
            Bytes::new()
        };
        let form = String::from_utf8_lossy(&form);
        let values = query_pairs(self.query()).chain(query_pairs(&form));
        Ok(values
            .filter(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.into_owned())
            .collect())
    }

    /// The first of [`args`](Self::args).
    ///
    /// # Errors
    ///
    /// As for [`args`](Self::args).
    pub fn arg(&mut self, name: &str) -> Result<Option<String>, BodyError> {
        Ok(self.args(name)?.into_iter().next())
    }

    /// Type and subtype of the body, as they came.
    fn content_name(&self) -> Option<&str> {
        self.parts.headers.get(CONTENT_TYPE).and_then(essence)
    }

    fn is_form(&self) -> bool {
        let name = self.content_name();
        name.is_some_and(|name| name.eq_ignore_ascii_case(FORM))
    }

    /// The whole body. It is read once, and given again as often as it is asked for.
    ///
    /// # Errors
    ///
    /// It is longer than [`Site::body_limit`](super::Site::body_limit), or cannot be read.
    pub fn body(&mut self) -> Result<Bytes, BodyError> {
        if let Some(read) = &self.read {
            return Ok(read.clone());
        }
        let Some(body) = &mut self.body else {
            let text = "the site has taken the body";
            return Err(BodyError::Unreadable(io::Error::other(text)));
        };
        let read = read_whole(body, self.body_limit)?;
        Ok(self.read.insert(read).clone())
    }

    /// What the site's [parser](super::Site::parsers) for the content type makes of the body. It is
    /// parsed once, and given again as often as it is asked for.
    ///
    /// # Errors
    ///
    /// * 415: the site has no parser for this type.
    /// * 400: the parser finds it malformed.
    /// * As for [`body`](Self::body).
    /// * 500: what the parser makes is no `T`, which is the site's mistake; written to standard
    ///   error.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::gateway::ErrorResponse;
    /// use eventlet_protocols::gateway::site::SiteRequest;
    ///
    /// /// For a site whose parsers give strings.
    /// fn letters(request: &mut SiteRequest) -> Result<usize, ErrorResponse> {
    ///     Ok(request.parsed::<String>()?.chars().count())
    /// }
    /// # let _ = letters;
    /// ```
    pub fn parsed<T: 'static>(&mut self) -> Result<Rc<T>, ErrorResponse> {
        let parsed = match &self.parsed {
            Some(parsed) => Rc::clone(parsed),
            None => {
                let parsed = self.parse()?;
                Rc::clone(self.parsed.insert(parsed))
            }
        };
        parsed.downcast().map_err(|_| {
            let wanted = type_name::<T>();
            ErrorResponse::failed(format_args!("the site's parser does not make a {wanted}"))
        })
    }

    fn parse(&mut self) -> Result<Rc<dyn Any>, ErrorResponse> {
        let body = self.body()?;
        let content_type = self.parts.headers.get(CONTENT_TYPE);
        let parsers = &self.parsers;
        match parsers.parse(self.content_name(), content_type, &body) {
            Some(parsed) => Ok(parsed?),
            None => Err(match parsers.preferred() {
                Some(wanted) => BodyError::WrongType {
                    found: content_type.cloned(),
                    wanted: wanted.clone(),
                }
                .into(),
                None => ErrorResponse::new(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            }),
        }
    }

    /// The body as a reader, once: for one that is not to be held in memory, or that is streamed
    /// back. [`body`](Self::body) then fails, unless it had read it; and what that has read, the
    /// reader no longer gives.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::gateway::site::SiteRequest;
    /// use eventlet_protocols::server::Body;
    ///
    /// /// Streams the body back, however long it is, beside what the head says.
    /// fn echo(request: &mut SiteRequest) -> Option<Body> {
    ///     assert!(request.uri().path() == request.path());
    ///     let secret = request.headers().contains_key("authorization");
    ///     let marked = request.extensions().get::<u32>().is_some(); // What a layer has put there.
    ///     if secret || marked {
    ///         return None;
    ///     }
    ///     request.take_body().map(Body::reader)
    /// }
    /// ```
    pub fn take_body(&mut self) -> Option<RequestBody> {
        self.body.take()
    }
}

impl fmt::Debug for SiteRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteRequest")
            .field("method", &self.parts.method)
            .field("uri", &self.parts.uri)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
