//! tokio's local tasks: a `LocalSet` on its single-threaded runtime.

use std::sync::Arc;
use std::time::Duration;

use eventlet_benches::cpu::Stopwatch;
use eventlet_benches::tokio_local::{block_on, block_on_with_time};
use tokio::task::{spawn_local, yield_now};

use super::Relay;

pub fn yields(tasks: usize, times: u64) -> Duration {
    let relay = Relay::new(tasks, times);
    block_on(async {
        let handles: Vec<_> = (0..tasks)
            .map(|_| spawn_local(take_part(Arc::clone(&relay))))
            .collect();
        for handle in handles {
            handle.await.expect("the task ends");
        }
    });
    relay.elapsed()
}

pub fn spawn_joins(times: u64) -> Duration {
    block_on(async move {
        let outer = spawn_local(async move {
            let begun = Stopwatch::start();
            for _ in 0..times {
                spawn_local(async {}).await.expect("the task ends");
            }
            begun.elapsed()
        });
        outer.await.expect("the task ends")
    })
}

async fn take_part(relay: Arc<Relay>) {
    relay.arrive();
    while !relay.is_complete() {
        yield_now().await;
    }
    relay.begin();
    while relay.step() {
        yield_now().await;
    }
}

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(3600);

pub fn kills(times: u64) -> Duration {
    block_on_with_time(async move {
        let outer = spawn_local(async move {
            let begun = Stopwatch::start();
            for _ in 0..times {
                let victim = spawn_local(tokio::time::sleep(LONG));
                yield_now().await;
                victim.abort();
                assert!(victim.await.is_err(), "it was aborted");
            }
            begun.elapsed()
        });
        outer.await.expect("the task ends")
    })
}

pub fn timeouts(times: u64) -> Duration {
    block_on_with_time(async move {
        let outer = spawn_local(async move {
            let begun = Stopwatch::start();
            for _ in 0..times {
                tokio::time::timeout(LONG, yield_now())
                    .await
                    .expect("in time");
            }
            begun.elapsed()
        });
        outer.await.expect("the task ends")
    })
}
