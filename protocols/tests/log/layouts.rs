//! How a record becomes a line: its parts, who made it, what is escaped and cut.

use std::time::{Duration, UNIX_EPOCH};

use eventlet_green::testing::on_each_hub;
use eventlet_green::{Builder, call_after, spawn, sync::Event};
use eventlet_protocols::log::{CUT, DEFAULT_RECORD_LIMIT, Field, Layout, Origin, Record};
use log::Level;

fn line(layout: Layout, record: &Record<'_>) -> String {
    let mut text = String::from("> ");
    layout.write(record, DEFAULT_RECORD_LIMIT, &mut text);
    text.split_off(2)
}

fn fields(pairs: &[(&'static str, &str)]) -> Vec<Field<'static>> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).into(), (*value).to_owned()))
        .collect()
}

fn at_a_known_time<'a>(message: &'a str, fields: &'a [Field<'a>]) -> Record<'a> {
    let mut record = Record::new(Level::Info, "app::db", message).fields(fields);
    record.time = UNIX_EPOCH + Duration::from_micros(784_111_777_000_421);
    record
}

#[test]
fn a_line_has_everything_in_it() {
    on_each_hub(|| {
        let worker = Builder::new().name("fetcher").spawn(|| {
            let fields = fields(&[("host", "db1"), ("answer", "not found"), ("empty", "")]);
            let record = at_a_known_time("connected", &fields);
            let who = eventlet_green::current_id();
            let wanted = format!(
                "1994-11-06T08:49:37.000421Z INFO  app::db [#{who} fetcher] connected \
                 host=db1 answer=\"not found\" empty=\"\""
            );
            assert_eq!(line(Layout::Full, &record), wanted);
            assert_eq!(line(Layout::Message, &record), "connected");
        });
        worker.unwrap().join().unwrap();
    });
}

#[test]
fn who_makes_a_record_is_known_everywhere() {
    on_each_hub(|| {
        let thread = std::thread::current().name().map(str::to_owned);
        let root = Origin::here();
        assert_eq!((root.coroutine(), root.name()), (None, thread.as_deref()));
        let nameless = spawn(Origin::here);
        let id = nameless.id();
        let nameless = nameless.join().unwrap();
        assert_eq!((nameless.coroutine(), nameless.name()), (Some(id), None));
        assert_eq!(nameless.to_string(), format!("#{id}"));
        // Called by the loop.
        let event = Event::new();
        let told = event.clone();
        let _timer = call_after(Duration::ZERO, move || told.send(Origin::here()).unwrap());
        assert!(!event.wait().unwrap().to_string().is_empty());
        // On threads that have no loop, which none is made for.
        let other = std::thread::Builder::new().name("other".into());
        let other = other.spawn(|| (Origin::here(), eventlet_green::current().is_none()));
        let (other, has_no_loop) =
            eventlet_green::offload(|| other.unwrap().join().unwrap()).unwrap();
        assert_eq!(other.to_string(), "other");
        assert!(has_no_loop);
        let unnamed = std::thread::spawn(Origin::here);
        let unnamed = eventlet_green::offload(|| unnamed.join().unwrap()).unwrap();
        assert!(unnamed.to_string().starts_with("ThreadId("), "{unnamed}");
    });
}

#[test]
fn nothing_in_a_record_can_end_its_line_or_reach_a_terminal() {
    let fields = fields(&[("a\nb", "\x1b[2J"), ("quoted", "say \"\\\"\n")]);
    let record = at_a_known_time("one\r\ntwo\t\u{9b}\x7f \u{20ac}", &fields);
    let text = line(Layout::Full, &record);
    let (_, text) = text.split_once("] ").unwrap();
    let wanted = "one\\r\\ntwo\t\\u{9b}\\u{7f} \u{20ac} a\\nb=\\u{1b}[2J \
                  quoted=\"say \\\"\\\\\\\"\\n\"";
    assert_eq!(text, wanted);
    assert!(!line(Layout::Message, &record).contains(['\r', '\n']));
}

#[test]
fn a_record_at_the_limit_is_whole_and_one_past_it_is_cut() {
    let exact = "x".repeat(DEFAULT_RECORD_LIMIT);
    let record = at_a_known_time(&exact, &[]);
    assert_eq!(line(Layout::Message, &record), exact);
    let past = format!("{exact}y");
    let cut = line(Layout::Message, &at_a_known_time(&past, &[]));
    assert_eq!(cut.len(), DEFAULT_RECORD_LIMIT);
    assert_eq!(cut, format!("{}{CUT}", &exact[CUT.len()..]));
    // Between characters.
    let euros = "\u{20ac}".repeat(DEFAULT_RECORD_LIMIT);
    let cut = line(Layout::Message, &at_a_known_time(&euros, &[]));
    let whole = cut.strip_suffix(CUT).unwrap();
    assert!(whole.chars().all(|c| c == '\u{20ac}'));
    assert!((DEFAULT_RECORD_LIMIT - 3..=DEFAULT_RECORD_LIMIT).contains(&cut.len()));
}
