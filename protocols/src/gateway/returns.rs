//! What functions may return besides a response: text, bytes, a status.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

use crate::server::{Body, IntoResponse};
use crate::wire::error_page;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A response of 200 with a type.
pub(super) fn typed(content_type: HeaderValue, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// 200, as `text/plain`.
impl IntoResponse for String {
    fn into_response(self) -> Response<Body> {
        typed(TEXT, self)
    }
}

/// 200, as `text/plain`.
impl IntoResponse for &'static str {
    fn into_response(self) -> Response<Body> {
        typed(TEXT, self)
    }
}

/// 200, as `application/octet-stream`.
impl IntoResponse for Bytes {
    fn into_response(self) -> Response<Body> {
        typed(OCTETS, self)
    }
}

/// 200, as `application/octet-stream`.
impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response<Body> {
        typed(OCTETS, self)
    }
}

/// 200 without a type.
impl IntoResponse for Body {
    fn into_response(self) -> Response<Body> {
        Response::new(self)
    }
}

/// The status with a line of text that names it; without a body where it cannot have one.
impl IntoResponse for StatusCode {
    fn into_response(self) -> Response<Body> {
        if matches!(self, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = self;
            return response;
        }
        error_page(self, None).into_response()
    }
}

/// The same response with another status.
impl<R: IntoResponse> IntoResponse for (StatusCode, R) {
    fn into_response(self) -> Response<Body> {
        let mut response = self.1.into_response();
        *response.status_mut() = self.0;
        response
    }
}
