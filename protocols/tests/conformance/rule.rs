//! What a rule is made of: steps on one connection. Data; how they are taken is in `run`.

use std::fmt;

/// Follows whatever is refused. If it is answered, the refused message was taken for something else
/// than its sender meant: this is request smuggling (RFC 9112 section 11.2).
pub const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Whether a server has a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// The section leaves none.
    Must,
    /// It allows another way, or does not name the status; this is ours.
    Ours,
}

/// What is sent, and what has to come back.
#[derive(Clone, Debug)]
pub struct Rule {
    pub section: &'static str,
    pub what: String,
    pub force: Force,
    pub steps: Vec<Step>,
    /// Whether the message may come in pieces without a difference.
    pub may_be_cut: bool,
}

#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    /// Sends no more.
    Finish,
    /// An interim response with this status.
    Interim(u16),
    /// A response.
    Get(Want),
    /// A refusal, or a response that is visibly cut off, or nothing: no whole answer.
    NoWholeAnswer,
    /// The end of the connection, and nothing before it.
    Ends,
    /// The connection serves another request.
    StaysOpen,
}

/// What a response has to be like.
#[derive(Clone, Debug, Default)]
pub struct Want {
    /// One of these.
    pub statuses: Vec<u16>,
    /// To HEAD: without a body, whatever the fields say.
    pub to_head: bool,
    pub body: Option<Vec<u8>>,
    pub body_holds: Option<&'static str>,
    /// Its framing announces more than comes.
    pub is_cut: bool,
    /// Fields with their values.
    pub fields: Vec<(&'static str, String)>,
    pub absent: Vec<&'static str>,
}

/// A rule to be filled in.
pub fn rule(section: &'static str, what: impl Into<String>) -> Rule {
    Rule {
        section,
        what: what.into(),
        force: Force::Must,
        steps: Vec::new(),
        may_be_cut: true,
    }
}

/// Sent bytes are answered with one of these statuses, a close, and nothing more.
pub fn refused(
    section: &'static str,
    what: impl Into<String>,
    statuses: &[u16],
    bytes: impl AsRef<[u8]>,
) -> Rule {
    let bytes = [bytes.as_ref(), SMUGGLED.as_bytes()].concat();
    rule(section, what).send(bytes).refused(statuses)
}

/// Sent bytes are answered with this status, and the connection goes on.
pub fn served(
    section: &'static str,
    what: impl Into<String>,
    status: u16,
    bytes: impl AsRef<[u8]>,
) -> Rule {
    rule(section, what).send(bytes).get(&[status]).stays_open()
}

impl Rule {
    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The section leaves a choice, and this is ours.
    pub fn ours(mut self) -> Self {
        self.force = Force::Ours;
        self
    }

    /// A pause in the message means something.
    pub fn at_once(mut self) -> Self {
        self.may_be_cut = false;
        self
    }

    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Send(bytes.as_ref().to_vec()))
    }

    pub fn finish(self) -> Self {
        self.step(Step::Finish)
    }

    pub fn interim(self, status: u16) -> Self {
        self.step(Step::Interim(status))
    }

    pub fn get(self, statuses: &[u16]) -> Self {
        self.step(Step::Get(Want {
            statuses: statuses.to_vec(),
            ..Want::default()
        }))
    }

    pub fn refused(self, statuses: &[u16]) -> Self {
        self.get(statuses).field("connection", "close").ends()
    }

    pub fn no_whole_answer(self) -> Self {
        self.step(Step::NoWholeAnswer)
    }

    pub fn ends(self) -> Self {
        self.step(Step::Ends)
    }

    pub fn stays_open(self) -> Self {
        self.step(Step::StaysOpen)
    }

    /// The response that was named last, to be filled in.
    fn want(mut self, fill: impl FnOnce(&mut Want)) -> Self {
        let wants = self.steps.iter_mut().rev().find_map(|step| match step {
            Step::Get(want) => Some(want),
            _ => None,
        });
        fill(wants.expect("a response was named"));
        self
    }

    pub fn without_body(self) -> Self {
        self.want(|want| want.to_head = true)
    }

    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref().to_vec();
        self.want(|want| want.body = Some(body))
    }

    pub fn body_holds(self, text: &'static str) -> Self {
        self.want(|want| want.body_holds = Some(text))
    }

    pub fn cut(self) -> Self {
        self.want(|want| want.is_cut = true)
    }

    pub fn field(self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.want(|want| want.fields.push((name, value)))
    }

    pub fn without(self, name: &'static str) -> Self {
        self.want(|want| want.absent.push(name))
    }

    /// The message, if the rule begins with one and sends nothing more of its own; without what only
    /// follows to be ignored.
    pub fn only_message(&self) -> Option<&[u8]> {
        if !self.may_be_cut {
            return None;
        }
        let sends = |step: &Step| matches!(step, Step::Send(_) | Step::Finish);
        match self.steps.split_first() {
            Some((Step::Send(bytes), rest)) if !rest.iter().any(sends) => {
                let follows = SMUGGLED.as_bytes();
                Some(bytes.strip_suffix(follows).unwrap_or(bytes))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Send(bytes) => show(bytes).fmt(f),
            Step::Finish => f.write_str("the end of sending"),
            Step::Interim(status) => write!(f, "{status}"),
            Step::Get(want) => want.fmt(f),
            Step::NoWholeAnswer => f.write_str("no whole answer"),
            Step::Ends => f.write_str("the end"),
            Step::StaysOpen => f.write_str("open"),
        }
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses: Vec<_> = self.statuses.iter().map(u16::to_string).collect();
        f.write_str(&statuses.join("/"))?;
        if self.is_cut {
            f.write_str(" cut off")?;
        }
        for (name, value) in &self.fields {
            write!(f, ", {name}: {value}")?;
        }
        Ok(())
    }
}

/// Bytes for a table: escaped, the beginning of them.
pub fn show(bytes: &[u8]) -> String {
    const MOST: usize = 90;
    let text = bytes.escape_ascii().to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], bytes.len()),
        None => text,
    }
}
