//! Waiting until all that was sent is done, whatever becomes of those who do it.

use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::channel::{JoinTasksError, TooManyDone, bounded, unbounded};
use eventlet_green::{ParkError, Wait, sleep, spawn, timeout};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn join_waits_for_the_last_to_be_done() {
    on_each_hub_jumping(|_| {
        let (sender, receiver) = bounded(2);
        sender.join().unwrap();
        let worker = spawn(move || {
            while let Ok(pause) = receiver.recv() {
                sleep(pause);
                receiver.task_done().unwrap();
            }
            receiver
        });
        (0..5).for_each(|_| sender.send(SECOND).unwrap());
        assert!(sender.unfinished() > 0);
        let error = sender.join_timeout(SECOND / 2).unwrap_err();
        assert!(matches!(error, JoinTasksError::TimedOut));
        let others = [0; 2].map(|_| {
            let sender = sender.clone();
            spawn(move || sender.join().unwrap())
        });
        until_parked(&others[1]);
        assert_eq!(others[0].waits_for(), Wait::Tasks);
        others[0].kill().unwrap();
        sender.join().unwrap();
        assert_eq!(sender.unfinished(), 0);
        let [killed, other] = others;
        killed.join().unwrap_err();
        other.join().unwrap();
        drop(sender);
        let receiver = worker.join().unwrap();
        assert_eq!(receiver.task_done(), Err(TooManyDone));
    });
}

#[test]
fn a_worker_that_ends_badly_has_done_its_task() {
    on_each_hub(|| {
        let (sender, receiver) = unbounded();
        let killed = {
            let receiver = receiver.clone();
            spawn(move || {
                let _task = receiver.recv_task().unwrap();
                sleep(SECOND);
            })
        };
        sender.send("killed").unwrap();
        until_parked(&killed);
        let panics = {
            let receiver = receiver.clone();
            spawn(move || panic!("{}", *receiver.recv_task().unwrap()))
        };
        sender.send("on purpose").unwrap();
        panics.join().unwrap_err();
        assert_eq!(sender.unfinished(), 1);
        killed.kill().unwrap();
        sender.join().unwrap();
        killed.join().unwrap_err();
        sender.send("mine").unwrap();
        assert_eq!(receiver.recv_task().unwrap().into_value(), "mine");
        assert_eq!(sender.unfinished(), 0);
    });
}

#[test]
fn one_given_back_is_not_done_and_one_dropped_with_the_queue_is() {
    on_each_hub(|| {
        let (sender, receiver) = unbounded();
        let theirs = receiver.clone();
        let killed = spawn(move || theirs.recv().unwrap());
        until_parked(&killed);
        sender.send(1).unwrap();
        killed.kill().unwrap();
        killed.join().unwrap_err();
        assert_eq!((sender.len(), sender.unfinished()), (1, 1));
        drop(receiver);
        sender.join().unwrap();
    });
}

#[test]
fn nobody_is_left_to_do_it() {
    on_each_hub(|| {
        let (sender, receiver) = unbounded();
        sender.send(1).unwrap();
        let task = receiver.recv_task().unwrap();
        sender.send(2).unwrap();
        receiver.recv().unwrap();
        let waiting = spawn(move || sender.join());
        until_parked(&waiting);
        drop(receiver);
        assert!(!waiting.is_finished());
        drop(task);
        let error = waiting.join().unwrap().unwrap_err();
        assert!(matches!(error, JoinTasksError::Abandoned));
        assert!(error.to_string().contains("the receivers are gone"));
    });
}

#[test]
fn where_it_cannot_wait() {
    on_each_hub_jumping(|_| {
        let (sender, receiver) = unbounded();
        sender.send(1).unwrap();
        let error = sender.join().unwrap_err();
        assert!(matches!(
            error,
            JoinTasksError::Refused(ParkError::Deadlock(_))
        ));
        timeout(SECOND, || sender.join()).unwrap_err();
        receiver.recv().unwrap();
        receiver.task_done().unwrap();
        sender.join().unwrap();
    });
}
