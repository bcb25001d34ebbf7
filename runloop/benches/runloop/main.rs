//! What a ready call, a turn and a timer cost, and the timers against two other structures.
//!
//! `cargo bench -p eventlet-runloop` prints nanoseconds per operation, the best of several rounds;
//! the comparison with other people's timers is in the workspace's `benches`.

mod heap;
mod map;

use std::cell::Cell;
use std::collections::VecDeque;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use eventlet_hub_poll::PollHub;
use eventlet_runloop::{ManualClock, Task, Time, TimerId, Turned};

type RunLoop = eventlet_runloop::RunLoop<PollHub>;

const ROUNDS: u32 = 5;
const PENDING: [usize; 3] = [100, 100_000, 1_000_000];
/// How far ahead deadlines lie: a minute.
const SPAN: u64 = 60_000_000_000;

/// As the loop's budget has it.
const TIMERS_PER_TURN: u64 = 1024;

/// What a timer structure must do here.
trait Timers {
    type Id: Copy;
    const NAME: &'static str;
    fn new() -> Self;
    fn arm(&mut self, deadline: u64) -> Self::Id;
    fn cancel(&mut self, id: Self::Id);
    /// Expires at least `count` timers in order, each of which is armed again at a random deadline
    /// within the span; how many it was.
    fn fire(&mut self, count: u64) -> u64;
}

/// A small generator (xorshift64*).
struct Random(Cell<u64>);

impl Random {
    const fn new() -> Self {
        Random(Cell::new(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&self, n: u64) -> u64 {
        let mut x = self.0.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        ((u128::from(x.wrapping_mul(0x2545_F491_4F6C_DD1D)) * u128::from(n)) >> u64::BITS) as u64
    }
}

fn main() {
    calls();
    println!(
        "\nns per operation       pending   arm+cancel  arm+cancel  refresh  replace  arm+fire"
    );
    println!("                                 far         random      oldest   random   random");
    for pending in PENDING {
        timers::<OfTheLoop>(pending);
        timers::<map::Map>(pending);
        timers::<heap::Heap>(pending);
    }
    crowd();
}

/// The worst case of a wheel: a crowd of timers an hour ahead, all within a second.
fn crowd() {
    const CROWD: u64 = 1_000_000;
    const HOUR: u64 = 3_600_000_000_000;
    const SECOND: u64 = 1_000_000_000;
    struct Nothing;
    impl Task<PollHub> for Nothing {
        fn run(self: Rc<Self>, _: &RunLoop) {}
    }
    let clock = ManualClock::auto_advancing();
    let run_loop = RunLoop::with_clock(PollHub::new().expect("a hub"), clock);
    let task = Rc::new(Nothing);
    for n in 0..CROWD {
        run_loop.arm_timer(Time::from_nanos(HOUR + n * SECOND / CROWD), task.clone());
    }
    let mut longest = Duration::ZERO;
    let start = Instant::now();
    while run_loop.timer_count() > 0 {
        let turn = Instant::now();
        // Not for ever: the last timer expires in a turn that then has nothing to wait for.
        run_loop
            .turn(Some(Duration::from_nanos(HOUR)))
            .expect("a turn");
        longest = longest.max(turn.elapsed());
    }
    let each = start.elapsed().as_nanos() as f64 / CROWD as f64;
    println!("\na million within a second, an hour ahead: {each:.0} ns each (with a turn each),");
    println!("the longest turn {:.1} ms", longest.as_secs_f64() * 1e3);
}

/// Best time of a round, in nanoseconds per operation.
fn best(mut round: impl FnMut() -> u64) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let count = round();
            start.elapsed().as_nanos() as f64 / count as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn timers<T: Timers>(pending: usize) {
    const COUNT: u64 = 500_000;
    let random = Random::new();

    // All the same timeout: each is later than those before.
    let mut timers = T::new();
    let mut latest = SPAN;
    let mut ring: VecDeque<T::Id> = (0..pending)
        .map(|_| {
            latest += 1000;
            timers.arm(latest)
        })
        .collect();
    let far = best(|| {
        for _ in 0..COUNT {
            latest += 1000;
            let id = timers.arm(latest);
            timers.cancel(black_box(id));
        }
        COUNT
    });
    let refresh = best(|| {
        for _ in 0..COUNT {
            latest += 1000;
            ring.push_back(timers.arm(latest));
            let oldest = ring.pop_front().expect("as many as pending");
            timers.cancel(oldest);
        }
        COUNT
    });

    let mut timers = T::new();
    let mut ids: Vec<T::Id> = (0..pending)
        .map(|_| timers.arm(random.below(SPAN)))
        .collect();
    let near = best(|| {
        for _ in 0..COUNT {
            let id = timers.arm(random.below(SPAN));
            timers.cancel(black_box(id));
        }
        COUNT
    });
    let replace = best(|| {
        for _ in 0..COUNT {
            let id = timers.arm(random.below(SPAN));
            let victim = random.below(pending as u64) as usize;
            timers.cancel(std::mem::replace(&mut ids[victim], id));
        }
        COUNT
    });
    let fire = best(|| timers.fire(COUNT));
    println!(
        "{:<20} {pending:>9}   {far:>10.1}  {near:>10.1}  {refresh:>7.1}  {replace:>7.1}  {fire:>8.1}",
        T::NAME
    );
}

/// The loop's own, with all that its public functions add.
struct OfTheLoop {
    run_loop: RunLoop,
    clock: ManualClock,
    task: Rc<Again>,
}

struct Again {
    random: Random,
}

impl Task<PollHub> for Again {
    fn run(self: Rc<Self>, _: &RunLoop) {}

    fn expired(self: Rc<Self>, run_loop: &RunLoop, _: TimerId) {
        let ahead = Duration::from_nanos(self.random.below(SPAN));
        run_loop.arm_timer(run_loop.now() + ahead, self);
    }
}

impl Timers for OfTheLoop {
    type Id = TimerId;
    const NAME: &'static str = "wheel (the loop)";

    fn new() -> Self {
        let clock = ManualClock::new();
        let hub = PollHub::new().expect("a hub");
        let random = Random::new();
        OfTheLoop {
            run_loop: RunLoop::with_clock(hub, clock.clone()),
            clock,
            task: Rc::new(Again { random }),
        }
    }

    fn arm(&mut self, deadline: u64) -> TimerId {
        let deadline = Time::from_nanos(deadline);
        self.run_loop.arm_timer(deadline, self.task.clone())
    }

    fn cancel(&mut self, id: TimerId) {
        self.run_loop.cancel_timer(id);
    }

    fn fire(&mut self, count: u64) -> u64 {
        let before = self.run_loop.counters().timers;
        // So far at a time that turns have their fill of timers.
        let share = (self.run_loop.timer_count() as u64 / TIMERS_PER_TURN).max(2);
        while self.run_loop.counters().timers - before < count {
            self.clock.advance(Duration::from_nanos(SPAN / share));
            self.run_loop.turn(Some(Duration::ZERO)).expect("a turn");
        }
        self.run_loop.counters().timers - before
    }
}

/// Runs itself again, and leaves the turn each time if it is told so.
struct Spin {
    left: Cell<u64>,
    leave: Leave,
}

#[derive(Clone, Copy, PartialEq)]
enum Leave {
    Never,
    EachCall,
}

impl Task<PollHub> for Spin {
    fn run(self: Rc<Self>, run_loop: &RunLoop) {
        let left = self.left.get();
        if left > 0 {
            self.left.set(left - 1);
            if self.leave == Leave::EachCall {
                run_loop.leave_turn();
            }
            run_loop.enqueue(self);
        }
    }
}

/// Only the queue and the call, as the floor: no budget, no panics caught, no counters.
fn bare_queue(tasks: usize, calls: u64) -> f64 {
    trait Bare {
        fn run(self: Rc<Self>, queue: &std::cell::RefCell<VecDeque<Rc<dyn Bare>>>);
    }
    struct Spin(Cell<u64>);
    impl Bare for Spin {
        fn run(self: Rc<Self>, queue: &std::cell::RefCell<VecDeque<Rc<dyn Bare>>>) {
            let left = self.0.get();
            if left > 0 {
                self.0.set(left - 1);
                queue.borrow_mut().push_back(self);
            }
        }
    }
    best(|| {
        let queue = std::cell::RefCell::default();
        for _ in 0..tasks {
            let spin = Rc::new(Spin(Cell::new(calls / tasks as u64)));
            std::cell::RefCell::<VecDeque<Rc<dyn Bare>>>::borrow_mut(&queue).push_back(spin);
        }
        loop {
            let next = queue.borrow_mut().pop_front();
            let Some(task) = next else { break calls };
            task.run(black_box(&queue));
        }
    })
}

fn calls() {
    const CALLS: u64 = 10_000_000;
    println!("ns per ready call         tasks   loop   bare queue");
    for tasks in [2, 100, 10_000] {
        let run_loop = RunLoop::new(PollHub::new().expect("a hub"));
        let ns = best(|| {
            for _ in 0..tasks {
                let left = Cell::new(CALLS / tasks as u64);
                let leave = Leave::Never;
                run_loop.enqueue(Rc::new(Spin { left, leave }));
            }
            run_loop.run().expect("a run");
            CALLS
        });
        println!("{:>31} {ns:>6.2} {:>12.2}", tasks, bare_queue(tasks, CALLS));
    }
    let run_loop = RunLoop::new(PollHub::new().expect("a hub"));
    for pending in [0, 1] {
        if pending > 0 {
            run_loop.call_at(Time::END, |_| {});
        }
        let ns = best(|| {
            let left = Cell::new(CALLS);
            let leave = Leave::EachCall;
            run_loop.enqueue(Rc::new(Spin { left, leave }));
            while run_loop.turn(Some(Duration::ZERO)).expect("a turn") == Turned::Left
                || run_loop.call_count() > 0
            {}
            CALLS
        });
        println!("turn left after each call, {pending} timers pending: {ns:.2} ns");
    }
    let ns = best(|| {
        const TURNS: u64 = 1_000_000;
        for _ in 0..TURNS {
            run_loop.turn(Some(Duration::ZERO)).expect("a turn");
        }
        TURNS
    });
    println!("whole turn with nothing to do (one poll system call): {ns:.1} ns");
}
