//! Percent-decoding and query pairs.

use eventlet_protocols::wire::{
    path_segments, percent_decode, percent_decode_text, query_pairs, query_value,
};

#[test]
fn escapes_are_decoded_and_faulty_ones_stay() {
    let cases: &[(&str, &[u8])] = &[
        ("", b""),
        ("plain", b"plain"),
        ("%41%4a%4A", b"AJJ"),
        ("a+b", b"a+b"),
        ("%00%0d%0a", b"\0\r\n"),
        ("%", b"%"),
        ("%4", b"%4"),
        ("%4g", b"%4g"),
        ("%%41", b"%A"),
        ("%+1", b"%+1"),
        ("%2541", b"%41"),
        ("%ff", b"\xff"),
    ];
    for (text, expected) in cases {
        assert_eq!(&*percent_decode(text), *expected, "{text}");
    }
}

#[test]
fn text_that_is_no_utf_8_is_replaced() {
    assert_eq!(percent_decode_text("%e2%82%ac"), "€");
    assert_eq!(percent_decode_text("a%ffb"), "a\u{fffd}b");
}

#[test]
fn pairs_come_in_order_and_decoded() {
    let found: Vec<_> = query_pairs("a=1&b=x+y%2B&a=2&c&=d&&e==f").collect();
    let found: Vec<_> = found
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let expected = [
        ("a", "1"),
        ("b", "x y+"),
        ("a", "2"),
        ("c", ""),
        ("", "d"),
        ("e", "=f"),
    ];
    assert_eq!(found, expected);
    assert_eq!(query_pairs("").count(), 0);
}

#[test]
fn a_value_is_found_by_its_decoded_name() {
    let query = "n=3&m%73=20&n=4&flag";
    assert_eq!(query_value(query, "n").as_deref(), Some("3"));
    assert_eq!(query_value(query, "ms").as_deref(), Some("20"));
    assert_eq!(query_value(query, "flag").as_deref(), Some(""));
    assert_eq!(query_value(query, "x"), None);
}

#[test]
fn segments_are_cut_before_they_are_decoded() {
    let found: Vec<_> = path_segments("/a%2fb/c+d//").collect();
    assert_eq!(found, ["a/b", "c+d", "", ""]);
    assert_eq!(path_segments("/").collect::<Vec<_>>(), [""]);
}
