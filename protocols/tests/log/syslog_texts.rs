//! What datagrams say, by RFC 3164 and RFC 5424: parts, levels, escapes, limits.

use std::time::{Duration, UNIX_EPOCH};

use eventlet_green::testing::run;
use eventlet_protocols::log::{
    CUT, Facility, Field, LOCAL_LIMIT, Record, Sink, Syslog, SyslogFormat, SyslogOptions,
    UDP_LIMIT_3164, UDP_LIMIT_5424,
};
use log::Level;

use crate::support::{Daemon, Folder, LONG, settled};

/// The datagrams of records, and the number of this process in them replaced.
fn texts(options: impl Fn(SyslogOptions) -> SyslogOptions, records: &[Record<'_>]) -> Vec<String> {
    let folder = Folder::new();
    let daemon = Daemon::at(folder.path("log"));
    let options = options(Syslog::unix("app", folder.path("log")).host("box"));
    let syslog = options.start().unwrap();
    let mut texts = Vec::new();
    for record in records {
        syslog.record(record);
        texts.push(daemon.text());
    }
    syslog.flush(LONG).unwrap();
    drop((syslog, daemon));
    settled();
    let number = std::process::id().to_string();
    let hide = |text: String| text.replacen(&number, "4711", 1);
    texts.into_iter().map(hide).collect()
}

fn at_a_known_time<'a>(level: Level, message: &'a str, fields: &'a [Field<'a>]) -> Record<'a> {
    let mut record = Record::new(level, "app::db", message).fields(fields);
    record.time = UNIX_EPOCH + Duration::from_micros(784_111_777_000_421);
    record
}

/// Who the records here are of.
fn me() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

#[test]
fn the_older_form() {
    run(|| {
        let fields: [Field<'_>; 1] = [("host".into(), "db 1".to_owned())];
        let record = at_a_known_time(Level::Info, "connected\nagain", &fields);
        let texts = texts(|options| options, &[record]);
        let wanted = format!(
            "<14>Nov  6 08:49:37 app[4711]: app::db [{}] connected\\nagain host=\"db 1\"",
            me()
        );
        assert_eq!(texts, [wanted]);
    });
}

#[test]
fn the_newer_form() {
    run(|| {
        let newer = |options: SyslogOptions| options.format(SyslogFormat::Rfc5424);
        let fields: [Field<'_>; 2] = [
            ("ho st=".into(), "a\"]\\\n".to_owned()),
            ("\u{20ac}".into(), String::new()),
        ];
        let euro = at_a_known_time(Level::Error, "costs 1 \u{20ac}", &[]);
        let records = [at_a_known_time(Level::Info, "connected", &fields), euro];
        let texts = texts(newer, &records);
        let head = "1 1994-11-06T08:49:37.000421Z box app 4711 app::db";
        // As a parameter it is escaped.
        let me = me().replace(']', "\\]");
        let data = format!("[eventlet@32473 target=\"app::db\" name=\"{me}\"");
        let escaped = "ho_st_=\"a\\\"\\]\\\\\\\\n\" _=\"\"";
        assert_eq!(texts[0], format!("<14>{head} {data} {escaped}] connected"));
        assert_eq!(
            texts[1],
            format!("<11>{head} {data}] \u{feff}costs 1 \u{20ac}")
        );
    });
}

#[test]
fn a_coroutine_is_named() {
    run(|| {
        let named = eventlet_green::Builder::new().name("fetcher");
        let worker = named.spawn(|| {
            let newer = |options: SyslogOptions| options.format(SyslogFormat::Rfc5424);
            let id = eventlet_green::current_id();
            let record = at_a_known_time(Level::Info, "x", &[]);
            let folder = Folder::new();
            let daemon = Daemon::at(folder.path("log"));
            let syslog = newer(Syslog::unix("app", folder.path("log")))
                .start()
                .unwrap();
            syslog.record(&record);
            let text = daemon.text();
            let wanted = format!("coroutine=\"{id}\" name=\"fetcher\"] x");
            assert!(text.ends_with(&wanted), "{text}");
        });
        worker.unwrap().join().unwrap();
        settled();
    });
}

#[test]
fn levels_and_facilities_have_their_numbers() {
    run(|| {
        let levels = [
            Level::Error,
            Level::Warn,
            Level::Info,
            Level::Debug,
            Level::Trace,
        ];
        let records = levels.map(|level| Record::new(level, "a", "b"));
        let texts = texts(|options| options.facility(Facility::Daemon), &records);
        let priorities: Vec<_> = texts
            .iter()
            .map(|text| text.split_once('>').unwrap().0)
            .collect();
        assert_eq!(priorities, ["<27", "<28", "<30", "<31", "<31"]);
    });
}

#[test]
fn a_day_of_two_digits_and_a_program_of_a_strange_name() {
    run(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let name = format!("my app[1]:{}", "x".repeat(50));
        let syslog = Syslog::unix(name, folder.path("log")).start().unwrap();
        let mut record = Record::new(Level::Info, "a", "b");
        record.time = UNIX_EPOCH + Duration::from_secs(784_975_777);
        syslog.record(&record);
        let text = daemon.text();
        let tag = format!("my_app_1]_{}", "x".repeat(22));
        assert!(
            text.starts_with(&format!("<14>Nov 16 08:49:37 {tag}[")),
            "{text}"
        );
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn a_datagram_at_the_limit_is_whole_and_one_past_it_is_cut() {
    run(|| {
        for format in [SyslogFormat::Rfc3164, SyslogFormat::Rfc5424] {
            let with = |options: SyslogOptions| options.format(format);
            let short = texts(with, &[at_a_known_time(Level::Info, "", &[])]);
            let number = std::process::id().to_string();
            // RFC 5424 has a space before the message only if there is one.
            let head = short[0].len() + number.len() - "4711".len();
            for past in [0, 1] {
                let message = "x".repeat(LOCAL_LIMIT - head + past);
                let text = &texts(with, &[at_a_known_time(Level::Info, &message, &[])])[0];
                let length = text.len() + number.len() - "4711".len();
                assert_eq!(length, LOCAL_LIMIT, "{format:?} {past}");
                assert_eq!(text.ends_with(CUT), past == 1, "{format:?} {past}");
            }
        }
    });
}

#[test]
fn characters_are_not_cut_and_fields_give_way_to_the_message() {
    run(|| {
        let newer = |options: SyslogOptions| options.format(SyslogFormat::Rfc5424).limit(400);
        let euros = "\u{20ac}".repeat(400);
        let large: [Field<'_>; 1] = [("large".into(), "y".repeat(400))];
        let texts = texts(
            newer,
            &[
                at_a_known_time(Level::Info, &euros, &[]),
                at_a_known_time(Level::Info, "message", &large),
            ],
        );
        let message = texts[0].split_once('\u{feff}').unwrap().1;
        let whole = message.strip_suffix(CUT).unwrap();
        assert!(whole.chars().all(|c| c == '\u{20ac}'));
        assert!(
            texts[1].ends_with(" cut=\"fields\"] message"),
            "{}",
            texts[1]
        );
    });
}

#[test]
fn what_udp_may_carry_is_less() {
    run(|| {
        for (format, limit) in [
            (SyslogFormat::Rfc3164, UDP_LIMIT_3164),
            (SyslogFormat::Rfc5424, UDP_LIMIT_5424),
        ] {
            let daemon = eventlet_green::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let address = daemon.local_addr().unwrap().to_string();
            let syslog = Syslog::udp("app", address).host("box").format(format);
            let syslog = syslog.start().unwrap();
            syslog.record(&Record::new(Level::Info, "a", &"x".repeat(5000)));
            let mut datagram = [0; 5000];
            assert_eq!(daemon.recv(&mut datagram).unwrap(), limit);
            let text = String::from_utf8_lossy(&datagram[..limit]);
            // Over a network it is said whose it is.
            assert!(text.contains(" box app"), "{text}");
            drop((syslog, daemon));
            settled();
        }
    });
}

#[test]
fn what_cannot_name_structured_data_is_refused() {
    run(|| {
        for id in ["", "a b", "a=b", "a]", "a\"b", "\u{20ac}", &"x".repeat(33)] {
            let error = Syslog::local("app").data_id(id).start().unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{id}");
            assert!(error.to_string().contains("structured data"), "{error}");
        }
        let longest = "x".repeat(32);
        let syslog = Syslog::local("app").data_id(longest).start().unwrap();
        drop(syslog);
        let error = Syslog::local("app").records(0).start().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        settled();
    });
}
