//! The head of a program's response (RFC 3875 section 6): finding its end, and what it means.
//!
//! ```text
//! generic-response = 1*header-field NL [ response-body ]     ; NL: LF or CRLF
//! ```
//!
//! Of the fields `Content-Type`, `Location` and `Status` there must be one, and of each no more than
//! one. Where the bytes come from, and what is done with them, is the caller's.

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// How many bytes the head of a response may have: as many as that of a request.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// How many fields it may have: as many as a request.
pub const FIELDS_LIMIT: usize = 100;

/// What a program has answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// A response for the client.
    Response {
        status: StatusCode,
        headers: HeaderMap,
        length: Option<u64>,
    },
    /// The response to a request for another path of this server (section 6.2.2).
    LocalRedirect(String),
}

/// Where the head ends and the body begins; `None` if the end has not come.
pub(super) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let mut begin = 0;
    while let Some(length) = bytes[begin..].iter().position(|&byte| byte == b'\n') {
        let line = &bytes[begin..begin + length];
        begin += length + 1;
        if line.is_empty() || line == b"\r" {
            return Some(begin);
        }
    }
    None
}

/// What a head means; or what is wrong with it, for the log.
pub(super) fn parse(head: &[u8]) -> Result<Answer, &'static str> {
    let mut status = None;
    let mut location = None;
    let mut length = None;
    let mut headers = HeaderMap::new();
    let mut count = 0;
    for line in head.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        count += 1;
        if count > FIELDS_LIMIT {
            return Err("too many fields");
        }
        let (name, value) = field(line)?;
        if name == "status" {
            if status.replace(parse_status(&value)?).is_some() {
                return Err("more than one Status");
            }
        } else if name == LOCATION {
            if location.replace(value).is_some() {
                return Err("more than one Location");
            }
        } else if name == CONTENT_LENGTH {
            let number = value.to_str().ok().filter(|text| is_number(text));
            let number = number.and_then(|text| text.parse().ok());
            if length
                .replace(number.ok_or("a malformed Content-Length")?)
                .is_some()
            {
                return Err("more than one Content-Length");
            }
        } else if name == CONTENT_TYPE && headers.contains_key(CONTENT_TYPE) {
            return Err("more than one Content-Type");
        } else if ![CONNECTION, TRANSFER_ENCODING, UPGRADE].contains(&name) {
            // Those are the server's business.
            headers.append(name, value);
        }
    }
    if status.is_none() && location.is_none() && !headers.contains_key(CONTENT_TYPE) {
        return Err("neither Content-Type, Location nor Status");
    }
    let Some(location) = location else {
        return Ok(Answer::Response {
            status: status.unwrap_or(StatusCode::OK),
            headers,
            length,
        });
    };
    if status.is_none()
        && headers.is_empty()
        && let Some(path) = local_path(&location)
    {
        return Ok(Answer::LocalRedirect(path));
    }
    headers.insert(LOCATION, location);
    Ok(Answer::Response {
        status: status.unwrap_or(StatusCode::FOUND),
        headers,
        length,
    })
}

fn field(line: &[u8]) -> Result<(HeaderName, HeaderValue), &'static str> {
    let colon = line.iter().position(|&byte| byte == b':');
    let (name, value) = line.split_at(colon.ok_or("a line that is no field")?);
    // No token: a line that continues the last one, or the status line of a "non-parsed header"
    // program.
    let name = HeaderName::from_bytes(name).map_err(|_| "a malformed field name")?;
    let value = HeaderValue::from_bytes(value[1..].trim_ascii());
    Ok((name, value.map_err(|_| "a malformed field value")?))
}

/// `3digit SP reason-phrase`, of which some leave out the phrase. An interim status is none.
fn parse_status(value: &HeaderValue) -> Result<StatusCode, &'static str> {
    const WRONG: &str = "a malformed Status";
    let (digits, rest) = value.as_bytes().split_at_checked(3).ok_or(WRONG)?;
    let status = StatusCode::from_bytes(digits).map_err(|_| WRONG)?;
    if status.is_informational() || !matches!(rest.first(), None | Some(b' ')) {
        return Err(WRONG);
    }
    Ok(status)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `local-Location = "Location:" local-pathquery NL`; one that begins with two slashes names a host.
fn local_path(location: &HeaderValue) -> Option<String> {
    let text = location.to_str().ok()?;
    (text.starts_with('/') && !text.starts_with("//")).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Answer, FIELDS_LIMIT, end_of_head, parse};

    #[test]
    fn the_end_of_a_head_by_either_line_end() {
        for (bytes, end) in [
            (&b"A: b\n\nbody"[..], Some(6)),
            (b"A: b\r\n\r\nbody", Some(8)),
            (b"A: b\n\r\n", Some(7)),
            (b"\nbody", Some(1)),
            (b"A: b\n", None),
            (b"A: b\r\n\r", None),
            (b"", None),
        ] {
            assert_eq!(end_of_head(bytes), end, "{bytes:?}");
        }
    }

    #[test]
    fn what_heads_mean() {
        let status = |head: &str| match parse(head.as_bytes()) {
            Ok(Answer::Response { status, .. }) => status.as_u16(),
            other => panic!("{head:?}: {other:?}"),
        };
        assert_eq!(status("Content-Type: text/plain\n\n"), 200);
        assert_eq!(
            status("Status: 404 Not Found\r\nContent-Type: a/b\r\n\r\n"),
            404
        );
        assert_eq!(status("status: 204\n\n"), 204);
        assert_eq!(status("Location: http://a/\n\n"), 302);
        assert_eq!(status("Location: //a/\n\n"), 302);
        assert_eq!(status("Location: /a\nStatus: 301 Moved\n\n"), 301);
        match parse(b"Location: /a?b\n\n") {
            Ok(Answer::LocalRedirect(path)) => assert_eq!(path, "/a?b"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_refused() {
        for head in [
            "\n",
            "X-Other: only\n\n",
            "HTTP/1.1 200 OK\nContent-Type: a/b\n\n",
            "Content-Type: a/b\n folded\n\n",
            "Content-Type: a/b\nContent-Type: a/b\n\n",
            "Status: 200\nStatus: 200\n\n",
            "Status: 2000\n\n",
            "Status: OK\n\n",
            "Status: 100 Continue\n\n",
            "Status: 20\n\n",
            "Location: /a\nLocation: /b\n\n",
            "Status: 200\nContent-Length: -1\n\n",
            "Status: 200\nContent-Length: 1\nContent-Length: 1\n\n",
            "Status: 200\nX-Bad: a\0b\n\n",
            "Status: 200\nX Bad: a\n\n",
        ] {
            assert!(parse(head.as_bytes()).is_err(), "{head:?}");
        }
    }

    #[test]
    fn at_the_limit_of_fields_and_one_past_it() {
        let head = |count: usize| {
            format!(
                "{}\n",
                "Content-Type: a/b\n".to_owned() + &*"X: y\n".repeat(count - 1)
            )
        };
        assert!(parse(head(FIELDS_LIMIT).as_bytes()).is_ok());
        assert!(parse(head(FIELDS_LIMIT + 1).as_bytes()).is_err());
    }
}
