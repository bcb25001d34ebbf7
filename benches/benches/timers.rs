//! Timers against tokio's and a binary heap: arming and cancelling, with 100 to 1,000,000 pending, arming
//! and firing with 100 and 100,000.
//!
//! One operation is one timer armed and cancelled, or armed and fired. Deadlines are spread over a
//! minute by the same pseudo-random sequence for everybody, in between those that are pending; those
//! that fire, over the next second, ahead of them. They are handed over ready-made, so that nobody reads a clock:
//! what is compared are the timers. Ours come in two forms: `task` is what coroutines use, an `Rc`
//! that is queued again and again; `closure` boxes a function for each timer. tokio's is a `Sleep`
//! that is polled once and dropped, and for firing one that is pinned once and reset.
//!
//! Firing goes by a clock that is moved by hand, in ours and in tokio's, a second for each 1,000
//! timers. How noise is held down: see `eventlet_benches::contest`; one thread does all.

#![forbid(unsafe_code)]
#![allow(missing_docs)] // `criterion_group!` makes a public function without docs.

mod heap;

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use eventlet_benches::contest::{self, Contest, Runner};
use eventlet_benches::cpu::Stopwatch;
use eventlet_hub::Hub;
use eventlet_hub_epoll::EpollHub;
use eventlet_runloop::{ManualClock, RunLoop, Task, Time};
use heap::Heap;
use tokio::runtime::{self, Runtime};
use tokio::time::{Sleep, sleep_until};

/// Timers that are pending all the while: where they are cancelled, and where they fire.
const PENDING: [usize; 4] = [100, 10_000, 100_000, 1_000_000];
const FIRING: [usize; 2] = [100, 100_000];

/// The most in a brief run.
const SMOKE_PENDING: usize = 10_000;

/// When the first of the pending ones is due where the clock is moved: after all a bench fires.
const FAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// The same where nothing ever fires: soon, as timeouts are.
const SOON: Duration = Duration::from_secs(1);

/// Over how long the deadlines of pending timers are spread.
const SPREAD: Duration = Duration::from_secs(60);

/// How many timers are armed before the clock is moved; below the run loop's budget of a turn.
const GROUP: u64 = 1_000;

/// How far the clock is moved for a group, and its deadlines spread.
const STEP: Duration = Duration::from_secs(1);

/// Pseudo-random shares of a span of time: xorshift (Marsaglia, 2003), the same for everybody.
struct Scatter(u64);

impl Scatter {
    fn new() -> Scatter {
        const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
        Scatter(SEED)
    }

    /// Whole milliseconds below `span`, and at least one: tokio's timers know no finer.
    fn next(&mut self, span: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let span = span.as_millis() as u64;
        Duration::from_millis(1 + self.0 % (span - 1))
    }
}

/// A timer's task of ours: counts.
#[derive(Default)]
struct Count(Cell<u64>);

impl<H: Hub> Task<H> for Count {
    fn run(self: Rc<Self>, _: &RunLoop<H>) {
        self.0.set(self.0.get() + 1);
    }
}

/// A run loop of ours with pending timers, on a clock that stands still until it is moved.
struct Ours {
    run_loop: RunLoop<EpollHub>,
    clock: ManualClock,
    count: Rc<Count>,
    scatter: Scatter,
}

/// In which form a timer of ours is armed.
#[derive(Clone, Copy)]
enum Form {
    Task,
    Closure,
}

impl Ours {
    fn new(pending: usize, first: Duration) -> Ours {
        let clock = ManualClock::new();
        let hub = EpollHub::new().expect("a hub");
        let mut ours = Ours {
            run_loop: RunLoop::with_clock(hub, clock.clone()),
            clock,
            count: Rc::new(Count::default()),
            scatter: Scatter::new(),
        };
        let first = ours.run_loop.now() + first;
        for _ in 0..pending {
            let deadline = first + ours.scatter.next(SPREAD);
            ours.run_loop.arm_timer(deadline, ours.count.clone());
        }
        ours
    }

    fn arm(&self, deadline: Time, form: Form) -> eventlet_runloop::TimerId {
        match form {
            Form::Task => self.run_loop.arm_timer(deadline, self.count.clone()),
            Form::Closure => {
                let count = self.count.clone();
                let body = move |_: &_| count.0.set(count.0.get() + 1);
                self.run_loop.call_at(deadline, body)
            }
        }
    }

    fn arm_and_cancel(&mut self, times: u64, form: Form) -> Duration {
        let first = self.run_loop.now() + SOON;
        let begun = Stopwatch::start();
        for _ in 0..times {
            let deadline = first + self.scatter.next(SPREAD);
            let timer = self.arm(deadline, form);
            self.run_loop.cancel_timer(timer);
        }
        begun.elapsed()
    }

    fn arm_and_fire(&mut self, times: u64, form: Form) -> Duration {
        let mut left = times;
        let begun = Stopwatch::start();
        while left > 0 {
            let group = left.min(GROUP);
            left -= group;
            let now = self.run_loop.now();
            for _ in 0..group {
                let deadline = now + self.scatter.next(STEP);
                self.arm(deadline, form);
            }
            self.clock.advance(STEP);
            let wanted = self.count.0.get() + group;
            while self.count.0.get() < wanted {
                self.run_loop.turn(Some(Duration::ZERO)).expect("a turn");
            }
        }
        begun.elapsed()
    }
}

/// A waker that counts.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // One thread: no need for more than a load and a store.
        let count = self.0.load(Ordering::Relaxed);
        self.0.store(count + 1, Ordering::Relaxed);
    }
}

/// tokio's single-threaded runtime with pending timers.
struct Tokio {
    /// Before the runtime, which they belong to: fields are dropped in order.
    pending: Vec<Pin<Box<Sleep>>>,
    runtime: Runtime,
    scatter: Scatter,
}

/// Whether tokio's clock goes by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TokioClock {
    Real,
    /// Once any runtime of the process has paused its clock, all of them read it more slowly; so the
    /// contests that need this come last.
    Paused,
}

impl Tokio {
    fn new(pending: usize, clock: TokioClock) -> Tokio {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(clock == TokioClock::Paused)
            .build()
            .expect("a runtime");
        let mut scatter = Scatter::new();
        let mut context = Context::from_waker(Waker::noop());
        let entered = runtime.enter();
        let first = match clock {
            TokioClock::Real => SOON,
            TokioClock::Paused => FAR,
        };
        let first = tokio::time::Instant::now() + first;
        let pending = (0..pending)
            .map(|_| {
                let mut sleep = Box::pin(sleep_until(first + scatter.next(SPREAD)));
                assert!(sleep.as_mut().poll(&mut context).is_pending());
                sleep
            })
            .collect();
        drop(entered);
        Tokio {
            pending,
            runtime,
            scatter,
        }
    }

    fn arm_and_cancel(&mut self, times: u64) -> Duration {
        let _entered = self.runtime.enter();
        let mut context = Context::from_waker(Waker::noop());
        let first = tokio::time::Instant::now() + SOON;
        let begun = Stopwatch::start();
        for _ in 0..times {
            let sleep = pin!(sleep_until(first + self.scatter.next(SPREAD)));
            assert!(sleep.poll(&mut context).is_pending());
        }
        begun.elapsed()
    }

    fn arm_and_fire(&mut self, times: u64) -> Duration {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let scatter = &mut self.scatter;
        self.runtime.block_on(async {
            let mut context = Context::from_waker(&waker);
            let far = tokio::time::Instant::now() + FAR;
            let mut sleeps: Vec<_> = (0..GROUP).map(|_| Box::pin(sleep_until(far))).collect();
            let mut left = times;
            let begun = Stopwatch::start();
            while left > 0 {
                let group = left.min(GROUP);
                left -= group;
                let now = tokio::time::Instant::now();
                let wanted = woken.0.load(Ordering::Relaxed) + group;
                for sleep in &mut sleeps[..group as usize] {
                    sleep.as_mut().reset(now + scatter.next(STEP));
                    assert!(sleep.as_mut().poll(&mut context).is_pending());
                }
                tokio::time::advance(STEP).await;
                while woken.0.load(Ordering::Relaxed) < wanted {
                    tokio::task::yield_now().await;
                }
            }
            begun.elapsed()
        })
    }
}

impl Drop for Tokio {
    fn drop(&mut self) {
        let _entered = self.runtime.enter();
        self.pending.clear();
    }
}

/// A binary heap with pending timers.
struct Plain {
    heap: Heap,
    now: Duration,
    scatter: Scatter,
}

impl Plain {
    fn new(pending: usize, first: Duration) -> Plain {
        let mut plain = Plain {
            heap: Heap::default(),
            now: Duration::ZERO,
            scatter: Scatter::new(),
        };
        for _ in 0..pending {
            plain.heap.arm(first + plain.scatter.next(SPREAD));
        }
        plain
    }

    fn arm_and_cancel(&mut self, times: u64) -> Duration {
        let begun = Stopwatch::start();
        for _ in 0..times {
            let timer = self.heap.arm(SOON + self.scatter.next(SPREAD));
            self.heap.cancel(timer);
        }
        begun.elapsed()
    }

    fn arm_and_fire(&mut self, times: u64) -> Duration {
        let mut left = times;
        let begun = Stopwatch::start();
        while left > 0 {
            let group = left.min(GROUP);
            left -= group;
            for _ in 0..group {
                self.heap.arm(self.now + self.scatter.next(STEP));
            }
            self.now += STEP;
            assert_eq!(self.heap.fire(self.now), group);
        }
        begun.elapsed()
    }
}

/// Those of the numbers that this run takes on.
fn chosen(numbers: &'static [usize]) -> impl Iterator<Item = usize> {
    let most = if contest::is_smoke() {
        SMOKE_PENDING
    } else {
        usize::MAX
    };
    numbers
        .iter()
        .copied()
        .filter(move |number| *number <= most)
}

fn cancelling(criterion: &mut Criterion) {
    let ours = |pending, form| -> Runner<'static> {
        let mut ours = Ours::new(pending, SOON);
        Box::new(move |times| ours.arm_and_cancel(times, form))
    };
    for pending in chosen(&PENDING) {
        Contest::new(format!("timer-arm+cancel/{pending}"))
            .ours("task", || ours(pending, Form::Task))
            .ours("closure", || ours(pending, Form::Closure))
            .peer("tokio", || {
                let mut tokio = Tokio::new(pending, TokioClock::Real);
                Box::new(move |times| tokio.arm_and_cancel(times))
            })
            .peer("heap", || {
                let mut plain = Plain::new(pending, SOON);
                Box::new(move |times| plain.arm_and_cancel(times))
            })
            .hold(criterion);
    }
}

fn firing(criterion: &mut Criterion) {
    let ours = |pending, form| -> Runner<'static> {
        let mut ours = Ours::new(pending, FAR);
        Box::new(move |times| ours.arm_and_fire(times, form))
    };
    for pending in chosen(&FIRING) {
        Contest::new(format!("timer-arm+fire/{pending}"))
            .ours("task", || ours(pending, Form::Task))
            .ours("closure", || ours(pending, Form::Closure))
            .peer("tokio", || {
                let mut tokio = Tokio::new(pending, TokioClock::Paused);
                Box::new(move |times| tokio.arm_and_fire(times))
            })
            .peer("heap", || {
                let mut plain = Plain::new(pending, FAR);
                Box::new(move |times| plain.arm_and_fire(times))
            })
            .hold(criterion);
    }
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = cancelling, firing
}
criterion_main!(benches);
