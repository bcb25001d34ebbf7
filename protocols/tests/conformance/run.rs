//! Takes the steps of a rule on a connection of its own, and tells what was not kept.

use std::collections::HashSet;
use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use eventlet_green::net::TcpStream;
use eventlet_green::testing::until;

use crate::answer::{Answer, Asked, End, Reader};
use crate::rule::{Force, Rule, Step, Want, show};

/// How long a server may take to answer: far more than any does.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longer messages are not cut at each byte: heads at their limits, which the tests of the wire code
/// cut.
const LONGEST_CUT: usize = 400;

/// The request that shows that a connection is still served.
const PROBE: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server to be held against the table.
pub struct Run {
    address: SocketAddr,
    whose: Whose,
}

/// What came of a table.
pub struct Report {
    /// The table, with what came of each rule.
    pub lines: Vec<String>,
    /// The rules that were not kept.
    pub failures: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    /// A choice of its own is no fault, and its resets are its own affair.
    Theirs,
}

impl Run {
    pub fn ours(address: SocketAddr) -> Self {
        let whose = Whose::Ours;
        Run { address, whose }
    }

    pub fn theirs(address: SocketAddr) -> Self {
        let whose = Whose::Theirs;
        Run { address, whose }
    }

    /// Every rule.
    pub fn all(&self, table: &[Rule]) -> Report {
        let (mut lines, mut failures) = (Vec::new(), Vec::new());
        let mut choices = 0;
        for rule in table {
            let outcome = self.rule(rule, None);
            let verdict = match &outcome {
                Ok(()) => "ok".to_owned(),
                Err(why) if self.whose == Whose::Theirs && rule.force == Force::Ours => {
                    choices += 1;
                    format!("otherwise: {why}")
                }
                Err(why) => {
                    failures.push(format!("{}, {}: {why}", rule.section, rule.what));
                    format!("FAILED: {why}")
                }
            };
            let steps: Vec<_> = rule.steps.iter().map(Step::to_string).collect();
            let (section, what) = (rule.section, &rule.what);
            lines.push(format!("{section:<16} {what:<66} {verdict}"));
            lines.push(format!("{:<16} {}", "", steps.join(" -> ")));
        }
        let kept = table.len() - failures.len() - choices;
        lines.push(format!(
            "{kept} of {} rules kept, {choices} otherwise where there is a choice, {} failed",
            table.len(),
            failures.len()
        ));
        Report { lines, failures }
    }

    /// The rules that send one short message, with that message cut in two at each `step`th
    /// byte; but not again where another rule's message begins in the same way.
    pub fn all_cut(&self, table: &[Rule], step: usize) -> Vec<String> {
        let mut failures = Vec::new();
        let mut beginnings = HashSet::new();
        let mut cuts = 0;
        for rule in table {
            let Some(message) = rule.only_message() else {
                continue;
            };
            if message.len() > LONGEST_CUT {
                continue;
            }
            for cut in (1..message.len()).step_by(step) {
                if !beginnings.insert(&message[..cut]) {
                    continue;
                }
                cuts += 1;
                if let Err(why) = self.rule(rule, Some(cut)) {
                    failures.push(format!("{}, cut at {cut}: {why}", rule.what));
                }
            }
        }
        println!("{cuts} cuts, {} failed", failures.len());
        failures
    }

    fn rule(&self, rule: &Rule, cut: Option<usize>) -> Result<(), String> {
        let stream = TcpStream::connect(self.address).map_err(|error| error.to_string())?;
        // What is sent in pieces is to arrive in pieces.
        stream
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        let limit = stream.set_read_timeout(Some(PATIENCE));
        limit.map_err(|error| error.to_string())?;
        let mut reader = Reader::new(&stream);
        for step in &rule.steps {
            match (step, cut) {
                (Step::Send(bytes), Some(cut)) => {
                    send(&stream, &bytes[..cut]);
                    // Seen by the server before the rest is there.
                    let seen = eventlet_green::stats().turns;
                    until(|| eventlet_green::stats().turns > seen + 1);
                    send(&stream, &bytes[cut..]);
                }
                (Step::Send(bytes), None) => send(&stream, bytes),
                // A server that has gone already is noticed by what comes.
                (Step::Finish, _) => drop(stream.shutdown(Shutdown::Write)),
                (Step::Interim(status), _) => {
                    let answer = reader.answer(Asked::Other)?;
                    let answer = answer.ok_or("the end instead of an interim response")?;
                    if answer.status != *status {
                        return Err(format!("{} and not {status}", answer.status));
                    }
                }
                (Step::Get(want), _) => self.get(&mut reader, want)?,
                (Step::NoWholeAnswer, _) => {
                    if let Some(answer) = reader.answer(Asked::Other)?
                        && answer.is_whole
                        && answer.status < 400
                    {
                        return Err(format!("a whole {}: {}", answer.status, show(&answer.body)));
                    }
                }
                (Step::Ends, _) => {
                    if reader.end()? == End::Reset && self.whose == Whose::Ours {
                        return Err("a reset instead of an end".into());
                    }
                }
                (Step::StaysOpen, _) => {
                    send(&stream, PROBE);
                    let answer = reader.answer(Asked::Other)?;
                    let answer = answer.ok_or("the end instead of another answer")?;
                    if (answer.status, &*answer.body) != (200, b"Hello, World!") {
                        return Err(format!("not in step: {}", told(&answer)));
                    }
                }
            }
        }
        Ok(())
    }

    fn get(&self, reader: &mut Reader<'_>, want: &Want) -> Result<(), String> {
        let asked = if want.to_head {
            Asked::Head
        } else {
            Asked::Other
        };
        let answer = reader.answer(asked)?;
        let answer = answer.ok_or("the end instead of a response")?;
        if !want.statuses.contains(&answer.status) {
            return Err(format!("{} and not {want}", told(&answer)));
        }
        if answer.is_whole == want.is_cut {
            let there = if want.is_cut { "whole" } else { "cut off" };
            return Err(format!("{there}: {}", told(&answer)));
        }
        if let Some(body) = &want.body
            && *body != answer.body
        {
            return Err(format!("not {}: {}", show(body), told(&answer)));
        }
        if let Some(text) = want.body_holds
            && !String::from_utf8_lossy(&answer.body).contains(text)
        {
            return Err(format!("without {text}: {}", told(&answer)));
        }
        for (name, wanted) in &want.fields {
            let value = answer.field(name)?.unwrap_or_else(|| "absent".into());
            // How another server says that it closes is its own affair, as long as it does.
            let is_announcement = *name == "connection" && self.whose == Whose::Theirs;
            if !value.eq_ignore_ascii_case(wanted) && !is_announcement {
                return Err(format!("{name}: {value}, and not {wanted}"));
            }
        }
        for name in &want.absent {
            if let Some(value) = answer.field(name)? {
                return Err(format!("{name}: {value}, and not absent"));
            }
        }
        if let Some(date) = answer.field("date")? {
            // The one form that is to be sent (RFC 9110 section 5.6.7).
            let parsed = httpdate::parse_http_date(&date).map_err(|_| format!("Date: {date}"))?;
            if httpdate::fmt_http_date(parsed) != date {
                return Err(format!("Date in another form: {date}"));
            }
        }
        Ok(())
    }
}

fn told(answer: &Answer) -> String {
    format!("{} {:?}", answer.status, show(&answer.body))
}

/// A server that has answered and closed does not take the rest: what came of it is looked at next.
fn send(mut stream: &TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}
