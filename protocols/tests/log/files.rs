//! Log files: made and appended to, moved away while others write, opened anew by a method or a signal.

use std::cell::Cell;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use eventlet_green::signals::{SIGHUP, SIGUSR1};
use eventlet_green::testing::{OpenFiles, in_children, on_each_hub, until};
use eventlet_green::{offload, spawn, yield_now};
use eventlet_protocols::log::{LogFile, Sink};

use crate::support::{Folder, LONG, settled};

#[test]
fn it_is_made_and_appended_to() {
    on_each_hub(|| {
        let folder = Folder::new();
        for word in ["one", "two"] {
            let log = LogFile::open(folder.path("log")).unwrap();
            writeln!(&log, "{word}").unwrap();
            log.flush(LONG).unwrap();
        }
        assert_eq!(folder.read("log"), "one\ntwo\n");
    });
}

#[test]
fn where_it_cannot_be_made_is_told() {
    on_each_hub(|| {
        let folder = Folder::new();
        let error = LogFile::open(folder.path("missing/log")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("missing/log"), "{error}");
    });
}

#[test]
fn what_was_logged_before_goes_to_the_old_file_and_the_rest_to_the_new() {
    on_each_hub(|| {
        let folder = Folder::new();
        let log = LogFile::open(folder.path("log")).unwrap();
        for round in 0..20 {
            let old = format!("log.{round}");
            writeln!(&log, "before {round}").unwrap();
            fs::rename(log.path(), folder.path(&old)).unwrap();
            log.reopen();
            writeln!(&log, "after {round}").unwrap();
            log.flush(LONG).unwrap();
            assert!(folder.read(&old).ends_with(&format!("before {round}\n")));
            assert_eq!(folder.read("log"), format!("after {round}\n"));
        }
    });
}

#[test]
fn in_the_midst_of_writing_no_line_is_lost_or_torn() {
    on_each_hub(|| {
        const ROUNDS: usize = 20;
        let folder = Folder::new();
        let log = LogFile::open(folder.path("log")).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..2)
            .map(|who| {
                let (log, stop) = (log.clone(), Arc::clone(&stop));
                thread::spawn(move || {
                    let mut count = 0;
                    while !stop.load(Ordering::Relaxed) && count < 5000 {
                        writeln!(&log, "thread{who} {count} end").unwrap();
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let counted = Rc::new(Cell::new(0));
        let (theirs, count) = (log.clone(), Rc::clone(&counted));
        let done = Arc::clone(&stop);
        let coroutine = spawn(move || {
            while !done.load(Ordering::Relaxed) {
                writeln!(&theirs, "coroutine {} end", count.get()).unwrap();
                count.set(count.get() + 1);
                yield_now();
            }
        });
        for round in 0..ROUNDS {
            let before = counted.get();
            until(|| counted.get() > before + 10);
            fs::rename(log.path(), folder.path(&format!("log.{round}"))).unwrap();
            log.reopen_now(LONG).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        coroutine.join().unwrap();
        let counts = offload(move || threads.into_iter().map(|one| one.join().unwrap()).collect());
        let counts: Vec<usize> = counts.unwrap();
        log.flush(LONG).unwrap();
        let mut files: Vec<String> = (0..ROUNDS)
            .map(|n| folder.read(&format!("log.{n}")))
            .collect();
        files.push(folder.read("log"));
        assert!(
            files
                .iter()
                .all(|text| text.is_empty() || text.ends_with('\n'))
        );
        let all = files.concat();
        for (who, count) in [
            ("thread0", counts[0]),
            ("thread1", counts[1]),
            ("coroutine", counted.get()),
        ] {
            let mut lines = all.lines().filter(|line| line.starts_with(who));
            for number in 0..count {
                assert_eq!(lines.next(), Some(format!("{who} {number} end").as_str()));
            }
            assert_eq!(lines.next(), None);
        }
        assert_eq!(log.stats().lost, 0);
    });
}

#[test]
fn if_it_cannot_be_opened_anew_the_old_one_goes_on_and_says_so() {
    on_each_hub(|| {
        let folder = Folder::new();
        fs::create_dir(folder.path("in")).unwrap();
        let log = LogFile::open(folder.path("in/log")).unwrap();
        fs::rename(folder.path("in"), folder.path("moved")).unwrap();
        let error = log.reopen_now(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        writeln!(&log, "still there").unwrap();
        log.flush(LONG).unwrap();
        let text = folder.read("moved/log");
        assert!(text.contains("cannot open the log"), "{text}");
        assert!(
            text.ends_with("; what was open goes on\nstill there\n"),
            "{text}"
        );
        assert!(log.stats().problem.unwrap().contains("in/log"));
        fs::create_dir(folder.path("in")).unwrap();
        log.reopen_now(LONG).unwrap();
        writeln!(&log, "anew").unwrap();
        log.flush(LONG).unwrap();
        assert_eq!(folder.read("in/log"), "anew\n");
    });
}

#[test]
fn a_signal_has_it_opened_anew() {
    in_children("files::a_signal_has_it_opened_anew", || {
        let before = OpenFiles::now().unwrap();
        let folder = Folder::new();
        let log = LogFile::open(folder.path("log")).unwrap();
        let rotation = log.reopen_on(&[SIGHUP, SIGUSR1]).unwrap();
        for (round, signal) in [SIGHUP, SIGUSR1, SIGHUP].into_iter().enumerate() {
            writeln!(&log, "before {round}").unwrap();
            let inode = fs::metadata(log.path()).unwrap().ino();
            fs::rename(log.path(), folder.path("old")).unwrap();
            raise(signal);
            // Whoever waits for the signal must get his turn.
            until(|| fs::metadata(log.path()).is_ok_and(|file| file.ino() != inode));
            writeln!(&log, "after {round}").unwrap();
            log.flush(LONG).unwrap();
            assert!(folder.read("old").ends_with(&format!("before {round}\n")));
            assert_eq!(folder.read("log"), format!("after {round}\n"));
        }
        // Afterwards it is nothing to us.
        drop(rotation);
        settled();
        fs::rename(log.path(), folder.path("old")).unwrap();
        writeln!(&log, "to the old one").unwrap();
        log.flush(LONG).unwrap();
        assert!(!log.path().exists());
        drop(log);
        // Its thread closes the file.
        until(|| OpenFiles::now().unwrap().since(&before).is_empty());
    });
}

fn raise(signal: i32) {
    let script = format!("kill -{signal} {}", std::process::id());
    let status = std::process::Command::new("sh")
        .args(["-c", &script])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn what_cannot_be_waited_for_is_refused() {
    on_each_hub(|| {
        let folder = Folder::new();
        let log = LogFile::open(folder.path("log")).unwrap();
        let error = log.reopen_on(&[9]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}
