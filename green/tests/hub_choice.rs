//! Which hub a thread has: the best by default, the environment's, or the program's; and what is
//! said when there is none of that name.

mod support;

use std::io;

use eventlet_green::{HUB_VARIABLE, Setup, SetupError, hubs, init, spawn, stats, use_hub};
use support::{assert_success, child_command, in_run, is_child, on_fresh_thread, stderr};

#[test]
fn the_first_of_the_list_by_default() {
    if is_child() {
        return in_run(|| {
            assert_eq!(stats().hub, hubs().next().unwrap());
        });
    }
    for unset in [true, false] {
        let mut child = child_command("the_first_of_the_list_by_default");
        // Empty counts as not set.
        match unset {
            true => child.env_remove(HUB_VARIABLE),
            false => child.env(HUB_VARIABLE, ""),
        };
        assert_success(&child.output().unwrap());
    }
}

#[test]
fn the_one_the_environment_names() {
    if is_child() {
        let named = std::env::var(HUB_VARIABLE).unwrap();
        on_fresh_thread(|| assert_eq!(stats().hub, named));
        // The program has the last word.
        for hub in ["poll", "select"] {
            on_fresh_thread(|| {
                use_hub(hub).unwrap();
                assert_eq!(stats().hub, hub);
            });
        }
        return;
    }
    for hub in hubs() {
        let mut child = child_command("the_one_the_environment_names");
        assert_success(&child.env(HUB_VARIABLE, hub).output().unwrap());
    }
}

#[test]
fn an_unknown_one_of_the_environment() {
    if is_child() {
        let error = on_fresh_thread(|| init().unwrap_err().to_string());
        let from_spawn = on_fresh_thread(|| {
            let outcome = eventlet_green::Builder::new().spawn(|| ());
            outcome.map(drop).unwrap_err().to_string()
        });
        assert_eq!(error, from_spawn);
        eprintln!("{error}");
        return in_run(|| drop(spawn(|| ()))); // panics
    }
    let mut child = child_command("an_unknown_one_of_the_environment");
    let output = child.env(HUB_VARIABLE, "kqueuex").output().unwrap();
    assert!(!output.status.success());
    let text = stderr(&output);
    let first = text.lines().next().unwrap();
    for part in ["kqueuex", HUB_VARIABLE].into_iter().chain(hubs()) {
        assert!(first.contains(part), "{first} lacks {part}");
    }
    assert!(
        text.contains("cannot spawn a coroutine: there is no hub"),
        "{text}"
    );
}

#[test]
fn an_unknown_one_of_the_program() {
    on_fresh_thread(|| {
        let error = use_hub("io_uring").unwrap_err();
        assert!(matches!(&error, SetupError::UnknownHub { name, .. } if name == "io_uring"));
        let text = error.to_string();
        assert!(!text.contains(HUB_VARIABLE));
        assert!(hubs().all(|hub| text.contains(hub)), "{text}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
        // Nothing is spoilt by the try.
        use_hub("select").unwrap();
        assert_eq!(stats().hub, "select");
    });
}

#[test]
fn it_is_chosen_once() {
    on_fresh_thread(|| {
        use_hub("poll").unwrap();
        for outcome in [use_hub("select"), use_hub("poll"), Setup::new().install()] {
            assert!(matches!(outcome, Err(SetupError::AlreadyRunning)));
        }
        init().unwrap();
        assert_eq!(stats().hub, "poll");
    });
}

#[test]
fn a_hub_of_the_callers_making() {
    on_fresh_thread(|| {
        let hub = eventlet_hub_poll::PollHub::new().unwrap();
        Setup::new().custom_hub(hub).install().unwrap();
        assert_eq!(stats().hub, "poll");
        let (near, far) = support::pair();
        drop(near);
        assert_eq!(std::io::Read::read(&mut &far, &mut [0]).unwrap(), 0);
    });
}
