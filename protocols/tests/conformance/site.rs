//! What the server under test answers: those addresses of `examples/testbed` that the rules use.

use std::io::{self, Write};

use eventlet_protocols::server::{Body, RequestBody};
use eventlet_protocols::wire::{percent_decode, query_value};
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};

pub fn answer(request: Request<RequestBody>) -> Response<Body> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let number = |name| query_value(&query, name).and_then(|text| text.parse().ok());
    match request.uri().path() {
        "/plaintext" if matches!(*request.method(), Method::GET | Method::HEAD) => {
            Response::new("Hello, World!".into())
        }
        "/plaintext" => {
            let mut response = with_status(StatusCode::METHOD_NOT_ALLOWED);
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allowed);
            response
        }
        "/headers" => headers(&request),
        "/echo" => {
            let body = request.into_body();
            Response::new(match body.remaining() {
                Some(length) => Body::sized_reader(length, body),
                None => Body::reader(body),
            })
        }
        "/noread" => Response::new("noread\n".into()),
        "/chunked" => {
            let count = number("n").unwrap_or(3);
            Response::new(Body::stream(move |sink| {
                for piece in 0..count {
                    writeln!(sink, "chunk {piece}")?;
                    sink.flush()?;
                }
                Ok(())
            }))
        }
        "/status" => {
            let code = number("code").and_then(|code: u16| StatusCode::from_u16(code).ok());
            with_status(code.unwrap_or(StatusCode::BAD_REQUEST))
        }
        "/error" => panic!("on purpose"),
        "/abort" => Response::new(Body::stream(|sink| {
            sink.write_all(b"part\n")?;
            sink.flush()?;
            Err(io::Error::other("on purpose"))
        })),
        "/short" => declared(100),
        "/overlong" => declared(5),
        "/setheader" => {
            let value = query.strip_prefix("value=").unwrap_or_default();
            match HeaderValue::from_bytes(&percent_decode(value)) {
                Ok(value) => {
                    let mut response = Response::new("set\n".into());
                    response.headers_mut().insert("x-set", value);
                    response
                }
                Err(_) => with_status(StatusCode::INTERNAL_SERVER_ERROR),
            }
        }
        _ => with_status(StatusCode::NOT_FOUND),
    }
}

fn with_status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{status}\n")));
    *response.status_mut() = status;
    response
}

/// Ten bytes, whatever length is declared.
fn declared(length: u64) -> Response<Body> {
    let write = |sink: &mut eventlet_protocols::server::BodySink<'_>| sink.write_all(b"0123456789");
    Response::new(Body::sized_stream(length, write))
}

/// A JSON object of the fields; none of the rules sends what would have to be escaped.
fn headers(request: &Request<RequestBody>) -> Response<Body> {
    let fields: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("\"{name}\":\"{}\"", value.to_str().unwrap_or_default()))
        .collect();
    Response::new(format!("{{{}}}", fields.join(",")).into())
}
