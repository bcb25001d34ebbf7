//! What redirects ask for (RFC 9110 section 15.4), and references (RFC 3986 section 5.4).

use eventlet_protocols::wire::{
    ReferenceFault, is_content_field, is_origins_own, redirected_method, resolve_reference,
};
use http::{HeaderName, Method, StatusCode, Uri};

/// The examples of RFC 3986 section 5.4, without those that another scheme is needed for; fragments
/// are cut off.
#[test]
fn references_resolve_as_the_rfc_shows() {
    let base = Uri::from_static("http://a/b/c/d;p?q");
    for (reference, expected) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("http://other:81/x", "http://other:81/x"),
    ] {
        let found = resolve_reference(&base, reference.as_bytes()).unwrap();
        assert_eq!(found, expected.parse::<Uri>().unwrap(), "{reference}");
    }
}

#[test]
fn what_servers_send_unescaped_is_escaped() {
    let base = Uri::from_static("http://a/");
    let found = resolve_reference(&base, "/gr\u{fc}n x".as_bytes()).unwrap();
    assert_eq!(found.path(), "/gr%C3%BCn%20x");
}

#[test]
fn what_is_no_reference_is_refused() {
    let base = Uri::from_static("http://a/");
    for reference in ["http://[::1", "http://a:b:c/", "%zz", "::"] {
        let found = resolve_reference(&base, reference.as_bytes());
        assert_eq!(found, Err(ReferenceFault::Invalid), "{reference}");
    }
    let long = format!("/{}", "x".repeat(70_000));
    assert_eq!(
        resolve_reference(&base, long.as_bytes()),
        Err(ReferenceFault::TooLong)
    );
}

#[test]
fn which_method_comes_next() {
    let statuses = [300, 301, 302, 303, 304, 305, 306, 307, 308, 200, 400];
    let expect = |method: Method, expected: [Option<Method>; 11]| {
        for (status, expected) in statuses.into_iter().zip(expected) {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                redirected_method(status, &method),
                expected,
                "{method} {status}"
            );
        }
    };
    let all = |moved: &Method, other: &Method, kept: &Method| {
        let (moved, other, kept) = (Some(moved.clone()), Some(other.clone()), Some(kept.clone()));
        let (found, kept_too) = (moved.clone(), kept.clone());
        [
            None, moved, found, other, None, None, None, kept, kept_too, None, None,
        ]
    };
    let (get, put) = (Method::GET, Method::PUT);
    expect(Method::GET, all(&get, &get, &get));
    expect(
        Method::HEAD,
        all(&Method::HEAD, &Method::HEAD, &Method::HEAD),
    );
    expect(Method::POST, all(&get, &get, &Method::POST));
    expect(Method::PUT, all(&put, &get, &put));
}

#[test]
fn which_fields_stay_behind() {
    let name = |text: &str| text.parse::<HeaderName>().unwrap();
    for own in [
        "authorization",
        "cookie",
        "cookie2",
        "proxy-authorization",
        "origin",
    ] {
        assert!(is_origins_own(&name(own)), "{own}");
    }
    for content in ["content-type", "content-encoding", "expect", "digest"] {
        assert!(is_content_field(&name(content)), "{content}");
    }
    for plain in ["accept", "user-agent", "x-anything"] {
        assert!(!is_origins_own(&name(plain)) && !is_content_field(&name(plain)));
    }
}
