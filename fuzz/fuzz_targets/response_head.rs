//! Heads of responses: whatever fields a handler sets, `httparse` reads the head that is written, with
//! those fields, ours, and no other: no line of the handler's making.

#![no_main]

use std::collections::BTreeMap;

use eventlet_protocols::wire::{
    BodySize, BodyWriter, ConnectionField, DateText, LengthField, NameCase, ResponseHead,
    plan_response, reason_phrase,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use libfuzzer_sys::fuzz_target;

/// More than the lines of an input and our own.
const SLOTS: usize = 256;
const MOST_FIELDS: usize = 200;

/// Fields that are ours to write.
const OURS: [&str; 7] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Lines of `name=value`; what no field may hold is left out by the `http` crate.
fn fields_of(data: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\x1e').take(MOST_FIELDS) {
        let mut halves = line.splitn(2, |&byte| byte == b'=');
        let name = HeaderName::from_bytes(halves.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    fields
}

fuzz_target!(|data: &[u8]| {
    let [status_high, status_low, setting, size, rest @ ..] = data else {
        return;
    };
    let code = u16::from_be_bytes([*status_high, *status_low]);
    let status = StatusCode::from_u16(100 + code % 900).expect("100 to 999");
    let fields = fields_of(rest);
    let method = if setting & 1 == 0 {
        Method::GET
    } else {
        Method::HEAD
    };
    let version = if setting & 2 == 0 {
        Version::HTTP_11
    } else {
        Version::HTTP_10
    };
    let names = if setting & 4 == 0 {
        NameCase::Title
    } else {
        NameCase::Lower
    };
    let known = if setting & 8 == 0 {
        BodySize::Known(u64::from(*size))
    } else {
        BodySize::Unknown
    };
    let connection = match setting >> 4 & 3 {
        0 => ConnectionField::Absent,
        1 => ConnectionField::Close,
        2 => ConnectionField::KeepAlive,
        _ => ConnectionField::Upgrade,
    };
    let plan = plan_response(&method, version, status, &fields, known);
    let date = DateText::new(std::time::UNIX_EPOCH);
    let server = HeaderValue::from_static("fuzzed");
    let mut out = Vec::new();
    ResponseHead {
        status,
        fields: &fields,
        length: plan.field,
        connection,
        keep_alive_seconds: Some(u64::from(*size)),
        date: Some(&date),
        server: Some(&server),
        names,
    }
    .write_to(&mut out);

    let mut slots = [httparse::EMPTY_HEADER; SLOTS];
    let mut response = httparse::Response::new(&mut slots);
    let parsed = response
        .parse(&out)
        .expect("httparse reads what is written");
    assert_eq!(parsed, httparse::Status::Complete(out.len()));
    assert_eq!(
        (response.version, response.code),
        (Some(1), Some(status.as_u16()))
    );
    assert_eq!(response.reason, Some(reason_phrase(status)));

    // Each of the handler's fields in its order, but for ours; nothing beside them.
    let mut expected: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, value) in &fields {
        let is_ours = OURS.contains(&name.as_str());
        let is_let_through = name == "upgrade"
            && (connection == ConnectionField::Upgrade || status == StatusCode::UPGRADE_REQUIRED);
        if !is_ours || is_let_through {
            // White space around a value is no part of it.
            let value = value.as_bytes().trim_ascii().to_vec();
            expected
                .entry(name.as_str().to_owned())
                .or_default()
                .push(value);
        }
    }
    let mut own = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            expected.insert(name.into(), vec![value.into_bytes()]);
        }
    };
    if !fields.contains_key("date") {
        own("date", Some(date.to_string()));
    }
    if !fields.contains_key("server") {
        own("server", Some("fuzzed".into()));
    }
    own(
        "content-length",
        match plan.field {
            LengthField::ContentLength(length) => Some(length.to_string()),
            _ => None,
        },
    );
    let is_chunked = plan.field == LengthField::Chunked;
    own("transfer-encoding", is_chunked.then(|| "chunked".into()));
    own(
        "connection",
        match connection {
            ConnectionField::Absent => None,
            ConnectionField::Close => Some("close".into()),
            ConnectionField::KeepAlive => Some("keep-alive".into()),
            ConnectionField::Upgrade => Some("upgrade".into()),
        },
    );
    let is_kept = connection == ConnectionField::KeepAlive;
    own("keep-alive", is_kept.then(|| format!("timeout={size}")));
    let mut found: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for field in response.headers.iter() {
        let name = field.name.to_ascii_lowercase();
        found
            .entry(name)
            .or_default()
            .push(field.value.trim_ascii().to_vec());
    }
    assert_eq!(found, expected);

    // The body that goes with it is as long as was said.
    let mut body = Vec::new();
    let mut writer = BodyWriter::new(&plan);
    writer.frame(rest).write_to(&mut body);
    let ended = writer.finish(None, &mut body);
    if let (
        LengthField::ContentLength(length),
        eventlet_protocols::wire::ResponseFraming::Length(_),
    ) = (plan.field, plan.framing)
    {
        assert_eq!(body.len() as u64, length.min(rest.len() as u64));
        assert_eq!(ended.is_err(), (rest.len() as u64) < length);
    }
});
