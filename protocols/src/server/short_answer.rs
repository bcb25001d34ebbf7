//! What a shortcut answers, and what of that can be written beforehand.
//!
//! When it is asked, and how its answer is sent, is `shortcut`'s.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use crate::wire::{BodySize, ConnectionField, LengthField, NameCase, ResponseHead, plan_response};

/// An answer to a simple request: a status, fields, and a body that is all there.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::ShortAnswer;
/// use http::{HeaderName, HeaderValue, StatusCode, header};
///
/// static ELSEWHERE: [(HeaderName, HeaderValue); 1] =
///     [(header::LOCATION, HeaderValue::from_static("https://a.example/"))];
///
/// let answer = ShortAnswer::new(b"it has moved\n")
///     .status(StatusCode::PERMANENT_REDIRECT)
///     .fields(&ELSEWHERE);
/// # drop(answer);
/// ```
#[derive(Clone, Debug)]
#[must_use = "an answer does nothing unless it is given back"]
pub struct ShortAnswer<'a> {
    pub(super) status: StatusCode,
    pub(super) fields: &'a [(HeaderName, HeaderValue)],
    pub(super) body: Cow<'a, [u8]>,
    written: Option<&'a Written>,
}

impl<'a> ShortAnswer<'a> {
    /// 200, without fields, with this body: bytes that are borrowed, or a `Vec` of one's own.
    pub fn new(body: impl Into<Cow<'a, [u8]>>) -> Self {
        ShortAnswer {
            status: StatusCode::OK,
            fields: &[],
            body: body.into(),
            written: None,
        }
    }

    /// With another status. One that is not final (1xx) becomes 500, as a handler's does.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self.written = None;
        self
    }

    /// With these fields. Those that rule the connection, `Connection` and `Content-Length` among
    /// them, are the server's, and left out.
    pub fn fields(mut self, fields: &'a [(HeaderName, HeaderValue)]) -> Self {
        self.fields = fields;
        self.written = None;
        self
    }

    /// How its head begins, up to the date, if that has been written beforehand and is the same for this
    /// request.
    #[inline]
    pub(super) fn beginning(
        &self,
        names: NameCase,
        length: LengthField,
        connection: ConnectionField,
    ) -> Option<&'a [u8]> {
        let written = self.written?;
        let is_same = length == written.length && connection == ConnectionField::Absent;
        is_same.then(|| match names {
            NameCase::Title => &written.title[..],
            NameCase::Lower => &written.lower[..],
        })
    }
}

/// An answer that is given again and again, made once: then its head is not put together each time,
/// which is a good part of what it costs.
///
/// `Date` and `Server` are of the time when it is sent, and of the server.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::server::{PreparedAnswer, ShortAnswer, Shortcut};
/// use eventlet_protocols::wire::HeadView;
///
/// struct Health {
///     fine: PreparedAnswer,
/// }
///
/// impl Shortcut for Health {
///     fn answer<'a>(&'a self, head: &HeadView<'a>) -> Option<ShortAnswer<'a>> {
///         (head.path() == b"/health").then(|| self.fine.answer())
///     }
/// }
///
/// let health = Health { fine: PreparedAnswer::new(ShortAnswer::new(b"fine\n")) };
/// # drop(health);
/// ```
#[derive(Clone, Debug)]
pub struct PreparedAnswer {
    status: StatusCode,
    fields: Box<[(HeaderName, HeaderValue)]>,
    body: Box<[u8]>,
    written: Option<Written>,
}

/// How heads begin that differ in nothing but the date.
#[derive(Clone, Debug)]
struct Written {
    length: LengthField,
    title: Box<[u8]>,
    lower: Box<[u8]>,
}

impl PreparedAnswer {
    /// Prepares an answer, of which it takes a copy.
    pub fn new(answer: ShortAnswer<'_>) -> Self {
        let ShortAnswer {
            status,
            fields,
            body,
            ..
        } = answer;
        PreparedAnswer {
            status,
            fields: fields.into(),
            written: Written::of(status, fields, body.len()),
            body: body.into(),
        }
    }

    /// The answer, to be given by a shortcut. If its status or fields are then set to others, its head is
    /// put together when it is sent.
    #[inline]
    pub fn answer(&self) -> ShortAnswer<'_> {
        ShortAnswer {
            status: self.status,
            fields: &self.fields,
            body: Cow::Borrowed(&self.body),
            written: self.written.as_ref(),
        }
    }
}

impl Written {
    /// `None` where the date or the server's name are the answer's own: such an answer is put together
    /// when it is sent.
    fn of(status: StatusCode, fields: &[(HeaderName, HeaderValue)], body: usize) -> Option<Self> {
        let none = HeaderMap::new();
        let size = BodySize::Known(body as u64);
        let length = plan_response(&Method::GET, Version::HTTP_11, status, &none, size).field;
        let write = |names| {
            let head = ResponseHead {
                status,
                fields: &none,
                length,
                connection: ConnectionField::Absent,
                keep_alive_seconds: None,
                date: None,
                server: None,
                names,
            };
            let mut out = Vec::new();
            head.write_beginning(fields, &mut out)
                .then(|| out.into_boxed_slice())
        };
        Some(Written {
            length,
            title: write(NameCase::Title)?,
            lower: write(NameCase::Lower)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use http::header::{DATE, SERVER};

    use super::*;

    type Fields = [(HeaderName, HeaderValue)];

    const ABSENT: ConnectionField = ConnectionField::Absent;
    const FIVE: LengthField = LengthField::ContentLength(5);

    fn prepared(fields: &Fields) -> PreparedAnswer {
        PreparedAnswer::new(ShortAnswer::new(b"hello").fields(fields))
    }

    fn other() -> (HeaderName, HeaderValue) {
        let name = HeaderName::from_static("x-other");
        (name, HeaderValue::from_static("value"))
    }

    #[test]
    fn the_beginning_is_written_beforehand() {
        let fields = [other()];
        let prepared = prepared(&fields);
        let beginning = |names| {
            let answer = prepared.answer();
            let beginning = answer.beginning(names, FIVE, ABSENT).unwrap();
            std::str::from_utf8(beginning).unwrap()
        };
        assert_eq!(
            beginning(NameCase::Title),
            "HTTP/1.1 200 OK\r\nX-Other: value\r\nContent-Length: 5\r\n"
        );
        assert_eq!(
            beginning(NameCase::Lower),
            "HTTP/1.1 200 OK\r\nx-other: value\r\ncontent-length: 5\r\n"
        );
    }

    #[test]
    fn the_beginning_is_not_taken_for_another_answer() {
        let is_taken = |answer: &ShortAnswer<'_>, length, connection| {
            let beginning = answer.beginning(NameCase::Title, length, connection);
            beginning.is_some()
        };
        let fields = [other()];
        let prepared = prepared(&fields);
        let answer = prepared.answer();
        assert!(is_taken(&answer, FIVE, ABSENT));
        for connection in [ConnectionField::Close, ConnectionField::KeepAlive] {
            assert!(!is_taken(&answer, FIVE, connection));
        }
        for length in [LengthField::Absent, LengthField::ContentLength(0)] {
            assert!(!is_taken(&answer, length, ABSENT));
        }
        let changed = [
            answer.clone().status(StatusCode::NOT_FOUND),
            answer.clone().fields(&[]),
            ShortAnswer::new(b"hello"),
        ];
        for answer in changed {
            assert!(!is_taken(&answer, FIVE, ABSENT));
        }
    }

    #[test]
    fn a_date_or_a_name_of_its_own_is_not_written_beforehand() {
        for name in [DATE, SERVER] {
            let fields = [(name, HeaderValue::from_static("mine"))];
            let answer = prepared(&fields);
            let answer = answer.answer();
            assert!(answer.beginning(NameCase::Title, FIVE, ABSENT).is_none());
        }
    }
}
