//! Two semaphores without a permit between two tasks: each gives the other one, and waits for its own.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use eventlet_benches::contest::timed;
use eventlet_benches::cpu::Stopwatch;
use eventlet_benches::tokio_local;

pub fn ours(times: u64) -> Duration {
    use eventlet_green::spawn;
    use eventlet_green::sync::Semaphore;

    let both = Rc::new([Semaphore::new(0), Semaphore::new(0)]);
    let theirs = Rc::clone(&both);
    let answering = spawn(move || {
        for _ in 0..times {
            theirs[1].acquire().expect("it may wait").forget();
            theirs[0].add_permits(1);
        }
    });
    let asking = spawn(move || {
        timed(times, || {
            both[1].add_permits(1);
            both[0].acquire().expect("it may wait").forget();
        })
    });
    let elapsed = asking.join().expect("the task ends");
    answering.join().expect("the task ends");
    elapsed
}

pub fn may(times: u64) -> Duration {
    use may::go;
    use may::sync::Semphore;

    let outer = go!(move || {
        let both = Arc::new([Semphore::new(0), Semphore::new(0)]);
        let theirs = Arc::clone(&both);
        let answering = go!(move || {
            for _ in 0..times {
                theirs[1].wait();
                theirs[0].post();
            }
        });
        let elapsed = timed(times, || {
            both[1].post();
            both[0].wait();
        });
        answering.join().expect("the task ends");
        elapsed
    });
    outer.join().expect("the task ends")
}

pub fn tokio(times: u64) -> Duration {
    use tokio::sync::Semaphore;
    use tokio::task::spawn_local;

    tokio_local::block_on(async move {
        let both = Rc::new([Semaphore::new(0), Semaphore::new(0)]);
        let theirs = Rc::clone(&both);
        let answering = spawn_local(async move {
            for _ in 0..times {
                theirs[1].acquire().await.expect("it is open").forget();
                theirs[0].add_permits(1);
            }
        });
        let asking = spawn_local(async move {
            let begun = Stopwatch::start();
            for _ in 0..times {
                both[1].add_permits(1);
                both[0].acquire().await.expect("it is open").forget();
            }
            begun.elapsed()
        });
        let elapsed = asking.await.expect("the task ends");
        answering.await.expect("the task ends");
        elapsed
    })
}
