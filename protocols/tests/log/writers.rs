//! Writers on a thread of their own: nobody waits for a slow one, what is lost is told, what fails is
//! told, from wherever one logs.

use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use eventlet_green::testing::{on_each_hub, until, until_parked};
use eventlet_green::{offload, sleep, spawn, yield_now};
use eventlet_protocols::log::{LogFile, LogWriter, Record, Sink, WriterOptions};
use log::Level;

use crate::support::{Gate, LONG};

fn without_time(text: &str) -> Vec<&str> {
    let behind = |line: &'_ str| line.find("eventlet::log").unwrap_or(0);
    text.lines().map(|line| &line[behind(line)..]).collect()
}

#[test]
fn a_slow_disk_holds_nobody_up_and_what_is_lost_is_told_in_its_place() {
    on_each_hub(|| {
        let gate = Gate::default();
        let log = WriterOptions::new().queue(100).start(gate.clone()).unwrap();
        writeln!(&log, "held up").unwrap();
        until(|| gate.is_held());
        // Others run meanwhile.
        let turns = Rc::new(Cell::new(0));
        let count = Rc::clone(&turns);
        let other = spawn(move || {
            for _ in 0..1000 {
                count.set(count.get() + 1);
                yield_now();
            }
        });
        // 100 bytes are room for ten.
        for number in 0..15 {
            writeln!(&log, "number {number:>2}").unwrap();
        }
        assert_eq!(log.stats().lost, 5);
        assert_eq!(log.stats().queued, 100);
        let early = log.flush(Duration::from_millis(1)).unwrap_err();
        assert_eq!(early.kind(), ErrorKind::TimedOut);
        other.join().unwrap();
        assert_eq!(turns.get(), 1000);
        gate.open();
        log.flush(LONG).unwrap();
        writeln!(&log, "after").unwrap();
        log.flush(LONG).unwrap();
        let text = gate.text();
        let lines = without_time(&text);
        assert_eq!(lines.len(), 13, "{text}");
        assert_eq!(lines[0], "held up");
        for (number, line) in lines[1..11].iter().enumerate() {
            assert_eq!(*line, format!("number {number:>2}"));
        }
        let told = lines[11].split_once("] ").unwrap().1;
        assert_eq!(told, "5 lines were lost here (5 found the queue full)");
        assert_eq!(lines[12], "after");
        let stats = log.stats();
        assert_eq!((stats.written, stats.lost, stats.queued), (12, 5, 0));
        assert_eq!(stats.problem, None);
    });
}

#[test]
fn the_queue_takes_what_just_fits_and_nothing_past_it() {
    let gate = Gate::default();
    let log = WriterOptions::new().queue(8).start(gate.clone()).unwrap();
    writeln!(&log, "x").unwrap();
    while !gate.is_held() {
        thread::yield_now();
    }
    writeln!(&log, "1234567").unwrap();
    assert_eq!(log.stats().lost, 0);
    writeln!(&log).unwrap();
    assert_eq!(log.stats().lost, 1);
    gate.open();
    log.flush(LONG).unwrap();
    // One that is longer than the whole queue.
    writeln!(&log, "12345678").unwrap();
    assert_eq!(log.stats().lost, 2);
}

#[test]
fn each_write_is_whole_lines() {
    let gate = Gate::default();
    gate.open();
    let mut log = LogWriter::new(gate.clone()).unwrap();
    log.write_all(b"without an end").unwrap();
    log.write_all(b"two\nlines\n").unwrap();
    log.write_all(b"").unwrap();
    write!(log, "{}-{}", 1, 2).unwrap();
    Write::flush(&mut log).unwrap();
    Sink::flush(&log, LONG).unwrap();
    assert_eq!(gate.text(), "without an end\ntwo\nlines\n1-2\n");
    assert_eq!(log.stats().written, 4);
}

#[test]
fn many_threads_and_coroutines_keep_their_order_and_lose_nothing() {
    on_each_hub(|| {
        const EACH: usize = 500;
        let gate = Gate::default();
        gate.open();
        let log = LogWriter::new(gate.clone()).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|who| {
                let log = log.clone();
                thread::spawn(move || {
                    for number in 0..EACH {
                        log.record(&Record::new(Level::Info, "t", &format!("t{who} {number}")));
                    }
                })
            })
            .collect();
        let coroutines: Vec<_> = (0..4)
            .map(|who| {
                let log = log.clone();
                spawn(move || {
                    for number in 0..EACH {
                        log.record(&Record::new(Level::Info, "c", &format!("c{who} {number}")));
                        if number % 50 == 0 {
                            yield_now();
                        }
                    }
                })
            })
            .collect();
        coroutines.into_iter().for_each(|one| one.join().unwrap());
        offload(move || threads.into_iter().for_each(|one| one.join().unwrap())).unwrap();
        log.flush(LONG).unwrap();
        let text = gate.text();
        assert_eq!(text.lines().count(), 8 * EACH);
        for who in ["t0", "t1", "t2", "t3", "c0", "c1", "c2", "c3"] {
            let marked = format!("] {who} ");
            let numbers = text.lines().filter_map(|line| line.split_once(&marked));
            let numbers: Vec<usize> = numbers.map(|(_, number)| number.parse().unwrap()).collect();
            assert_eq!(numbers, (0..EACH).collect::<Vec<_>>());
        }
        assert_eq!(log.stats().lost, 0);
    });
}

struct LastWords(LogWriter);

impl Drop for LastWords {
    fn drop(&mut self) {
        assert!(thread::panicking());
        let words = Record::new(Level::Error, "end", "last words");
        self.0.record(&words);
        writeln!(&self.0, "more").unwrap();
        // Nothing can park here; the thread itself waits.
        self.0.flush(LONG).unwrap();
        assert_eq!(self.0.stats().queued, 0);
    }
}

#[test]
fn one_who_is_killed_or_panics_can_log_in_destructors() {
    on_each_hub(|| {
        let gate = Gate::default();
        gate.open();
        let log = LogWriter::new(gate.clone()).unwrap();
        let words = LastWords(log.clone());
        let sleeper = spawn(move || {
            let _words = words;
            sleep(LONG);
        });
        until_parked(&sleeper);
        sleeper.kill().unwrap();
        assert!(sleeper.join().is_err());
        let words = LastWords(log.clone());
        let panics = spawn(move || {
            let _words = words;
            panic!("told to");
        });
        assert!(panics.join().is_err());
        let on_root = LastWords(log.clone());
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let _words = on_root;
            panic!("told to");
        }));
        assert!(outcome.is_err());
        assert_eq!(gate.text().matches("] last words\nmore\n").count(), 3);
    });
}

#[test]
fn a_full_disk_is_told_and_counted() {
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("SKIPPED: there is no /dev/full here");
        return;
    }
    on_each_hub(|| {
        let log = LogFile::open("/dev/full").unwrap();
        writeln!(&log, "one\ntwo").unwrap();
        let error = log.flush(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        let stats = log.stats();
        assert_eq!((stats.written, stats.lost), (0, 2));
        assert!(stats.problem.unwrap().contains("No space left"));
        // Told once; and it is tried again.
        log.flush(LONG).unwrap();
        writeln!(&log, "three").unwrap();
        assert!(log.flush(LONG).is_err());
        assert_eq!(log.stats().lost, 3);
    });
}

/// A disk that has room for so many bytes, until it is given more.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(usize, Vec<u8>)>>);

impl Disk {
    fn give(&self, room: usize) {
        self.0.lock().unwrap().0 = room;
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().1.clone()).unwrap()
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap();
        let length = bytes.len().min(disk.0);
        if length == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        disk.0 -= length;
        disk.1.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_that_was_torn_does_not_run_into_the_next() {
    on_each_hub(|| {
        let disk = Disk::default();
        disk.give(8);
        let log = LogWriter::new(disk.clone()).unwrap();
        writeln!(&log, "fits\ntorn line\ngone").unwrap();
        assert!(log.flush(LONG).is_err());
        writeln!(&log, "gone, too").unwrap();
        assert!(log.flush(LONG).is_err());
        disk.give(1000);
        writeln!(&log, "there is room").unwrap();
        log.flush(LONG).unwrap();
        let text = disk.text();
        let lines = without_time(&text);
        assert_eq!(lines[..3], ["fits", "tor", "there is room"]);
        let told = lines[3].split_once("] ").unwrap().1;
        let reason = "(3 could not be written: no storage space)";
        assert_eq!(told, format!("3 lines were lost here {reason}"));
        assert_eq!(lines.len(), 4);
        assert_eq!((log.stats().written, log.stats().lost), (2, 3));
    });
}

#[test]
fn a_writer_that_panics_has_failed_and_is_used_again() {
    struct Panics(u32, Gate);
    impl Write for Panics {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            assert_ne!(self.0, 1, "told to");
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let gate = Gate::default();
    gate.open();
    let log = LogWriter::new(Panics(0, gate.clone())).unwrap();
    writeln!(&log, "lost").unwrap();
    let error = log.flush(LONG).unwrap_err();
    assert!(error.to_string().contains("has panicked"), "{error}");
    writeln!(&log, "kept").unwrap();
    log.flush(LONG).unwrap();
    assert!(gate.text().starts_with("kept\n"));
    assert!(gate.text().contains("1 line was lost here"));
}

#[test]
fn what_is_queued_is_written_when_the_last_handle_goes() {
    let gate = Gate::default();
    let log = LogWriter::new(gate.clone()).unwrap();
    let other = log.clone();
    for number in 0..100 {
        writeln!(&log, "{number}").unwrap();
    }
    drop(log);
    drop(other);
    gate.open();
    while gate.text().lines().count() < 100 {
        thread::yield_now();
    }
}

#[test]
fn one_who_flushes_can_be_killed() {
    on_each_hub(|| {
        let gate = Gate::default();
        let log = LogWriter::new(gate.clone()).unwrap();
        writeln!(&log, "x").unwrap();
        let theirs = log.clone();
        let flusher = spawn(move || theirs.flush(LONG));
        until_parked(&flusher);
        flusher.kill().unwrap();
        assert!(flusher.join().is_err());
        gate.open();
        log.flush(LONG).unwrap();
    });
}
