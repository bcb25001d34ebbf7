//! What `{:?}` shows of handles and primitives: how they stand, and no more than can be known without
//! touching what they hold.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::IntoFuture;
use std::time::Duration;

use eventlet_green::channel;
use eventlet_green::cores;
use eventlet_green::pool::{Group, Pile, Pool, Workers};
use eventlet_green::sync::{Barrier, Condvar, Event, Mutex, RwLock, Semaphore, WaitGroup};
use eventlet_green::{
    Builder, Callback, KillHandle, LocalKey, OffloadPool, Setup, cross, current, remote, run_times,
    scope, sleep, spawn, yield_now,
};

use crate::support::{on_each_hub, until_parked};

const HOUR: Duration = Duration::from_secs(3600);

#[track_caller]
fn shows(value: &impl Debug, text: &str) {
    assert_eq!(format!("{value:?}"), text);
}

/// For what has numbers or places in it that are nobody's business here.
#[track_caller]
fn tells(value: &impl Debug, parts: &[&str]) {
    let text = format!("{value:?}");
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn what_coroutines_coordinate_with() {
    on_each_hub(|| {
        let semaphore = Semaphore::new(3);
        let permit = semaphore.acquire_many(2).unwrap();
        shows(
            &semaphore,
            "Semaphore { free: 1, total: 3, waiting: 0, is_closed: false }",
        );
        shows(&permit, "Permit { count: 2 }");
        shows(&Barrier::new(2), "Barrier { size: 2, waiting: 0 }");
        shows(&Condvar::new(), "Condvar { waiting: 0 }");
        let group = WaitGroup::new();
        let member = group.add();
        shows(&group, "WaitGroup { members: 1, waiting: 0 }");
        shows(&member, "Member");

        let mutex = Mutex::from("kept");
        let guard = mutex.lock().unwrap();
        assert_eq!(format!("{guard:?} {guard}"), "\"kept\" kept");
        drop(guard);
        let lock = RwLock::<u8>::default();
        let writer = lock.write().unwrap();
        assert_eq!(format!("{writer:?} {writer}"), "0 0");
        drop(writer);

        let event = Event::new();
        event.send(1).unwrap();
        shows(&event.send(2).unwrap_err(), "AlreadySent(..)");
    });
}

#[test]
fn channels_and_their_operations() {
    on_each_hub(|| {
        let (sender, receiver) = channel::unbounded();
        shows(&receiver.receiving(), "Receiving { chosen: false, .. }");
        shows(&sender.sending(1), "Sending { chosen: false, .. }");
        sender.send(7).unwrap();
        let task = receiver.recv_task().unwrap();
        shows(&task, "Task(7)");
        drop(task);

        let (sender, receiver) = cross::bounded(2);
        sender.send(1).unwrap();
        let text = "{ len: 1, capacity: Some(2), is_closed: false, .. }";
        shows(&sender, &format!("Sender {text}"));
        shows(&receiver, &format!("Receiver {text}"));
        assert!(!receiver.is_empty());
    });
}

#[test]
fn coroutines_and_what_hangs_on_them() {
    on_each_hub(|| {
        tells(&current().unwrap(), &["Current(", "the root stack"]);
        let sleeper = Builder::new()
            .name("the sleeper")
            .spawn(|| {
                shows(&KillHandle::of_current().unwrap().is_finished(), "false");
                sleep(HOUR);
            })
            .unwrap();
        until_parked(&sleeper);
        let handle = KillHandle::find(sleeper.id()).unwrap();
        tells(&handle, &["KillHandle(", "the sleeper"]);
        tells(&sleeper.link(|_| ()), &["Link(", "the sleeper"]);
        handle.kill().unwrap();
        drop(sleeper.join());
        assert!(handle.is_finished());

        tells(&spawn(|| ()).into_future(), &["Joined("]);
        scope(|scope| tells(&scope.spawn(|| ()), &["ScopedJoinHandle("]));
        shows(&Callback::new(|| ()), "Callback { is_queued: false }");
        shows(&run_times(), "RunTimes { .. }");
        static KEY: LocalKey<u8> = LocalKey::new(|| 0);
        shows(&KEY, "LocalKey { .. }");
        let remote = remote();
        shows(&remote, "Remote { is_gone: false, is_here: true, .. }");
        let there = remote.spawn(|| ()).unwrap();
        tells(&there, &["RemoteHandle { id: ", "is_finished: false, .. }"]);
        there.join().unwrap();
    });
}

#[test]
fn pools_and_workers() {
    on_each_hub(|| {
        let pool = Pool::new(2, || Ok::<_, Infallible>("item"));
        let item = pool.acquire().unwrap();
        shows(&item, "Item(\"item\")");
        shows(
            &pool,
            "Pool { max_size: 2, idle: 0, in_use: 1, waiting: 0 }",
        );
        drop(item);
        let workers = Workers::new(3);
        shows(&workers, "Workers { size: 3, running: 0, waiting: 0 }");
        let pile = Pile::<()>::new(&workers);
        tells(&pile, &["Pile { workers: Workers {", "jobs: 0 }"]);
        shows(&Group::new(), "Group { running: 0 }");
        let mut several = workers.imap([1, 2, 3], |n| n);
        tells(&several, &["Imap { workers: ", "under_way: 0 }"]);
        assert_eq!(
            several.by_ref().map(Result::unwrap).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        let any = workers.imap_unordered([1], |n| n);
        tells(&any, &["ImapUnordered {", "under_way: 0 }"]);
        drop(any);
        yield_now();
        let offload = OffloadPool::builder().name("disk").build();
        tells(
            &offload,
            &["OffloadPool { name: \"disk\", stats: OffloadStats {"],
        );
    });
}

#[test]
fn settings_and_loops() {
    shows(&Setup::new(), "Setup { hub: \"default\", .. }");
    let named = Setup::new().hub("kqueuex");
    shows(&named, "Setup { hub: \"kqueuex\", .. }");
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop in a process")]
fn loops_and_what_is_served_on_them() {
    on_each_hub(|| {
        let loops = cores::start(|core| core.wait_for_stop()).unwrap();
        assert!(!loops.is_empty());
        let parts = ["Loops { threads: ", "is_stopping: false, .. }"];
        tells(&loops, &parts);
        loops.stop();
        tells(&loops, &["is_stopping: true"]);
        loops.join().unwrap();
        let builder = cores::Builder::default().threads(1).backlog(3);
        let serving = builder.serve("127.0.0.1:0", |_, _| ()).unwrap();
        tells(
            &serving,
            &["Serving { address: 127.0.0.1:", "connections: [0]"],
        );
        serving.stop();
        serving.join().unwrap();
    });
}
