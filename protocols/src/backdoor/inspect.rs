//! The console's own functions: what they show of the live program, and what they change.
//!
//! How tables are put on the screen is the business of `table`.

use std::collections::HashMap;
use std::fs;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{
    CoroutineInfo, KillHandle, Wait, backtrace, offload, run_times, sleep, snapshot, stats,
    trim_stacks,
};
use rhai::{Dynamic, Engine, EvalAltResult, Map};

use super::session::{Session, Watch};
use super::table::{Align, Cell, Plain, Table};

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// How many rows `top()` shows.
const TOP: i64 = 20;
/// Where the system says what a descriptor is.
const DESCRIPTORS: &str = "/dev/fd";

/// Name with parameters, and what it is for.
const HELP: [(&str, &str); 20] = [
    (
        "ps()",
        "the coroutines: state, what each waits for and how long, stack, where it was spawned",
    ),
    ("bt(id)", "the stack of a coroutine that waits"),
    ("timers()", "the timers, the next one first"),
    ("fds()", "the registered descriptors, and who waits on them"),
    ("hub()", "what the hub has done"),
    ("stats()", "all counts of the run loop"),
    (
        "top(), top(n)",
        "who ran most since the last time; the first call begins to measure",
    ),
    (
        "kill(id)",
        "ends a coroutine where it waits; says whether there was one",
    ),
    (
        "gc()",
        "gives the memory of stacks that nobody uses back; says how many",
    ),
    (
        "log(target, level)",
        "sets how much is logged, if the program allows that",
    ),
    (
        "log_here(), log_off()",
        "shows the program's log lines in this session, or no more",
    ),
    (
        "watch(seconds, text)",
        "evaluates the text again and again until Ctrl-C",
    ),
    ("sleep(seconds)", "waits; the program goes on"),
    ("print(value)", "shows a value in this session"),
    (
        "app, app.name",
        "the values of the program; app.name = value where it can be written",
    ),
    (
        "table.rows()",
        "the rows of what ps() and others show, for scripts",
    ),
    ("sessions()", "who is connected to the console"),
    (
        "history(), !!, !n",
        "statements so far; the last one again, or the n-th",
    ),
    ("help(), help(name)", "this, or one entry of it"),
    ("exit, exit()", "ends the session; so does Ctrl-D"),
];

/// What the first `top()` has seen, for the next.
pub(super) type Seen = HashMap<u64, (u64, Duration)>;

pub(super) fn register(engine: &mut Engine, session: &Rc<Session>) {
    engine
        .register_fn("ps", ps)
        .register_fn("bt", bt)
        .register_fn("timers", timers)
        .register_fn("fds", fds)
        .register_fn("hub", hub)
        .register_fn("stats", all_stats)
        .register_fn("kill", kill)
        .register_fn("gc", || trim_stacks() as i64)
        .register_fn("sleep", |seconds: i64| pause(seconds as f64))
        .register_fn("sleep", pause);
    let this = Rc::clone(session);
    engine.register_fn("top", move || top(&this, TOP));
    let this = Rc::clone(session);
    engine.register_fn("top", move |most: i64| top(&this, most));
    let this = Rc::clone(session);
    engine.register_fn("log", move |target: &str, level: &str| {
        told(this.set_log_level(target, level))
    });
    let this = Rc::clone(session);
    engine.register_fn("log_here", move || told(this.log_here()));
    let this = Rc::clone(session);
    engine.register_fn("log_off", move || this.log_off());
    let this = Rc::clone(session);
    engine.register_fn("watch", move |seconds: i64, text: &str| {
        watch(&this, seconds as f64, text)
    });
    let this = Rc::clone(session);
    engine.register_fn("watch", move |seconds: f64, text: &str| {
        watch(&this, seconds, text)
    });
    let this = Rc::clone(session);
    engine.register_fn("history", move || this.history());
    let this = Rc::clone(session);
    engine.register_fn("sessions", move || this.sessions());
    let this = Rc::clone(session);
    engine.register_fn("exit", move || -> Outcome<()> {
        this.leave();
        Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, rhai::Position::NONE).into())
    });
    let this = Rc::clone(session);
    engine.register_fn("help", move || help(&this, ""));
    let this = Rc::clone(session);
    engine.register_fn("help", move |name: &str| help(&this, name));
}

/// An error as scripts have it.
fn told(result: Result<(), String>) -> Outcome<()> {
    result.map_err(Box::from)
}

fn help(session: &Session, name: &str) -> Table {
    let mut table = Table::new(&[("call", Align::Left), ("what it does", Align::Left)]);
    // Help of the program's begins with the call.
    let programs = session.app.help();
    let programs = programs.map(|(name, text)| text.split_once(": ").unwrap_or((name, text)));
    for (call, text) in HELP.into_iter().chain(programs) {
        if call.contains(name) {
            table.push(vec![Cell::text(call), Cell::text(text)]);
        }
    }
    if table.len() == 0 {
        table.note(format!("no help for {name:?}; help() shows all"));
    }
    table
}

fn seconds(duration: Duration) -> Cell {
    let value = duration.as_secs_f64();
    let text = match value {
        0.0..10.0 => format!("{value:.3}"),
        10.0..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    Cell::shown(value, text)
}

fn place(one: &CoroutineInfo) -> Cell {
    match one.spawned_at() {
        Some(place) => Cell::text(place.to_string()),
        None => Cell::text("the root stack"),
    }
}

fn ps() -> Table {
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("name", Align::Left),
        ("state", Align::Left),
        ("seconds", Align::Right),
        ("waits for", Align::Left),
        ("KiB", Align::Right),
        ("spawned at", Align::Left),
    ]);
    for one in snapshot().coroutines() {
        let waits = match one.wait() {
            Wait::Nothing => Cell::nothing(),
            wait => Cell::text(wait.to_string()),
        };
        let stack = one.stack_high_water().map(|bytes| bytes / 1024);
        table.push(vec![
            Cell::number(one.id()),
            one.name().map_or_else(Cell::nothing, Cell::text),
            Cell::text(format!("{:?}", one.state()).to_lowercase()),
            one.waited().map_or_else(Cell::nothing, seconds),
            waits,
            stack.map_or_else(Cell::nothing, Cell::number),
            place(one),
        ]);
    }
    table
}

fn bt(id: i64) -> Outcome<Plain> {
    let id = coroutine_number(id)?;
    let stack = backtrace(id).map_err(|error| error.to_string())?;
    let label = stack.label().to_owned();
    // The first look at the program's debug information takes its time.
    let text = offload(move || stack.to_string()).map_err(|error| error.to_string())?;
    Ok(Plain(format!("{label}\n{text}")))
}

fn coroutine_number(id: i64) -> Outcome<u64> {
    let error = || format!("{id} is no number of a coroutine; ps() shows them");
    Ok(u64::try_from(id).map_err(|_| error())?)
}

fn kill(id: i64) -> Outcome<bool> {
    if id == 0 {
        return Err("coroutine 0 is the program's own stack, which is not ended from here".into());
    }
    match KillHandle::find(coroutine_number(id)?) {
        None => Ok(false),
        Some(handle) => handle.kill().map_err(|error| error.to_string().into()),
    }
}

fn timers() -> Table {
    let mut table = Table::new(&[("in seconds", Align::Right), ("what for", Align::Left)]);
    for timer in snapshot().timers() {
        table.push(vec![seconds(timer.left()), Cell::text(timer.what())]);
    }
    table
}

fn fds() -> Table {
    let mut table = Table::new(&[
        ("fd", Align::Right),
        ("what", Align::Left),
        ("who waits", Align::Left),
    ]);
    let now = snapshot();
    for &number in now.descriptors() {
        let what = fs::read_link(format!("{DESCRIPTORS}/{number}"));
        let what = what.map_or_else(|_| String::new(), |path| path.display().to_string());
        let waiting = now.coroutines().iter().filter_map(|one| {
            let how = match one.wait() {
                Wait::Read(fd) if fd == number => "read",
                Wait::Write(fd) if fd == number => "write",
                Wait::Accept(fd) if fd == number => "accept",
                Wait::Connect(fd) if fd == number => "connect",
                _ => return None,
            };
            let name = one.name().map(|name| format!(" {name}"));
            Some(format!("{}{} to {how}", one.id(), name.unwrap_or_default()))
        });
        let waiting: Vec<_> = waiting.collect();
        table.push(vec![
            Cell::number(number),
            Cell::text(what),
            Cell::text(waiting.join(", ")),
        ]);
    }
    table
}

/// A number as scripts have it.
fn number(number: impl TryInto<i64>) -> Dynamic {
    number.try_into().unwrap_or(i64::MAX).into()
}

fn map<const N: usize>(entries: [(&str, Dynamic); N]) -> Map {
    let entries = entries.into_iter();
    entries.map(|(name, value)| (name.into(), value)).collect()
}

fn hub() -> Map {
    let now = stats();
    map([
        ("name", now.hub.into()),
        ("descriptors", number(now.descriptors)),
        ("waits", number(now.waits)),
        ("polls", number(now.polls)),
        ("events", number(now.events)),
        ("wake_ups", number(now.wake_ups)),
    ])
}

fn all_stats() -> Map {
    let now = stats();
    let mut all = hub();
    all.remove("name");
    all.extend(map([
        ("hub", now.hub.into()),
        ("coroutines", number(now.coroutines)),
        ("timers", number(now.timers)),
        ("turns", number(now.turns)),
        ("switches", number(now.switches)),
        ("spawned", number(now.spawned)),
        ("expired", number(now.expired)),
    ]));
    all
}

fn top(session: &Session, most: i64) -> Table {
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("name", Align::Left),
        ("turns", Align::Right),
        ("ms", Align::Right),
        ("spawned at", Align::Left),
    ]);
    let begins = session.measured.borrow().is_none();
    if begins {
        session.measured.replace(Some(run_times()));
        table.note("from now on it is measured how long each one runs: call it again");
    }
    let now = snapshot();
    let seen = now.coroutines().iter();
    let seen: Seen = seen
        .map(|one| (one.id(), (one.resumed(), one.ran())))
        .collect();
    let before = session.seen.replace(seen);
    let mut rows: Vec<_> = now
        .coroutines()
        .iter()
        .map(|one| {
            let (turns, ran) = before.get(&one.id()).copied().unwrap_or_default();
            (one, one.resumed() - turns, one.ran().saturating_sub(ran))
        })
        .filter(|(_, turns, _)| *turns > 0)
        .collect();
    rows.sort_by_key(|&(_, turns, ran)| std::cmp::Reverse((ran, turns)));
    for (one, turns, ran) in rows.into_iter().take(usize::try_from(most).unwrap_or(0)) {
        let ms = ran.as_secs_f64() * 1000.0;
        table.push(vec![
            Cell::number(one.id()),
            one.name().map_or_else(Cell::nothing, Cell::text),
            Cell::number(turns),
            Cell::shown(ms, format!("{ms:.2}")),
            place(one),
        ]);
    }
    table
}

fn duration(seconds: f64) -> Outcome<Duration> {
    let error = |_| format!("{seconds} is no number of seconds to wait");
    Ok(Duration::try_from_secs_f64(seconds).map_err(error)?)
}

fn pause(seconds: f64) -> Outcome<()> {
    sleep(duration(seconds)?);
    Ok(())
}

/// How often a `watch` looks at most.
const SHORTEST_WATCH: Duration = Duration::from_millis(100);

fn watch(session: &Session, seconds: f64, text: &str) -> Outcome<()> {
    let pause = duration(seconds)?.max(SHORTEST_WATCH);
    let source = text.to_owned();
    session.begin_watch(Watch { pause, source });
    Ok(())
}
