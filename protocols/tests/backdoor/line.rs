//! The line discipline: telnet's commands, ends of lines, characters and lines cut anywhere. Each input
//! is fed whole, split at each place, and byte by byte, and must come to the same.

use eventlet_green::testing::Dice;
use eventlet_protocols::backdoor::{LineDiscipline, LineEvent};

const LIMIT: usize = 16;

fn line(text: &str) -> LineEvent {
    LineEvent::Line(text.to_owned())
}

fn fed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<LineEvent>, Vec<u8>) {
    let mut input = LineDiscipline::new(LIMIT);
    let (mut events, mut answer) = (Vec::new(), Vec::new());
    for piece in pieces {
        input.feed(piece, &mut events, &mut answer);
    }
    (events, answer)
}

#[track_caller]
fn assert_comes_to(bytes: &[u8], events: &[LineEvent], answer: &[u8]) {
    let expected = (events.to_vec(), answer.to_vec());
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(fed([head, tail]), expected, "split at {at}");
    }
    assert_eq!(fed(bytes.chunks(1)), expected, "byte by byte");
}

#[test]
fn a_line_ends_as_each_client_ends_it() {
    let two = [line("a"), line("b")];
    for bytes in ["a\nb\n", "a\r\nb\r\n", "a\r\0b\r\0", "a\rb\r"] {
        assert_comes_to(bytes.as_bytes(), &two, b"");
    }
    assert_comes_to(b"\r\n\n", &[line(""), line("")], b"");
}

#[test]
fn characters_survive_being_split() {
    assert_comes_to("grün € 😀\r\n".as_bytes(), &[line("grün € 😀")], b"");
}

#[test]
fn what_is_no_text_is_told_with_its_place() {
    let not_text = |at| LineEvent::NotText { at };
    assert_comes_to(b"ab\xc3(\nok\n", &[not_text(2), line("ok")], b"");
    // A quoted IAC is a byte 255, which no UTF-8 has.
    assert_comes_to(b"a\xff\xff\n", &[not_text(1)], b"");
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_not_longer() {
    let longest = "x".repeat(LIMIT);
    assert_comes_to(format!("{longest}\n").as_bytes(), &[line(&longest)], b"");
    let bytes = format!("{longest}y\nok\n");
    let events = [LineEvent::TooLong, line("ok")];
    assert_comes_to(bytes.as_bytes(), &events, b"");
    // Nothing of it is kept while it comes.
    let mut input = LineDiscipline::new(LIMIT);
    let mut events = Vec::new();
    for _ in 0..10_000 {
        input.feed(&[b'x'; 1000], &mut events, &mut Vec::new());
    }
    assert_eq!(events, []);
    input.feed(b"\n", &mut events, &mut Vec::new());
    assert_eq!(events, [LineEvent::TooLong]);
}

#[test]
fn an_interrupt_drops_what_was_begun() {
    for interrupt in [&b"\x03"[..], b"\xff\xf4", b"\xff\xf3"] {
        let bytes = [b"first\nbegun", interrupt, b"next\n"].concat();
        let events = [line("first"), LineEvent::Interrupt, line("next")];
        assert_comes_to(&bytes, &events, b"");
        // A line that was too long, too.
        let bytes = [&[b'x'; LIMIT + 1], interrupt, b"next\n"].concat();
        assert_comes_to(&bytes, &[LineEvent::Interrupt, line("next")], b"");
    }
}

#[test]
fn what_telnet_sends_for_ctrl_c_is_answered_or_it_would_show_nothing_more() {
    // IAC IP, IAC DO TIMING-MARK; then IAC DM as some do.
    let bytes = b"\xff\xf4\xff\xfd\x06\xff\xf2a\r\n";
    let events = [LineEvent::Interrupt, line("a")];
    assert_comes_to(bytes, &events, b"\xff\xfb\x06");
}

#[test]
fn the_end_is_told_on_an_empty_line_only() {
    assert_comes_to(b"\x04", &[LineEvent::End], b"");
    assert_comes_to(b"a\x04b\n", &[line("ab")], b"");
    assert_comes_to(b"\xff\xec", &[LineEvent::End], b"");
    assert_comes_to(b"a\xff\xec", &[line("a"), LineEvent::End], b"");
}

#[test]
fn a_client_that_stops_sending_has_its_last_line_heard() {
    for (sent, heard) in [("a\nb", vec![line("a"), line("b")]), ("", vec![])] {
        let mut input = LineDiscipline::new(LIMIT);
        let mut events = Vec::new();
        input.feed(sent.as_bytes(), &mut events, &mut Vec::new());
        input.finish(&mut events);
        assert_eq!(events, [heard, vec![LineEvent::End]].concat());
    }
}

#[test]
fn characters_and_lines_are_erased() {
    for erase in [&b"\x08"[..], b"\x7f", b"\xff\xf7"] {
        let bytes = [&b"a\xe2\x82\xac"[..], erase, b"b\n"].concat();
        assert_comes_to(&bytes, &[line("ab")], b"");
        // There is nothing left to erase.
        let bytes = [erase, erase, b"b\n"].concat();
        assert_comes_to(&bytes, &[line("b")], b"");
    }
    for erase in [&b"\x15"[..], b"\xff\xf8"] {
        let bytes = [&b"abc"[..], erase, b"d\n"].concat();
        assert_comes_to(&bytes, &[line("d")], b"");
    }
}

#[test]
fn options_are_refused_once_and_refusals_not_at_all() {
    // WILL and DO of all but what is done here.
    for option in (0..=255).filter(|option| ![1, 6, 31].contains(option)) {
        assert_comes_to(&[255, 251, option], &[], &[255, 254, option]);
        assert_comes_to(&[255, 253, option], &[], &[255, 252, option]);
    }
    for option in 0..=255 {
        assert_comes_to(&[255, 252, option], &[], b"");
        assert_comes_to(&[255, 254, option], &[], b"");
    }
    // That it is there.
    assert_comes_to(b"\xff\xf6", &[], b"[yes]\r\n");
}

#[test]
fn the_size_of_the_window_is_kept() {
    let window = |bytes: &[u8]| {
        let mut input = LineDiscipline::new(LIMIT);
        for byte in bytes {
            input.feed(&[*byte], &mut Vec::new(), &mut Vec::new());
        }
        (input.width(), input.height(), input.is_telnet())
    };
    assert_eq!(window(b""), (None, None, false));
    assert_eq!(window(b"text\r\n"), (None, None, false));
    assert_eq!(
        window(b"\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0"),
        (Some(80), Some(24), true)
    );
    // A width with a byte 255 in it, quoted.
    let wide = b"\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0";
    assert_eq!(window(wide), (Some(255), Some(24), true));
    // Zero means that it is not known (RFC 1073).
    let unknown = b"\xff\xfa\x1f\x00\x00\x00\x00\xff\xf0";
    assert_eq!(window(unknown), (None, None, true));
    // Of the wrong length, and endless.
    let wrong = b"\xff\xfa\x1f\x00\x50\xff\xf0";
    assert_eq!(window(wrong), (None, None, true));
    let endless = [&b"\xff\xfa\x1f"[..], &[7; 100_000], b"\xff\xf0"].concat();
    assert_eq!(window(&endless), (None, None, true));
}

#[test]
fn a_subnegotiation_that_is_cut_off_ends_with_the_next_command() {
    let bytes = b"\xff\xfa\x1f\x00\xff\xf4a\n";
    assert_comes_to(bytes, &[LineEvent::Interrupt, line("a")], b"");
}

#[test]
fn any_bytes_come_to_the_same_however_they_are_cut() {
    const INTERESTING: &[u8] =
        b"\xff\xff\xff\xfa\xfb\xfc\xfd\xfe\xf0\xf4\xec\xf7\r\n\0\x03\x04\x08\x1f\x06ab\xc3\xa9";
    let mut dice = Dice::new(7);
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..dice.roll(60))
            .map(|_| INTERESTING[dice.roll(INTERESTING.len())])
            .collect();
        let cut = 1 + dice.roll(9);
        assert_eq!(fed([&bytes[..]]), fed(bytes.chunks(cut)), "{bytes:?}");
    }
}
