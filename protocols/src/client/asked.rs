//! A request as the program asks for it: what of it goes out, and the response to it for the program.
//!
//! Which way it goes, and whether more than once, is the business of [`agent`](super::agent).

use eventlet_green::Time;
use http::header::{self, HeaderMap};
use http::{Method, Response, StatusCode, Uri, request};

use super::body::Body;
use super::config::Config;
use super::endpoint::{absolute_form, origin_form};
use super::error::Error;
use super::exchange::{Answer, Outgoing};
use super::pool::Lease;
use super::proxy::Route;
use super::response_body::{Open, Raw, ResponseBody};
use crate::wire::{
    BodyReader, ConnectionOptions, RequestConnection, RequestWriter, ResponseFault, plan_request,
};

/// What is asked for.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

impl Asked {
    pub(super) fn of(parts: request::Parts) -> Self {
        Asked {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
        }
    }

    /// The request as it goes out on its way.
    pub(super) fn outgoing(
        &self,
        route: &Route,
        body: Body,
        config: &Config,
    ) -> Result<Outgoing, Error> {
        if self.method == Method::CONNECT {
            let why = "CONNECT is for proxies, which the settings name";
            return Err(Error::Request(why.to_owned()));
        }
        let options = ConnectionOptions::of(&self.headers);
        let upgrades = options.has_upgrade() && self.headers.contains_key(header::UPGRADE);
        let keeps_none = config.idle_per_host == 0 || config.idle_connections == 0;
        let connection = match () {
            () if upgrades => RequestConnection::Upgrade,
            () if options.has_close() || keeps_none => RequestConnection::Close,
            () => RequestConnection::Keep,
        };
        let plan = plan_request(&self.method, body.size());
        let mut fields = self.headers.clone();
        let expects_continue = self.expects_continue(&body)?;
        if !expects_continue {
            // Without content it must not be sent (RFC 9110 section 10.1.1).
            fields.remove(header::EXPECT);
        }
        if let (Some(agent), false) = (&config.user_agent, fields.contains_key(header::USER_AGENT))
        {
            fields.insert(header::USER_AGENT, agent.clone());
        }
        #[cfg(feature = "gzip")]
        if self.asks_for_gzip(config) {
            let gzip = http::HeaderValue::from_static("gzip");
            fields.insert(header::ACCEPT_ENCODING, gzip);
        }
        let forwarder = route.forwarder();
        if let Some(authorization) = forwarder.and_then(|proxy| proxy.authorization()) {
            fields.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        let target = match forwarder {
            Some(_) => absolute_form(&route.origin, &self.uri),
            None => origin_form(&self.uri),
        };
        let mut head = Vec::new();
        RequestWriter {
            method: &self.method,
            target: &target,
            host: &route.origin.host_field(),
            fields: &fields,
            length: plan.field,
            connection,
            names: config.names,
        }
        .write_to(&mut head);
        Ok(Outgoing {
            method: self.method.clone(),
            head,
            body,
            plan,
            expects_continue,
            upgrades,
            closes: connection == RequestConnection::Close,
        })
    }

    fn expects_continue(&self, body: &Body) -> Result<bool, Error> {
        match self.headers.get(header::EXPECT) {
            None => Ok(false),
            Some(value) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
                Ok(!body.is_empty())
            }
            Some(_) => {
                let why = "the only expectation there is is 100-continue";
                Err(Error::Request(why.to_owned()))
            }
        }
    }

    /// Whether compressed responses are asked for by the settings, not by the request.
    #[cfg(feature = "gzip")]
    fn asks_for_gzip(&self, config: &Config) -> bool {
        config.compression == super::Compression::Gzip
            && !self.headers.contains_key(header::ACCEPT_ENCODING)
            && !self.headers.contains_key(header::RANGE)
    }
}

/// The response for the caller, once its head has come.
pub(super) fn respond(
    asked: &Asked,
    lease: Lease,
    answer: Answer,
    config: &Config,
    whole: Option<Time>,
) -> Result<Response<ResponseBody>, Error> {
    let is_switch = answer.head.status == StatusCode::SWITCHING_PROTOCOLS;
    let reader = BodyReader::of_response(answer.head.framing, &config.limits);
    let reader = reader.map_err(|refusal| Error::Response(ResponseFault::Body(refusal)))?;
    let open = Open {
        lease,
        reader,
        sender: answer.sender,
        is_reusable: answer.is_reusable,
        body: config.body,
        whole,
    };
    let raw = Raw::new(open, is_switch);
    #[cfg(feature = "gzip")]
    if asked.asks_for_gzip(config) && raw.remaining() != Some(0) && is_gzip(&answer.head.headers) {
        let mut head = answer.head;
        head.headers.remove(header::CONTENT_ENCODING);
        head.headers.remove(header::CONTENT_LENGTH);
        let inflater = super::inflate::Inflater::new(config.inflated);
        return Ok(head.into_response(ResponseBody::new(raw, config).inflating(inflater)));
    }
    #[cfg(not(feature = "gzip"))]
    let _ = asked;
    Ok(answer.head.into_response(ResponseBody::new(raw, config)))
}

/// Whether gzip is the only content coding (RFC 9110 section 8.4.1.3, which has `x-gzip` be the same).
#[cfg(feature = "gzip")]
fn is_gzip(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let is = |value: &http::HeaderValue| {
        let name = value.as_bytes().trim_ascii();
        name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip")
    };
    codings.next().is_some_and(is) && codings.next().is_none()
}
