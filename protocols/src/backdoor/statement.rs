//! A statement that runs: in a coroutine of its own, while another one listens for Ctrl-C.
//!
//! What comes before and after is the business of [`session`](super::session).

use std::io;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{Builder, JoinError, JoinTimeoutError, context, sleep};
use rhai::AST;

use super::interpreter::Interpreter;
use super::line::LineEvent;
use super::session::{FOREVER, Session};
use super::terminal::{Redirection, Terminal};

/// How long a statement may go on when the client has said that it will send no more: that may be the
/// end of a script, or of the client.
const AFTER_THE_END: Duration = Duration::from_secs(10);
/// So many lines are read ahead while a statement runs. Then Ctrl-C is heard no more, until it ends.
const MOST_AHEAD: usize = 1024;
/// How long a statement that was killed may take to unwind before the prompt comes all the same.
const UNWINDING: Duration = Duration::from_secs(5);

/// How a statement ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Well,
    Badly,
}

impl Session {
    /// Runs a statement while the client can interrupt it.
    pub(super) fn execute(
        self: &Rc<Self>,
        interpreter: &Rc<Interpreter>,
        statement: AST,
    ) -> io::Result<Ended> {
        self.was_interrupted.set(false);
        let peer = self.transport.peer();
        let running = Builder::new().name(format!("statement of {peer}"));
        let (runner, terminal) = (Rc::clone(interpreter), Rc::clone(&self.terminal));
        let running = self.statement.spawn_with(
            running.stack_size(self.shared.config.stack()),
            move || {
                let redirection = Redirection::to(Rc::clone(&terminal));
                context::within(redirection, || evaluate(&runner, &statement, &terminal))
                    .unwrap_or_else(|error| Err(error.to_string()))
            },
        )?;
        let listening = Builder::new().name(format!("listener of {peer}"));
        let this = Rc::clone(self);
        let listening = self.helpers.spawn_with(listening, move || this.listen())?;

        let outcome = match self.shared.config.statement {
            None => running.join().map_err(|error| error.to_string_of(self)),
            Some(limit) => match running.join_timeout(limit) {
                Ok(outcome) => Ok(outcome),
                Err(JoinTimeoutError::Failed(error)) => Err(error.to_string_of(self)),
                Err(JoinTimeoutError::Elapsed(running)) => {
                    // What cannot be unwound goes on; the prompt comes all the same.
                    let _ = running.kill();
                    let _ = running.join_timeout(UNWINDING);
                    Err(format!("stopped after {limit:?}, which is all that it has"))
                }
            },
        };
        let _ = listening.kill();
        // Only one may wait to read.
        let _ = listening.join();
        match outcome.and_then(|result| result) {
            Ok(()) => Ok(Ended::Well),
            Err(_) if self.is_leaving.get() => Ok(Ended::Badly),
            Err(text) => {
                self.terminal.line(&format!("error: {text}"))?;
                Ok(Ended::Badly)
            }
        }
    }

    /// Reads while a statement runs, and ends it when the client wants that, or is gone.
    fn listen(&self) {
        loop {
            let input = self.input.borrow();
            let (ahead, has_ended) = (input.events.len(), input.has_ended);
            drop(input);
            // It may have come together with the statement.
            if !self.take_interrupt() {
                if has_ended {
                    sleep(AFTER_THE_END);
                } else if ahead >= MOST_AHEAD {
                    return;
                } else if self.read(FOREVER).is_ok() {
                    continue;
                }
            }
            self.was_interrupted.set(true);
            let _ = self.statement.kill_all();
            return;
        }
    }

    /// Whether Ctrl-C was among what has come. What came before it is forgotten.
    fn take_interrupt(&self) -> bool {
        let events = &mut self.input.borrow_mut().events;
        let last = events
            .iter()
            .rposition(|event| *event == LineEvent::Interrupt);
        events.drain(..last.map_or(0, |last| last + 1));
        last.is_some()
    }
}

fn evaluate(interpreter: &Interpreter, statement: &AST, terminal: &Terminal) -> Result<(), String> {
    let value = interpreter.run(statement).map_err(|error| {
        let text = error.to_string();
        // What functions of the program and of the console have to say is said without a preface.
        let told = text.strip_prefix("Runtime error: ");
        told.map_or_else(|| text.clone(), str::to_owned)
    })?;
    if let Some(text) = interpreter.show(value) {
        terminal.line(&text).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// What the client is told of a statement without a result.
trait ToldAs {
    fn to_string_of(&self, session: &Session) -> String;
}

impl ToldAs for JoinError {
    fn to_string_of(&self, session: &Session) -> String {
        match self {
            JoinError::Killed if session.was_interrupted.get() => "interrupted".to_owned(),
            JoinError::Killed => "the statement was killed".to_owned(),
            JoinError::Panicked(_) => {
                let text = self
                    .panic_text()
                    .unwrap_or("with something that is no text");
                format!("it panicked: {text}")
            }
            other => other.to_string(),
        }
    }
}
