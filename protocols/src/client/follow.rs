//! Following redirects (RFC 9110 section 15.4): whether, where to, and what is sent along.
//!
//! Which method a status asks for and what a reference means is the business of
//! [`wire`](crate::wire).

use http::header::{HeaderMap, LOCATION};
use http::{Method, Response, Uri};

use super::asked::Asked;
use super::body::Body;
use super::endpoint::Endpoint;
use super::error::Error;
use crate::wire::{is_content_field, is_origins_own, redirected_method, resolve_reference};

/// Where a request has been.
pub(super) struct Trail {
    most: u32,
    seen: Vec<(Method, Uri)>,
}

/// What follows a response.
pub(super) enum Next {
    /// It is the one.
    Stop,
    /// Another request, with this body.
    Go(Body),
}

impl Trail {
    pub(super) fn new(most: u32) -> Self {
        Trail {
            most,
            seen: Vec::new(),
        }
    }

    /// What a response asks for; `asked` is then what is asked next. `again` is the body that was
    /// sent, if it can be sent twice.
    pub(super) fn next<B>(
        &mut self,
        asked: &mut Asked,
        response: &Response<B>,
        again: Option<Body>,
    ) -> Result<Next, Error> {
        let method = redirected_method(response.status(), &asked.method);
        let (Some(method), false) = (method, self.most == 0) else {
            return Ok(Next::Stop);
        };
        let mut locations = response.headers().get_all(LOCATION).iter();
        let location = match (locations.next(), locations.next()) {
            (None, _) => return Ok(Next::Stop),
            (Some(location), None) => location.as_bytes(),
            (Some(_), Some(_)) => {
                return Err(Error::RedirectInvalid(
                    "it has several Locations".to_owned(),
                ));
            }
        };
        let is_same = method == asked.method;
        let body = match again {
            Some(body) if is_same => body,
            None if is_same => return Ok(Next::Stop),
            _ => Body::empty(),
        };
        if self.seen.len() >= self.most as usize {
            let followed = self.most;
            return Err(Error::TooManyRedirects { followed });
        }
        let target = resolve_reference(&asked.uri, location).map_err(|_| {
            let location = location.escape_ascii();
            Error::RedirectInvalid(format!("{location} is no URL"))
        })?;
        let invalid = |error| match error {
            Error::Url(why) => Error::RedirectInvalid(why),
            other => other,
        };
        let origin = Endpoint::of(&target).map_err(invalid)?;
        let is_elsewhere = origin != Endpoint::of(&asked.uri)?;
        let been = std::mem::replace(&mut asked.uri, target);
        self.seen
            .push((std::mem::replace(&mut asked.method, method), been));
        let is_loop = |(method, uri): &(Method, Uri)| *method == asked.method && *uri == asked.uri;
        if self.seen.iter().any(is_loop) {
            return Err(Error::RedirectLoop(asked.uri.to_string()));
        }
        if is_elsewhere {
            remove_where(&mut asked.headers, is_origins_own);
        }
        if !is_same {
            remove_where(&mut asked.headers, is_content_field);
        }
        Ok(Next::Go(body))
    }
}

fn remove_where(headers: &mut HeaderMap, is_out: fn(&http::HeaderName) -> bool) {
    let out: Vec<_> = headers
        .keys()
        .filter(|name| is_out(name))
        .cloned()
        .collect();
    for name in out {
        headers.remove(name);
    }
}
