//! Dates: one form written, three read (RFC 9110 section 5.6.7).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eventlet_protocols::wire::{DateCache, DateText, parse_date};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn known_seconds_have_their_text() {
    let cases = [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ];
    for (second, text) in cases {
        let date = DateText::new(at(second));
        assert_eq!(date.as_str(), text);
        assert_eq!(date.to_string(), text);
        assert_eq!(format!("{date:?}"), format!("DateText({text})"));
        assert_eq!(parse_date(text), Some(at(second)));
    }
}

#[test]
fn what_the_form_cannot_say_is_the_nearest() {
    let before = UNIX_EPOCH - Duration::from_secs(5);
    assert_eq!(DateText::new(before), DateText::new(UNIX_EPOCH));
    let after = at(253_402_300_800);
    assert_eq!(
        DateText::new(after).as_str(),
        "Fri, 31 Dec 9999 23:59:59 GMT"
    );
    let fraction = at(7) + Duration::from_nanos(999_999_999);
    assert_eq!(DateText::new(fraction), DateText::new(at(7)));
}

#[test]
fn the_cache_follows_the_clock_both_ways() {
    let mut dates = DateCache::default();
    for second in [5, 5, 6, 86_400, 5, 0] {
        assert_eq!(*dates.at_second(second), DateText::new(at(second)));
        assert_eq!(*dates.at(at(second)), DateText::new(at(second)));
    }
}

#[test]
fn three_forms_are_read() {
    let expected = Some(at(784_111_777));
    assert_eq!(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
    assert_eq!(parse_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
    assert_eq!(parse_date("Sun Nov  6 08:49:37 1994"), expected);
}

#[test]
fn anything_else_is_no_date() {
    let texts = [
        "",
        "x",
        "0",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 PST",
        "\u{e9}\u{e9}\u{e9}",
    ];
    for text in texts {
        assert_eq!(parse_date(text), None, "{text}");
    }
}
