//! The layer for `tracing`: events and their spans as records; a writer of ours under its own
//! formatter.

use eventlet_green::testing::on_each_hub;
use eventlet_green::{spawn, yield_now};
use eventlet_protocols::log::{LogFile, Logger, Sink};
use log::LevelFilter;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Folder, LONG, Memory};

fn with_memory(level: LevelFilter, body: impl FnOnce(&Logger)) -> Vec<String> {
    let memory = Memory::default();
    let logger = Logger::builder().level(level).sink(memory.clone()).build();
    let subscriber = tracing_subscriber::registry().with(logger.layer());
    with_default(subscriber, || body(&logger));
    memory.take()
}

#[test]
fn events_become_records() {
    let records = with_memory(LevelFilter::Info, |logger| {
        let count = 3;
        tracing::info!(target: "app", count, name = "x y", debugged = ?Some(1), "got {}", "it");
        tracing::error!(target: "app", error = "no");
        tracing::debug!(target: "app", "not allowed");
        logger.set_level("app", LevelFilter::Trace);
        tracing::trace!(target: "app", "allowed");
        tracing::warn!(target: "app", "careful");
        tracing::debug!(target: "app", "seen");
    });
    let wanted = [
        "INFO app got it count=3 name=x y debugged=Some(1)",
        "ERROR app  error=no",
        "TRACE app allowed",
        "WARN app careful",
        "DEBUG app seen",
    ];
    assert_eq!(records, wanted);
}

#[test]
fn the_spans_around_an_event_are_told() {
    let records = with_memory(LevelFilter::Info, |_| {
        let _server = tracing::info_span!("server").entered();
        let request = tracing::info_span!("request", id = 7, user = tracing::field::Empty);
        let _request = request.clone().entered();
        tracing::info!(target: "app", "before");
        request.record("user", "ann");
        request.record("user", "ben");
        tracing::info!(target: "app", status = 200, "after");
    });
    let wanted = [
        "INFO app before request.id=7 span=server",
        "INFO app after status=200 request.id=7 request.user=ben span=server",
    ];
    assert_eq!(records, wanted);
}

#[test]
fn coroutines_log_through_it_and_may_do_so_while_they_are_shown() {
    struct Logs;
    impl std::fmt::Debug for Logs {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::info!(target: "app", "within");
            f.write_str("shown")
        }
    }
    on_each_hub(|| {
        let records = with_memory(LevelFilter::Info, |_| {
            let others: Vec<_> = (0..3)
                .map(|who| {
                    spawn(move || {
                        tracing::info!(target: "app", who, "one");
                        yield_now();
                        tracing::info!(target: "app", who, "two");
                    })
                })
                .collect();
            others.into_iter().for_each(|one| one.join().unwrap());
            tracing::info!(target: "app", value = ?Logs, "outer");
        });
        // What is said while an event is recorded, `tracing` itself leaves out under `with_default`.
        assert_eq!(records.len(), 7, "{records:?}");
        for who in 0..3 {
            for text in ["one", "two"] {
                assert!(records.contains(&format!("INFO app {text} who={who}")));
            }
        }
        assert_eq!(records[6], "INFO app outer value=shown");
    });
}

#[test]
fn its_own_formatter_writes_to_our_files() {
    on_each_hub(|| {
        let folder = Folder::new();
        let file = LogFile::open(folder.path("log")).unwrap();
        let theirs = file.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || theirs.clone())
            .without_time()
            .finish();
        with_default(
            subscriber,
            || tracing::info!(target: "app", port = 80, "listening"),
        );
        file.flush(LONG).unwrap();
        assert_eq!(folder.read("log"), " INFO app: listening port=80\n");
    });
}
