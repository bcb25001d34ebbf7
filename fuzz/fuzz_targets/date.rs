//! Dates: what is written is read back, as `httpdate` does; what is read is the day that the calendar
//! says, and stands a round trip.

#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eventlet_protocols::wire::{DateCache, DateText, parse_date};
use libfuzzer_sys::fuzz_target;

/// 9999-12-31T23:59:59: the last second that the form can say.
const LAST_SECOND: u64 = 253_402_300_799;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .expect("not before 1970")
        .as_secs()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` by counting days, one year after the other.
fn counted(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let fits = bytes.len() == 29
        && &bytes[3..5] == b", "
        && [7, 11, 16].iter().all(|&at| bytes[at] == b' ')
        && bytes[19] == b':'
        && bytes[22] == b':'
        && &bytes[25..] == b" GMT";
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = bytes.get(from..to)?;
        let is_number = digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| {
            digits
                .iter()
                .fold(0, |sum, d| sum * 10 + u64::from(d - b'0'))
        })
    };
    if !fits {
        return None;
    }
    let (day, year) = (number(5, 7)?, number(12, 16)?);
    let (hour, minute, second) = (number(17, 19)?, number(20, 22)?, number(23, 25)?);
    let month = MONTHS
        .iter()
        .position(|name| text.get(8..11) == Some(name))?;
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |month: usize| match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    if year < 1970 || day == 0 || day > length(month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let years: u64 = (1970..year)
        .map(|year| if is_leap(year) { 366 } else { 365 })
        .sum();
    let months: u64 = (0..month).map(length).sum();
    Some((years + months + day - 1) * 86_400 + hour * 3600 + minute * 60 + second)
}

fuzz_target!(|data: &[u8]| {
    if let [eight @ .., _] = data
        && let Ok(eight) = <[u8; 8]>::try_from(eight)
    {
        let second = u64::from_be_bytes(eight) % (LAST_SECOND + 1);
        let time = UNIX_EPOCH + Duration::from_secs(second);
        let text = DateText::new(time).to_string();
        assert_eq!(text, httpdate::fmt_http_date(time));
        assert_eq!(DateCache::new().at_second(second).as_str(), text);
        assert_eq!(parse_date(&text), Some(time));
        assert_eq!(counted(&text), Some(second));
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Some(time) = parse_date(text) else {
        return;
    };
    assert!(text.is_ascii() && seconds(time) <= LAST_SECOND);
    if let Some(second) = counted(text) {
        assert_eq!(seconds(time), second, "{text}");
    }
    let again = DateText::new(time);
    assert_eq!(
        parse_date(again.as_str()),
        Some(time),
        "{text} became {again}"
    );
});
