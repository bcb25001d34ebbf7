//! The logger behind the `log` package's macros: levels, fields, sinks, records within records.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use eventlet_green::testing::{in_children, on_each_hub, until_parked};
use eventlet_green::{Builder, offload, sleep, spawn, yield_now};
use eventlet_protocols::log::{LogWriter, Logger, MAX_NESTED, Record, Sink};
use log::{Level, LevelFilter, Log, debug, error, info, trace, warn};

use crate::support::{Gate, LONG, Memory};

fn logger(level: LevelFilter) -> (Logger, Memory) {
    let memory = Memory::default();
    let logger = Logger::builder().level(level).sink(memory.clone()).build();
    (logger, memory)
}

/// The macros ask a global limit first.
fn all_levels() {
    log::set_max_level(LevelFilter::Trace);
}

#[test]
fn messages_fields_and_targets_get_there() {
    all_levels();
    let (logger, memory) = logger(LevelFilter::Info);
    info!(logger: logger, target: "app", port = 80, host = "db"; "listening on {}", "it");
    warn!(logger: logger, target: "app", "plain");
    debug!(logger: logger, target: "app", "not allowed");
    assert_eq!(
        memory.take(),
        ["INFO app listening on it port=80 host=db", "WARN app plain"]
    );
}

#[test]
fn the_nearest_level_decides() {
    all_levels();
    let memory = Memory::default();
    let logger = Logger::builder()
        .level(LevelFilter::Warn)
        .target("app", LevelFilter::Debug)
        .target("app::db::pool", LevelFilter::Off)
        .target("app::db", LevelFilter::Trace)
        .sink(memory.clone())
        .build();
    let allowed = |target, level| logger.allows(target, level);
    assert!(allowed("other", Level::Warn) && !allowed("other", Level::Info));
    assert!(allowed("app", Level::Debug) && !allowed("app", Level::Trace));
    assert!(allowed("app::web", Level::Debug) && !allowed("app::web", Level::Trace));
    assert!(allowed("app::db", Level::Trace) && allowed("app::db::x", Level::Trace));
    assert!(!allowed("app::db::pool", Level::Error) && !allowed("app::db::pool::x", Level::Error));
    // Another's name only begins so.
    assert!(!allowed("application", Level::Debug));
    logger.set_level("app", LevelFilter::Error);
    logger.set_level("", LevelFilter::Trace);
    assert!(!allowed("app", Level::Warn) && allowed("other", Level::Trace));
    trace!(logger: logger, target: "other", "seen");
    assert_eq!(memory.take(), ["TRACE other seen"]);
}

/// Shows itself by logging first.
struct Logs<'a>(&'a Logger, u32);

impl fmt::Display for Logs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 > 0 {
            info!(logger: self.0, target: "nested", "{}", Logs(self.0, self.1 - 1));
        }
        write!(f, "depth {}", self.1)
    }
}

#[test]
fn a_record_may_log_while_it_is_logged_but_not_without_end() {
    all_levels();
    on_each_hub(|| {
        let (logger, memory) = logger(LevelFilter::Info);
        let most = u32::try_from(MAX_NESTED).unwrap() - 1;
        info!(logger: logger, target: "nested", "{}", Logs(&logger, most));
        // The inner ones are done first.
        let wanted: Vec<_> = (0..=most)
            .map(|depth| format!("INFO nested depth {depth}"))
            .collect();
        assert_eq!(memory.take(), wanted);
        assert_eq!(logger.refused(), 0);
        info!(logger: logger, target: "nested", "{}", Logs(&logger, most + 1));
        assert_eq!(memory.take().len(), MAX_NESTED);
        assert_eq!(logger.refused(), 1);
        // Afterwards all is as before.
        info!(logger: logger, target: "nested", "{}", Logs(&logger, most));
        assert_eq!(memory.take().len(), MAX_NESTED);
    });
}

/// A sink that logs each record it is given, to the logger that it belongs to.
#[derive(Clone, Default)]
struct Echo(Arc<OnceLock<Logger>>);

impl Sink for Echo {
    fn record(&self, record: &Record<'_>) {
        self.0.get().unwrap().record(record);
    }

    fn flush(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_logs_does_not_overflow_the_stack() {
    all_levels();
    let (echo, memory) = (Echo::default(), Memory::default());
    let logger = Logger::builder()
        .sink(memory.clone())
        .sink(echo.clone())
        .build();
    assert!(echo.0.set(logger.clone()).is_ok());
    error!(logger: logger, target: "a", "b");
    assert_eq!(memory.take().len(), MAX_NESTED);
    assert_eq!(logger.refused(), 1);
}

/// Waits while it is shown.
struct Waits;

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sleep(LONG);
        f.write_str("never")
    }
}

#[test]
fn one_who_waits_within_a_record_hinders_nobody_and_can_be_killed() {
    all_levels();
    on_each_hub(|| {
        let (logger, memory) = logger(LevelFilter::Info);
        let theirs = logger.clone();
        let waiting: Vec<_> = (0..MAX_NESTED + 1)
            .map(|_| {
                let logger = theirs.clone();
                spawn(move || info!(logger: logger, target: "a", "{Waits}"))
            })
            .collect();
        waiting.iter().for_each(until_parked);
        info!(logger: logger, target: "a", "meanwhile");
        for one in waiting {
            one.kill().unwrap();
            assert!(one.join().is_err());
        }
        info!(logger: logger, target: "a", "{}", Logs(&logger, 1));
        assert_eq!(memory.take()[0], "INFO a meanwhile");
        assert_eq!(logger.refused(), 0);
    });
}

struct Panics;

impl Sink for Panics {
    fn record(&self, _: &Record<'_>) {
        panic!("the sink's own");
    }

    fn flush(&self, _: Duration) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[test]
fn whatever_one_sink_does_the_others_get_the_record() {
    all_levels();
    let (before, after) = (Memory::default(), Memory::default());
    let logger = Logger::builder()
        .sink(before.clone())
        .sink(Panics)
        .sink(Arc::new(after.clone()))
        .build();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        warn!(logger: logger, target: "a", "b");
    }));
    assert_eq!(
        *outcome.unwrap_err().downcast::<&str>().unwrap(),
        "the sink's own"
    );
    assert_eq!(before.take(), ["WARN a b"]);
    assert_eq!(after.take(), ["WARN a b"]);
    // And all are flushed, though one fails.
    let error = Logger::flush(&logger, LONG).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    Log::flush(&logger);
}

#[test]
fn it_is_used_from_many_threads() {
    all_levels();
    let (logger, memory) = logger(LevelFilter::Info);
    thread::scope(|scope| {
        for who in 0..8 {
            let logger = &logger;
            scope.spawn(move || {
                for number in 0..200 {
                    info!(logger: logger, target: "a", "{who} {number}");
                }
            });
        }
    });
    assert_eq!(memory.take().len(), 1600);
}

#[test]
fn records_of_killed_coroutines_and_their_destructors_are_there() {
    all_levels();
    struct Ends(Logger);
    impl Drop for Ends {
        fn drop(&mut self) {
            info!(logger: self.0, target: "a", "ends; unwinding: {}", thread::panicking());
        }
    }
    on_each_hub(|| {
        let (logger, memory) = logger(LevelFilter::Info);
        let theirs = logger.clone();
        let sleeper = spawn(move || {
            let _ends = Ends(theirs.clone());
            info!(logger: theirs, target: "a", "begins");
            sleep(LONG);
        });
        until_parked(&sleeper);
        sleeper.kill().unwrap();
        assert!(sleeper.join().is_err());
        assert_eq!(
            memory.take(),
            ["INFO a begins", "INFO a ends; unwinding: true"]
        );
    });
}

#[test]
fn installed_it_takes_what_the_macros_say_and_flushes_at_the_end() {
    in_children(
        "loggers::installed_it_takes_what_the_macros_say_and_flushes_at_the_end",
        || {
            let gate = Gate::default();
            gate.open();
            let writer = LogWriter::new(gate.clone()).unwrap();
            let logger = Logger::builder()
                .level(LevelFilter::Warn)
                .sink(writer)
                .build();
            let installed = logger.install().unwrap();
            assert!(logger.install().is_err());
            assert_eq!(log::max_level(), LevelFilter::Warn);
            info!("not yet");
            logger.set_level("", LevelFilter::Info);
            assert_eq!(log::max_level(), LevelFilter::Info);
            let worker = Builder::new()
                .name("worker")
                .spawn(|| info!(n = 1; "from it"));
            worker.unwrap().join().unwrap();
            offload(|| warn!("from a thread")).unwrap();
            // `finish` is for the example to show.
            drop(installed);
            let text = gate.text();
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines.len(), 2, "{text}");
            assert!(lines[0].contains(" INFO  log::loggers [#"), "{text}");
            assert!(lines[0].ends_with(" worker] from it n=1"), "{text}");
            assert!(
                lines[1].ends_with(" [eventlet-offload] from a thread"),
                "{text}"
            );
        },
    );
}

/// Keeps the text of each record's origin.
#[derive(Clone, Default)]
struct Origins(Arc<Mutex<Vec<String>>>);

impl Sink for Origins {
    fn record(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(record.origin.to_string());
    }

    fn flush(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_record_says_who_made_it() {
    all_levels();
    on_each_hub(|| {
        let origins = Origins::default();
        let logger = Logger::builder().sink(origins.clone()).build();
        let handles: Vec<_> = ["a", "b"]
            .map(|name| {
                let logger = logger.clone();
                let body = move || {
                    for _ in 0..2 {
                        info!(logger: logger, "x");
                        yield_now();
                    }
                };
                Builder::new().name(name).spawn(body).unwrap()
            })
            .into();
        let [a, b] = [handles[0].id(), handles[1].id()];
        handles.into_iter().for_each(|one| one.join().unwrap());
        let wanted =
            [(a, "a"), (b, "b"), (a, "a"), (b, "b")].map(|(id, name)| format!("#{id} {name}"));
        assert_eq!(*origins.0.lock().unwrap(), wanted);
    });
}
