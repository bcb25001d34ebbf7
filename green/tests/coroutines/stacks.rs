//! Stacks: deep use, reuse, giving memory back, sizes out of range.

use std::hint::black_box;
use std::io::ErrorKind;

use crate::support::{assert_success, in_run, is_child, on_each_hub, run_child};
use eventlet_green::{
    Builder, DEFAULT_STACK_SIZE, MAX_STACK_SIZE, MIN_STACK_SIZE, default_stack_size,
    set_default_stack_size, spawn, trim_stacks, yield_now,
};

/// Uses at least so much stack, and checks that it holds what was written; gives how much it was.
fn use_stack(bytes: usize) -> usize {
    let here = 0_u8;
    deepen(std::ptr::from_ref(black_box(&here)).addr(), bytes)
}

fn deepen(top: usize, bytes: usize) -> usize {
    let mut frame = [0_u8; 512];
    let used = top - std::ptr::from_ref(black_box(&frame)).addr();
    frame.fill(used as u8);
    let frame = black_box(frame);
    let deepest = if used < bytes {
        deepen(top, bytes)
    } else {
        // Others run while it lies there.
        yield_now();
        used
    };
    assert!(frame.iter().all(|&byte| byte == used as u8));
    deepest
}

#[test]
fn nearly_all_of_it_can_be_used() {
    on_each_hub(|| {
        for size in [64 * 1024, DEFAULT_STACK_SIZE, 4 << 20] {
            // The guard takes 16 KiB of it, on systems with pages of 4 KiB.
            let wanted = (size - 16 * 1024) / 4 * 3;
            let handles: Vec<_> = (0..4)
                .map(|_| {
                    Builder::new()
                        .stack_size(size)
                        .spawn(move || use_stack(wanted))
                        .unwrap()
                })
                .collect();
            for handle in handles {
                assert!(handle.join().unwrap() >= wanted);
            }
        }
    });
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "may's own stacks")]
fn they_are_used_again() {
    on_each_hub(|| {
        fn place() -> usize {
            let here = 0_u8;
            std::ptr::from_ref(black_box(&here)).addr()
        }
        let first = spawn(place).join().unwrap();
        for _ in 0..100 {
            assert_eq!(spawn(place).join().unwrap(), first);
        }
    });
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "may's own stacks")]
fn pages_are_given_back() {
    on_each_hub(|| {
        let handles: Vec<_> = (0..100).map(|_| spawn(|| use_stack(50_000))).collect();
        for handle in handles {
            handle.join().unwrap();
        }
        assert_eq!(trim_stacks(), 100);
        assert_eq!(trim_stacks(), 0);
        // What was given back can be used again, and is whole.
        for _ in 0..10 {
            spawn(|| use_stack(100_000)).join().unwrap();
        }
        assert_eq!(trim_stacks(), 1);
    });
}

#[test]
#[cfg_attr(feature = "engine-may", ignore = "may's own stacks")]
fn a_burst_keeps_few_pages() {
    on_each_hub(|| {
        let handles: Vec<_> = (0..2000).map(|_| spawn(|| ())).collect();
        for handle in handles {
            handle.join().unwrap();
        }
        assert_eq!(trim_stacks(), 512);
    });
}

/// In a process of its own, since the setting is the process's.
#[test]
fn the_default_can_be_set() {
    if !is_child() {
        return assert_success(&run_child(
            "coroutines::stacks::the_default_can_be_set",
            "poll",
        ));
    }
    in_run(|| {
        assert_eq!(default_stack_size(), DEFAULT_STACK_SIZE);
        for size in [0, MIN_STACK_SIZE - 1, MAX_STACK_SIZE + 1] {
            let error = set_default_stack_size(size).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(default_stack_size(), DEFAULT_STACK_SIZE, "unchanged");
        set_default_stack_size((1 << 20) + 1).unwrap();
        assert_eq!(default_stack_size(), 2 << 20, "rounded up");
        spawn(|| use_stack(1 << 20)).join().unwrap();
    });
}
