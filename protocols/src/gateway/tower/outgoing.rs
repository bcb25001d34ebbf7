//! The response of a service: its body is polled, and sent piece by piece as it comes.

use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::Poll;

use bytes::Buf;
use eventlet_green::block_on;
use http::Response;
use http_body::{Body as HttpBody, Frame};

use super::pump::Pump;
use crate::format::BoxError;
use crate::server::{Body, BodySink};

/// As a response of the server's. Who reads the request goes on until this one is sent.
pub(super) fn respond<B>(response: Response<B>, pump: Option<Pump>) -> Response<Body>
where
    B: HttpBody + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    let length = body.size_hint().exact();
    if body.is_end_stream() || length == Some(0) {
        if let Some(pump) = pump {
            pump.end();
        }
        return Response::from_parts(parts, Body::empty());
    }
    let body = Box::pin(body);
    let writer = move |sink: &mut BodySink<'_>| {
        let sent = send(body, sink, pump.as_ref());
        if let Some(pump) = pump {
            pump.end();
        }
        sent
    };
    let body = match length {
        Some(length) => Body::sized_stream(length, writer),
        None => Body::stream(writer),
    };
    Response::from_parts(parts, body)
}

fn send<B>(mut body: Pin<Box<B>>, sink: &mut BodySink<'_>, pump: Option<&Pump>) -> io::Result<()>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    while let Some(frame) = next_frame(body.as_mut(), sink, pump)? {
        match frame.into_data() {
            Ok(mut data) => {
                while data.has_remaining() {
                    let piece = data.chunk();
                    sink.write_all(piece)?;
                    let count = piece.len();
                    data.advance(count);
                }
            }
            // Frames of other kinds than these two are of other protocols.
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    sink.set_trailers(trailers);
                }
            }
        }
    }
    Ok(())
}

/// Waits for the next frame; before it waits, it sends what has been gathered, and be it the head.
/// Unless that has to be [held back](Pump::holds_back).
fn next_frame<B>(
    mut body: Pin<&mut B>,
    sink: &mut BodySink<'_>,
    pump: Option<&Pump>,
) -> io::Result<Option<Frame<B::Data>>>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    let mut unsent = Some(sink);
    block_on(poll_fn(|context| {
        let polled = body.as_mut().poll_frame(context);
        if polled.is_pending()
            && !pump.is_some_and(Pump::holds_back)
            && let Some(sink) = unsent.take()
            && let Err(error) = sink.flush()
        {
            return Poll::Ready(Err(error));
        }
        polled.map(|frame| frame.transpose().map_err(io::Error::other))
    }))?
}
