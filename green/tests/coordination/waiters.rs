//! Waiting in line, with the semaphore as its simplest user: in order, with nothing lost to those
//! who leave early, and at the same cost however many wait.

use std::time::Duration;

use crate::support::{crowd, on_each_hub, on_each_hub_jumping, until, until_parked};
use eventlet_green::sync::Semaphore;
use eventlet_green::{JoinHandle, call_after, spawn, timeout};

const MANY: usize = 20_000;
const HOUR: Duration = Duration::from_secs(3600);

fn waiter(seats: &Semaphore) -> JoinHandle<bool> {
    let seats = seats.clone();
    spawn(move || seats.acquire().is_ok())
}

/// That it costs the same for a million is tested in `src/sync/line.rs`, without stacks.
#[test]
fn very_many_leave_by_a_kill_from_the_back() {
    on_each_hub(|| {
        let seats = Semaphore::new(0);
        let many = crowd(MANY);
        let waiters: Vec<_> = (0..many).map(|_| waiter(&seats)).collect();
        until(|| seats.waiting() == many);
        for waiter in waiters.iter().rev() {
            waiter.kill().unwrap();
        }
        for waiter in waiters {
            waiter.join().unwrap_err();
        }
        assert_eq!(seats.waiting(), 0);
    });
}

#[test]
fn very_many_leave_by_a_time_limit() {
    on_each_hub_jumping(|_| {
        let seats = Semaphore::new(0);
        let waiters: Vec<_> = (0..crowd(MANY))
            .map(|_| {
                let seats = seats.clone();
                spawn(move || seats.acquire_timeout(HOUR).unwrap().is_none())
            })
            .collect();
        for waiter in waiters {
            assert!(waiter.join().unwrap());
        }
        assert_eq!(seats.waiting(), 0);
    });
}

#[test]
fn what_was_given_to_one_who_is_killed_goes_to_the_next() {
    on_each_hub(|| {
        let seats = Semaphore::new(1);
        let taken = seats.try_acquire();
        let [first, second, third] = [0; 3].map(|_| waiter(&seats));
        until_parked(&third);
        second.kill().unwrap();
        // Given to the first, who has not run when it is killed; the second is on its way out.
        drop(taken);
        first.kill().unwrap();
        first.join().unwrap_err();
        second.join().unwrap_err();
        assert!(third.join().unwrap());
        assert_eq!((seats.free(), seats.waiting()), (1, 0));
    });
}

#[test]
fn one_whose_time_limit_ended_in_the_same_turn_is_passed_over() {
    on_each_hub_jumping(|_| {
        let seats = Semaphore::new(1);
        let taken = seats.try_acquire();
        let mine = seats.clone();
        let hurried = spawn(move || timeout(HOUR, || mine.acquire().map(drop)).is_err());
        let patient = waiter(&seats);
        until_parked(&patient);
        // Set after the scope's, so that it is due right after it: before the hurried one has run.
        call_after(HOUR, move || drop(taken));
        assert!(hurried.join().unwrap());
        assert!(patient.join().unwrap());
        assert_eq!(seats.free(), 1);
    });
}
