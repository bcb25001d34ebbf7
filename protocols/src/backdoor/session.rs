//! One session: the password, the prompt, a statement at a time, and its end.
//!
//! An idle session is one coroutine that waits to read. A statement runs in a coroutine of its own,
//! so that it can be interrupted wherever it waits; meanwhile a third one reads, for Ctrl-C:
//!
//! ```text
//!   session:    reads ──► line ──► compiles ──► joins ──────────────────────► prompt
//!   statement:                                  runs ──► shows its value ──┘
//!   listener:                                   reads ──► Ctrl-C: kills the statement
//! ```
//!
//! What bytes mean is decided by [`line`](super::line), what a statement may do by `interpreter`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::pool::Group;
use eventlet_green::{Builder, JoinHandle, RunTimes, sleep, yield_now};

use super::config::Telnet;
use super::history::History;
use super::inspect::{self, Seen};
use super::interpreter::{Interpreter, is_unfinished};
use super::line::{HIDE_INPUT, LineDiscipline, LineEvent, OFFER, SHOW_INPUT};
use super::names::App;
use super::serve::Shared;
use super::statement::Ended;
use super::table::{Table, clean};
use super::terminal::Terminal;
use crate::server::{Peer, Transport};

/// As good as for ever, for what has no limit.
pub(super) const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);
/// How often the password is asked for.
const TRIES: usize = 3;
/// How long a password may take to be typed.
const TYPING: Duration = Duration::from_secs(60);
/// How long a telnet client may take to say that it is one, before the password is asked for: what is
/// typed is then not shown.
const INTRODUCTION: Duration = Duration::from_millis(300);
const PIECE: usize = 4096;

const PROMPT: &str = ">>> ";
const CONTINUED: &str = "... ";

/// What `watch` was asked for.
pub(super) struct Watch {
    pub(super) pause: Duration,
    pub(super) source: String,
}

pub(super) struct Session {
    pub(super) shared: Rc<Shared>,
    pub(super) transport: Rc<dyn Transport>,
    pub(super) terminal: Rc<Terminal>,
    pub(super) app: App,
    pub(super) input: RefCell<Input>,
    pub(super) statement: Group,
    pub(super) helpers: Group,
    pub(super) was_interrupted: Cell<bool>,
    pub(super) is_leaving: Cell<bool>,
    watch: Cell<Option<Watch>>,
    history: RefCell<History>,
    log: Cell<Option<JoinHandle<()>>>,
    /// Since the first `top()`.
    pub(super) measured: RefCell<Option<RunTimes>>,
    pub(super) seen: RefCell<Seen>,
}

pub(super) struct Input {
    discipline: LineDiscipline,
    pub(super) events: VecDeque<LineEvent>,
    pub(super) has_ended: bool,
}

/// Serves a client to its end, in the caller's coroutine.
pub(super) fn serve(shared: &Rc<Shared>, transport: Rc<dyn Transport>) {
    let terminal = Rc::new(Terminal::new(Rc::clone(&transport), shared.config.write));
    let app = App {
        layers: shared.layers(transport.peer()),
    };
    let session = Session {
        terminal,
        app,
        input: RefCell::new(Input {
            discipline: LineDiscipline::new(shared.config.line),
            events: VecDeque::new(),
            has_ended: false,
        }),
        statement: Group::new(),
        helpers: Group::new(),
        was_interrupted: Cell::new(false),
        is_leaving: Cell::new(false),
        watch: Cell::new(None),
        history: RefCell::default(),
        log: Cell::new(None),
        measured: RefCell::default(),
        seen: RefCell::default(),
        transport,
        shared: Rc::clone(shared),
    };
    let session = Leaving(Rc::new(session));
    match session.0.converse() {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            // It may have gone meanwhile.
            let _ = session
                .0
                .terminal
                .line("\nclosed: nothing was said for too long");
        }
        // The client is gone.
        Err(_) | Ok(()) => {}
    }
}

/// Ends what a session has begun, on every way out.
struct Leaving(Rc<Session>);

impl Drop for Leaving {
    fn drop(&mut self) {
        for group in [&self.0.statement, &self.0.helpers] {
            // Without unwinding nothing can be killed; what reads or writes then fails.
            let _ = group.kill_all();
        }
        self.0.transport.close();
    }
}

impl Session {
    fn converse(self: &Rc<Self>) -> io::Result<()> {
        let is_asked = self.shared.config.telnet == Telnet::Asked
            && matches!(self.transport.peer(), Peer::Ip(_));
        if is_asked {
            self.terminal.bytes(OFFER)?;
        }
        if !self.log_in(is_asked)? {
            return Ok(());
        }
        self.terminal.line(&self.shared.banner())?;
        let interpreter = Rc::new(Interpreter::new(
            &self.shared.config,
            self.shared.standard.clone(),
            self.app.clone(),
            &self.terminal,
            |engine| inspect::register(engine, self),
        ));
        let mut source = String::new();
        while !self.is_leaving.get() {
            let prompt = if source.is_empty() { PROMPT } else { CONTINUED };
            self.terminal.text(prompt)?;
            match self.next(self.shared.config.idle.unwrap_or(FOREVER))? {
                LineEvent::Line(line) => self.take_line(&interpreter, &mut source, &line)?,
                LineEvent::Interrupt => {
                    source.clear();
                    self.terminal.line("\ninterrupted")?;
                }
                LineEvent::End => {
                    self.terminal.line("")?;
                    break;
                }
                other => {
                    source.clear();
                    self.refuse(&other)?;
                }
            }
        }
        Ok(())
    }

    fn log_in(&self, is_asked: bool) -> io::Result<bool> {
        let Some(password) = &self.shared.config.password else {
            return Ok(true);
        };
        if is_asked {
            match self.read(INTRODUCTION) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                other => other?,
            }
        }
        for _ in 0..TRIES {
            let is_telnet = self.input.borrow().discipline.is_telnet();
            if is_telnet {
                self.terminal.bytes(HIDE_INPUT)?;
            }
            self.terminal.text("password: ")?;
            let given = self.next(TYPING)?;
            if is_telnet {
                self.terminal.bytes(SHOW_INPUT)?;
                self.terminal.line("")?;
            }
            match given {
                LineEvent::Line(line) if password.is(&line) => return Ok(true),
                LineEvent::End => return Ok(false),
                _ => {}
            }
            sleep(self.shared.config.password_delay);
            self.terminal.line("that is not it")?;
        }
        Ok(false)
    }

    fn refuse(&self, event: &LineEvent) -> io::Result<()> {
        self.terminal.line(&match event {
            LineEvent::TooLong => {
                let most = self.shared.config.line;
                format!("error: a line may have {most} bytes; nothing was done")
            }
            LineEvent::NotText { at } => {
                format!("error: byte {at} of the line is not UTF-8; nothing was done")
            }
            other => format!("error: {other:?}"),
        })
    }

    fn take_line(
        self: &Rc<Self>,
        interpreter: &Rc<Interpreter>,
        source: &mut String,
        line: &str,
    ) -> io::Result<()> {
        let is_blank = line.trim().is_empty();
        let mut line = line.to_owned();
        if source.is_empty() {
            if is_blank {
                return Ok(());
            }
            if matches!(line.trim(), "exit" | "quit") {
                self.leave();
                return Ok(());
            }
            if let Some(which) = line.trim().strip_prefix('!') {
                let recalled = self.history.borrow().recall(which);
                match recalled {
                    Some(recalled) => line = recalled,
                    None => {
                        return self
                            .terminal
                            .line("error: no such statement; see history()");
                    }
                }
                self.terminal.line(&line)?;
            }
        }
        if source.len() + line.len() > self.shared.config.source {
            source.clear();
            let most = self.shared.config.source;
            return self
                .terminal
                .line(&format!("error: a statement may have {most} bytes"));
        }
        source.push_str(&line);
        source.push('\n');
        // Compiling takes a while, and many lines may be at hand.
        yield_now();
        match interpreter.compile(source) {
            Err(error) if is_unfinished(source, &error) && !is_blank => return Ok(()),
            Err(error) => self.terminal.line(&format!("error: {error}"))?,
            Ok(statement) => {
                self.history.borrow_mut().remember(source.trim_end());
                let ended = self.execute(interpreter, statement)?;
                if let Some(watch) = self.watch.take()
                    && ended == Ended::Well
                {
                    self.keep_watching(interpreter, watch)?;
                }
            }
        }
        source.clear();
        Ok(())
    }

    /// Evaluates again and again, until something else comes from the client.
    fn keep_watching(
        self: &Rc<Self>,
        interpreter: &Rc<Interpreter>,
        watch: Watch,
    ) -> io::Result<()> {
        let statement = match interpreter.compile(&watch.source) {
            Ok(statement) => statement,
            Err(error) => return self.terminal.line(&format!("error: {error}")),
        };
        while self.execute(interpreter, statement.clone())? == Ended::Well {
            // Another watch is none of this one's.
            self.watch.take();
            match self.next(watch.pause) {
                Ok(LineEvent::Interrupt) => return self.terminal.line("\ninterrupted"),
                Ok(event) => {
                    self.input.borrow_mut().events.push_front(event);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What comes next from the client, waited for at most so long.
    fn next(&self, limit: Duration) -> io::Result<LineEvent> {
        loop {
            let next = self.input.borrow_mut().events.pop_front();
            match next {
                Some(event) => return Ok(event),
                None if self.input.borrow().has_ended => return Ok(LineEvent::End),
                None => self.read(limit)?,
            }
        }
    }

    pub(super) fn read(&self, limit: Duration) -> io::Result<()> {
        let mut piece = [0; PIECE];
        let count = self.transport.read(&mut piece, limit)?;
        let (mut events, mut answer) = (Vec::new(), Vec::new());
        let mut input = self.input.borrow_mut();
        if count == 0 {
            input.has_ended = true;
            input.discipline.finish(&mut events);
        } else {
            input
                .discipline
                .feed(&piece[..count], &mut events, &mut answer);
        }
        input.events.extend(events);
        self.terminal.set_width(input.discipline.width());
        drop(input);
        if !answer.is_empty() {
            self.terminal.bytes(&answer)?;
        }
        Ok(())
    }

    /// Ends the session after the statement.
    pub(super) fn leave(&self) {
        self.is_leaving.set(true);
    }

    pub(super) fn begin_watch(&self, watch: Watch) {
        self.watch.set(Some(watch));
    }

    pub(super) fn set_log_level(&self, target: &str, level: &str) -> Result<(), String> {
        match &self.shared.log_filter {
            Some(set) => set(target, level),
            None => Err("the program has no log filter that can be set".to_owned()),
        }
    }

    pub(super) fn log_here(&self) -> Result<(), String> {
        self.log_off();
        let lines = self.shared.log_tap.listen();
        let terminal = Rc::clone(&self.terminal);
        let builder = Builder::new().name(format!("log for {}", self.transport.peer()));
        let pump = self.helpers.spawn_with(builder, move || {
            while let Some(text) = lines.lines() {
                let cleaned: Vec<_> = text.lines().map(clean).collect();
                if terminal.line(&cleaned.join("\n")).is_err() {
                    return;
                }
            }
        });
        self.log.set(Some(pump.map_err(|error| error.to_string())?));
        Ok(())
    }

    pub(super) fn log_off(&self) {
        if let Some(pump) = self.log.take() {
            // Where nothing can be killed, it goes on to the session's end.
            let _ = pump.kill();
        }
    }

    pub(super) fn history(&self) -> Table {
        self.history.borrow().table()
    }

    pub(super) fn sessions(&self) -> Table {
        self.shared.table()
    }
}
