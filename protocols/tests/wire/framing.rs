//! Which length rule applies: requests in every ambiguous dress, responses in every situation
//! (RFC 9112 section 6).

use eventlet_protocols::wire::{
    BodySize, LengthField, Refusal, RequestFraming, ResponseFraming, ResponsePlan, plan_response,
};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::{Method, StatusCode, Version};

use crate::scenario::{get, message, post, refusal};

#[test]
fn neither_field_is_no_body() {
    let found = message(&post("", "GET / HTTP/1.1\r\n"));
    assert_eq!(found.head.framing, RequestFraming::Empty);
    assert_eq!(found.body, b"");
}

#[test]
fn a_length_is_read_exactly() {
    let found = message(&post("Content-Length: 5\r\n", "helloGET"));
    assert_eq!(found.head.framing, RequestFraming::Length(5));
    assert_eq!(found.body, b"hello");
    let zeros = message(&post("Content-Length: 0005\r\n", "hello"));
    assert_eq!(zeros.body, b"hello");
    let none = message(&post("Content-Length: 0\r\n", ""));
    assert_eq!(none.head.framing, RequestFraming::Empty);
}

#[test]
fn a_get_may_have_a_body() {
    assert_eq!(
        message(&[&get("Content-Length: 2\r\n")[..], b"ab"].concat()).body,
        b"ab"
    );
}

#[test]
fn an_invalid_length_is_refused() {
    let values = [
        "",
        "+5",
        "-5",
        "5,5",
        "5, 6",
        "5 5",
        "0x5",
        "5.0",
        "5a",
        "a",
        "18446744073709551616",
        "99999999999999999999999",
        "\u{665}",
        "\"5\"",
    ];
    for value in values {
        let input = post(&format!("Content-Length: {value}\r\n"), "hello");
        assert_eq!(refusal(&input), Refusal::LengthInvalid, "{value:?}");
    }
    assert_eq!(Refusal::LengthInvalid.status(), 400);
}

#[test]
fn a_second_length_is_refused_even_if_equal() {
    for second in ["5", "6"] {
        let lines = format!("Content-Length: 5\r\nContent-Length: {second}\r\n");
        assert_eq!(refusal(&post(&lines, "hello!")), Refusal::LengthRepeated);
    }
}

#[test]
fn length_and_coding_together_are_refused() {
    let cases = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
    ];
    for lines in cases {
        let found = refusal(&post(lines, "0\r\n\r\n"));
        assert_eq!(
            (found, found.status().as_u16()),
            (Refusal::LengthAndCoding, 400),
            "{lines}"
        );
    }
}

#[test]
fn chunked_is_found_whatever_its_case() {
    for value in ["chunked", "Chunked", "CHUNKED", " chunked\t"] {
        let lines = format!("Transfer-Encoding: {value}\r\n");
        assert_eq!(
            message(&post(&lines, "1\r\nx\r\n0\r\n\r\n")).body,
            b"x",
            "{value}"
        );
    }
}

#[test]
fn codings_are_refused_by_what_is_wrong() {
    let cases = [
        ("gzip", Refusal::CodingNotChunked, 400),
        ("identity", Refusal::CodingNotChunked, 400),
        ("xchunked", Refusal::CodingNotChunked, 400),
        ("chunked, gzip", Refusal::CodingNotChunked, 400),
        ("chunked, chunked", Refusal::CodingNotChunked, 400),
        ("gzip, chunked, chunked", Refusal::CodingNotChunked, 400),
        ("", Refusal::CodingNotChunked, 400),
        ("chunked,", Refusal::CodingNotChunked, 400),
        (", chunked", Refusal::CodingNotChunked, 400),
        ("chunked;q=1", Refusal::CodingNotChunked, 400),
        ("\"chunked\"", Refusal::CodingNotChunked, 400),
        ("chun ked", Refusal::CodingNotChunked, 400),
        ("gzip, chunked", Refusal::CodingUnknown, 501),
        ("foo;a=b, chunked", Refusal::CodingUnknown, 501),
    ];
    for (value, expected, status) in cases {
        let input = post(&format!("Transfer-Encoding: {value}\r\n"), "0\r\n\r\n");
        let found = refusal(&input);
        assert_eq!(
            (found, found.status().as_u16()),
            (expected, status),
            "{value:?}"
        );
    }
}

#[test]
fn codings_in_several_fields_are_one_list() {
    let two = "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(refusal(&post(two, "")), Refusal::CodingUnknown);
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(
        refusal(&post(twice, "0\r\n\r\n")),
        Refusal::CodingNotChunked
    );
    let hidden = "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n";
    assert_eq!(
        refusal(&post(hidden, "0\r\n\r\n")),
        Refusal::CodingNotChunked
    );
}

#[test]
fn a_coding_in_http_1_0_is_refused() {
    let input = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let found = refusal(input);
    assert_eq!(
        (found, found.status().as_u16()),
        (Refusal::CodingInOldVersion, 400)
    );
}

#[test]
fn an_obscured_coding_never_passes() {
    let lines = [
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
    ];
    for line in lines {
        let input = post(&format!("{line}Content-Length: 5\r\n"), "0\r\n\r\n");
        assert_eq!(refusal(&input).status(), 400, "{line:?}");
    }
}

fn plan(method: Method, version: Version, status: u16, size: BodySize) -> ResponsePlan {
    plan_with(method, version, status, size, None)
}

fn plan_with(
    method: Method,
    version: Version,
    status: u16,
    size: BodySize,
    declared: Option<&'static str>,
) -> ResponsePlan {
    let mut fields = HeaderMap::new();
    if let Some(value) = declared {
        fields.insert(CONTENT_LENGTH, HeaderValue::from_static(value));
    }
    let status = StatusCode::from_u16(status).expect("a status");
    plan_response(&method, version, status, &fields, size)
}

fn expect(field: LengthField, framing: ResponseFraming) -> ResponsePlan {
    ResponsePlan { field, framing }
}

const V10: Version = Version::HTTP_10;
const V11: Version = Version::HTTP_11;

#[test]
fn a_known_size_is_announced_and_sent() {
    let expected = expect(LengthField::ContentLength(13), ResponseFraming::Length(13));
    for version in [V10, V11] {
        assert_eq!(
            plan(Method::GET, version, 200, BodySize::Known(13)),
            expected
        );
        // The handler's own length does not count beside it.
        let found = plan_with(Method::GET, version, 200, BodySize::Known(13), Some("99"));
        assert_eq!(found, expected);
    }
}

#[test]
fn an_unknown_size_is_chunked_or_ends_with_the_connection() {
    let chunked = expect(LengthField::Chunked, ResponseFraming::Chunked);
    assert_eq!(plan(Method::GET, V11, 200, BodySize::Unknown), chunked);
    let close = expect(LengthField::Absent, ResponseFraming::UntilClose);
    assert_eq!(plan(Method::GET, V10, 200, BodySize::Unknown), close);
}

#[test]
fn a_promised_length_is_taken_for_an_unknown_size() {
    let expected = expect(LengthField::ContentLength(9), ResponseFraming::Length(9));
    for version in [V10, V11] {
        let found = plan_with(Method::GET, version, 200, BodySize::Unknown, Some("9"));
        assert_eq!(found, expected);
    }
    let chunked = expect(LengthField::Chunked, ResponseFraming::Chunked);
    for nonsense in ["", "x", "-1", "9, 9"] {
        let found = plan_with(Method::GET, V11, 200, BodySize::Unknown, Some(nonsense));
        assert_eq!(found, chunked, "{nonsense:?}");
    }
}

#[test]
fn statuses_without_content_have_neither_field_nor_bytes() {
    let nothing = expect(LengthField::Absent, ResponseFraming::Nothing);
    for status in [100, 101, 103, 204, 304] {
        for size in [BodySize::Known(0), BodySize::Known(5), BodySize::Unknown] {
            for version in [V10, V11] {
                assert_eq!(
                    plan(Method::GET, version, status, size),
                    nothing,
                    "{status} {size:?}"
                );
            }
        }
    }
    assert_eq!(
        plan_with(Method::GET, V11, 204, BodySize::Unknown, Some("5")),
        nothing
    );
    let reset = expect(LengthField::ContentLength(0), ResponseFraming::Nothing);
    assert_eq!(plan(Method::GET, V11, 205, BodySize::Known(5)), reset);
    let unmodified = expect(LengthField::ContentLength(5), ResponseFraming::Nothing);
    assert_eq!(
        plan_with(Method::GET, V11, 304, BodySize::Known(0), Some("5")),
        unmodified
    );
}

#[test]
fn head_announces_what_get_would_send() {
    let of = |size, declared| plan_with(Method::HEAD, V11, 200, size, declared);
    let nothing = |field| expect(field, ResponseFraming::Nothing);
    assert_eq!(
        of(BodySize::Known(13), None),
        nothing(LengthField::ContentLength(13))
    );
    assert_eq!(
        of(BodySize::Known(0), Some("13")),
        nothing(LengthField::ContentLength(13))
    );
    assert_eq!(
        of(BodySize::Unknown, Some("13")),
        nothing(LengthField::ContentLength(13))
    );
    assert_eq!(of(BodySize::Unknown, None), nothing(LengthField::Absent));
    assert_eq!(of(BodySize::Known(0), None), nothing(LengthField::Absent));
}

#[test]
fn a_tunnel_has_no_framing_but_a_refused_one_has() {
    let nothing = expect(LengthField::Absent, ResponseFraming::Nothing);
    assert_eq!(plan(Method::CONNECT, V11, 200, BodySize::Known(5)), nothing);
    let sent = expect(LengthField::ContentLength(5), ResponseFraming::Length(5));
    assert_eq!(plan(Method::CONNECT, V11, 403, BodySize::Known(5)), sent);
}
