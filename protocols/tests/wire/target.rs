//! Request targets and hosts (RFC 9112 section 3.2, RFC 9110 sections 4.2, 7.2 and 9.3.6).

use bytes::Bytes;
use eventlet_protocols::wire::{Refusal, TargetForm, is_valid_host, parse_target};
use http::{Method, Uri};

use crate::scenario::{message, refusal};

fn parse(method: Method, target: &'static str) -> Result<(Uri, TargetForm), Refusal> {
    parse_target(&method, Bytes::from_static(target.as_bytes()))
}

#[test]
fn the_four_forms_are_told_apart() {
    let form = |method, target| parse(method, target).expect(target).1;
    assert_eq!(form(Method::GET, "/"), TargetForm::Origin);
    assert_eq!(form(Method::OPTIONS, "/a?b"), TargetForm::Origin);
    assert_eq!(form(Method::GET, "http://a/"), TargetForm::Absolute);
    assert_eq!(form(Method::GET, "HTTPS://a:443/x?y"), TargetForm::Absolute);
    assert_eq!(
        form(Method::CONNECT, "a.example:443"),
        TargetForm::Authority
    );
    assert_eq!(form(Method::CONNECT, "[::1]:443"), TargetForm::Authority);
    assert_eq!(form(Method::OPTIONS, "*"), TargetForm::Asterisk);
}

#[test]
fn a_form_that_does_not_go_with_the_method_is_refused() {
    let cases = [
        (Method::GET, "*"),
        (Method::GET, "a.example:443"),
        (Method::CONNECT, "/"),
        (Method::CONNECT, "*"),
        (Method::CONNECT, "a.example"),
        (Method::CONNECT, "a.example:"),
    ];
    for (method, target) in cases {
        let found = parse(method.clone(), target);
        assert_eq!(found, Err(Refusal::TargetFormMismatch), "{method} {target}");
    }
}

#[test]
fn an_invalid_target_is_refused() {
    let targets = [
        "",
        "a",
        "a/b",
        "?x",
        "/a#b",
        "/<a>",
        "http://",
        "http:///x",
        "http://u@a/",
        "http://a:x/",
        "http://a:70000/",
        "ftp://a/",
        "http:/a",
        "http://a b/",
        "/caf\u{e9}",
        "/?q=\u{e9}",
        "http://caf\u{e9}/",
    ];
    for target in targets {
        assert_eq!(
            parse(Method::GET, target),
            Err(Refusal::TargetInvalid),
            "{target}"
        );
    }
    for target in ["http://a:1/", "u@a:1", "a:99999", ""] {
        let found = parse(Method::CONNECT, target);
        assert_eq!(found, Err(Refusal::TargetInvalid), "{target}");
    }
}

#[test]
fn a_byte_that_no_uri_has_is_refused_unless_browsers_send_it() {
    let uri = b"!$%&'()*+,-./:;=?@_~";
    let lenient = [("/", b"\"[\\]^{|}"), ("/?", b"`[\\]^{|}")];
    for (before, lenient) in lenient {
        for byte in 0..=u8::MAX {
            let is_fine =
                byte.is_ascii_alphanumeric() || uri.contains(&byte) || lenient.contains(&byte);
            let target = Bytes::from([before.as_bytes(), &[byte]].concat());
            let is_taken = parse_target(&Method::GET, target).is_ok();
            assert_eq!(is_taken, is_fine, "{before}{}", byte.escape_ascii());
        }
    }
}

#[test]
fn nothing_in_a_path_is_decoded_or_resolved() {
    let (uri, _) = parse(Method::GET, "/%00/%2e%2e/../a%2Fb//?q=%0d%0a").expect("valid");
    assert_eq!(uri.path(), "/%00/%2e%2e/../a%2Fb//");
    assert_eq!(uri.query(), Some("q=%0d%0a"));
}

#[test]
fn two_slashes_are_a_path_and_not_a_host() {
    let (uri, form) = parse(Method::GET, "//evil.example/x").expect("valid");
    assert_eq!((form, uri.authority()), (TargetForm::Origin, None));
    assert_eq!(uri.path(), "//evil.example/x");
}

#[test]
fn an_absolute_target_without_a_path_is_the_root() {
    let (uri, _) = parse(Method::GET, "http://a.example").expect("valid");
    assert_eq!(uri.path(), "/");
    let (uri, _) = parse(Method::GET, "http://a.example?q").expect("valid");
    assert_eq!((uri.path(), uri.query()), ("/", Some("q")));
}

#[test]
fn the_forms_come_through_a_whole_request() {
    let connect = message(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n").head;
    assert_eq!(connect.form, TargetForm::Authority);
    assert_eq!(connect.host(), Some("a.example:443"));
    let options = message(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").head;
    assert_eq!(
        (options.form, options.uri.path()),
        (TargetForm::Asterisk, "*")
    );
    let found = refusal(b"GET * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        (found, found.status().as_u16()),
        (Refusal::TargetFormMismatch, 400)
    );
    let found = refusal(b"GET /#top HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        (found, found.status().as_u16()),
        (Refusal::TargetInvalid, 400)
    );
}

#[test]
fn hosts_are_checked_to_the_grammar() {
    for host in [
        "",
        "a",
        "a.b-c_d~",
        "127.0.0.1:80",
        "a:",
        "a:65535",
        "[::1]",
        "[::ffff:1.2.3.4]:1",
    ] {
        assert!(is_valid_host(host.as_bytes()), "{host}");
    }
    for host in ["[v1.a:b]", "%41.example", "a!$&'()*+;=b"] {
        assert!(is_valid_host(host.as_bytes()), "{host}");
    }
    for host in [
        "a b", "a\t", "a,b", "a/", "a?", "a#", "a@b", "a\\b", "<a>", "a:b", "a:-1", "a:1:2",
    ] {
        assert!(!is_valid_host(host.as_bytes()), "{host}");
    }
    for host in [
        "[",
        "[]",
        "[::1",
        "[::1]x",
        "[::1]:x",
        "[1.2.3.4]",
        "[v.a]",
        "%zz",
        "%4",
        "é",
    ] {
        assert!(!is_valid_host(host.as_bytes()), "{host}");
    }
}
