//! Request targets and hosts: what is taken holds nothing that could be read in two ways, is what the
//! `http` crate reads, and stands a round trip.

#![no_main]

use bytes::Bytes;
use eventlet_fuzz::settings;
use eventlet_protocols::wire::{TargetForm, is_valid_host, parse_target};
use http::{Method, Uri};
use libfuzzer_sys::fuzz_target;

/// Host and port, told apart plainly (RFC 3986 section 3.2): a literal in brackets, or no colon.
fn plain_host(text: &str) -> Option<(&str, Option<&str>)> {
    let split = match text.strip_prefix('[') {
        Some(_) => text.find(']')? + 1,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(split);
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None => rest.is_empty().then_some((host, None)),
    }
}

fn host(text: &[u8]) {
    if !is_valid_host(text) {
        return;
    }
    let text = std::str::from_utf8(text).expect("a host is ASCII");
    assert!(
        !text.contains([
            '@', '/', '?', '#', '\\', ' ', ',', '\t', '\r', '\n', '\0', '<', '>'
        ]) || text.starts_with("[v")
            || text.starts_with("[V")
    );
    let (name, port) = plain_host(text).expect("host and port");
    if let Some(port) = port {
        assert!(!name.is_empty());
        assert!(port.is_empty() || port.parse::<u16>().is_ok());
        assert!(port.bytes().all(|byte| byte.is_ascii_digit()));
    }
    if let Some(literal) = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let is_future = literal.starts_with(['v', 'V']);
        assert!(is_future || literal.parse::<std::net::Ipv6Addr>().is_ok());
    }
}

fn target(method: &Method, text: &[u8]) {
    let Ok((uri, form)) = parse_target(method, Bytes::copy_from_slice(text)) else {
        return;
    };
    let text = std::str::from_utf8(text).expect("a target is ASCII");
    assert!(text.is_ascii() && !text.contains(['#', ' ', '\r', '\n', '\t', '\0', '<', '>']));
    assert_eq!(text.parse::<Uri>().expect("the http crate reads it"), uri);
    // What is written again is read again.
    let written = uri.to_string();
    let again = parse_target(method, Bytes::from(written.clone().into_bytes()));
    assert_eq!(again, Ok((uri.clone(), form)), "{written}");
    match form {
        TargetForm::Origin => {
            assert!(text.starts_with('/') && uri.authority().is_none());
            assert_eq!(uri.path_and_query().map(|whole| whole.as_str()), Some(text));
        }
        TargetForm::Absolute => {
            let authority = uri.authority().expect("a host").as_str();
            assert!(is_valid_host(authority.as_bytes()) && !authority.contains('@'));
            assert!(!uri.host().unwrap_or_default().is_empty());
            assert!(matches!(uri.scheme_str(), Some("http" | "https")));
        }
        TargetForm::Authority => {
            assert_eq!(*method, Method::CONNECT);
            assert!(uri.port_u16().is_some() && !uri.host().unwrap_or_default().is_empty());
        }
        TargetForm::Asterisk => assert_eq!((method, text), (&Method::OPTIONS, "*")),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((setting, rest)) = settings(data) else {
        return;
    };
    let method = match setting % 3 {
        0 => Method::GET,
        1 => Method::CONNECT,
        _ => Method::OPTIONS,
    };
    target(&method, rest);
    host(rest);
});
