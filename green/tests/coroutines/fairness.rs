//! Nobody keeps the thread: not one who yields for ever, nor one whose descriptor is always ready.

use std::cell::Cell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub, pair};
use eventlet_green::net::TcpListener;
use eventlet_green::{sleep, spawn, stats, yield_if_due, yield_now};

const TURNS: u32 = 10_000;

#[test]
fn two_who_yield_get_equal_turns() {
    on_each_hub(|| {
        let counts = [0; 2].map(|_| Rc::new(Cell::new(0_u32)));
        let handles = counts.clone().map(|count| {
            spawn(move || {
                loop {
                    count.set(count.get() + 1);
                    yield_now();
                }
            })
        });
        // The root stack is the third.
        for _ in 0..TURNS {
            yield_now();
        }
        for (count, handle) in counts.iter().zip(handles) {
            assert!(count.get().abs_diff(TURNS) <= 1, "{}", count.get());
            handle.kill().unwrap();
            handle.join().unwrap_err();
        }
    });
}

/// For streams of one's own: others have their turn now and then, not each time.
#[test]
fn yielding_if_due() {
    on_each_hub(|| {
        let turns = Rc::new(Cell::new(0_u32));
        let counted = Rc::clone(&turns);
        let other = spawn(move || {
            loop {
                counted.set(counted.get() + 1);
                yield_now();
            }
        });
        for _ in 0..TURNS {
            yield_if_due();
        }
        assert!((1..TURNS / 10).contains(&turns.get()), "{}", turns.get());
        other.kill().unwrap();
        other.join().unwrap_err();
    });
}

#[test]
fn one_who_yields_for_ever_starves_neither_sleepers_nor_readers() {
    on_each_hub(|| {
        let busy = spawn(|| {
            loop {
                yield_now();
            }
        });
        let (near, far) = pair();
        let reader = spawn(move || (&near).read(&mut [0]).unwrap());
        sleep(Duration::from_millis(1));
        (&far).write_all(b"x").unwrap();
        assert_eq!(reader.join().unwrap(), 1);
        busy.kill().unwrap();
        busy.join().unwrap_err();
    });
}

/// Reads from a peer that always has more to read, in one process: each in its own coroutine, and
/// neither ever finds its side drained for long.
#[test]
fn one_whose_descriptor_is_always_ready_starves_nobody() {
    on_each_hub(|| {
        let (near, far) = pair();
        (&far).write_all(&[7; 100_000]).unwrap();
        let reads = Rc::new(Cell::new(0_u32));
        let count = Rc::clone(&reads);
        let reader = spawn(move || {
            // Peeking leaves what is there, so this never has to wait.
            loop {
                near.peek(&mut [0; 16]).unwrap();
                count.set(count.get() + 1);
            }
        });
        yield_now();
        let after_one_turn = reads.get();
        assert!((1..10_000).contains(&after_one_turn), "{after_one_turn}");
        sleep(Duration::from_millis(1));
        let other = spawn(|| 7);
        assert_eq!(other.join().unwrap(), 7);
        assert!(reads.get() > after_one_turn);
        reader.kill().unwrap();
        reader.join().unwrap_err();
    });
}

#[test]
fn the_root_stack_is_made_to_let_others_go_too() {
    on_each_hub(|| {
        let (near, far) = pair();
        (&far).write_all(b"x").unwrap();
        let ran = Rc::new(Cell::new(false));
        let theirs = Rc::clone(&ran);
        let other = spawn(move || theirs.set(true));
        let mut reads = 0;
        while !ran.get() {
            near.peek(&mut [0]).unwrap();
            reads += 1;
            assert!(reads < 100_000, "the root stack keeps the thread");
        }
        other.join().unwrap();
    });
}

#[test]
fn an_acceptor_with_a_full_queue_lets_others_go() {
    on_each_hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let clients: Vec<_> = (0..300)
            .map(|_| std::net::TcpStream::connect(address).unwrap())
            .collect();
        let accepted = Rc::new(Cell::new(0));
        let count = Rc::clone(&accepted);
        let acceptor = spawn(move || {
            for _ in 0..300 {
                listener.accept().unwrap();
                count.set(count.get() + 1);
            }
        });
        yield_now();
        assert!(accepted.get() < 300, "all in one turn");
        acceptor.join().unwrap();
        assert_eq!(stats().descriptors, 0);
        drop(clients);
    });
}
