//! The line discipline of a console: bytes of a telnet client, or of `nc`, in; lines, interrupts and
//! the end out. No socket, no loop, no waiting: what is to be answered is handed out as bytes.
//!
//! What a line means is the session's business. Echo and editing are the client's: telnet and a
//! terminal in front of `nc` both do them a line at a time unless they are told otherwise, and they
//! are not told.
//!
//! | what comes | what it does | source |
//! |---|---|---|
//! | LF, CR LF, CR NUL, CR | ends a line | RFC 854, "The NVT printer and keyboard" |
//! | `IAC IP`, `IAC BRK`, Ctrl-C | interrupts, and drops the line that was begun | RFC 854 |
//! | `IAC EOF`, Ctrl-D on an empty line | the end | RFC 1184, 2.5 |
//! | `IAC EC`, backspace, DEL; `IAC EL`, Ctrl-U | erases a character; the line | RFC 854 |
//! | `IAC AYT` | is answered | RFC 854 |
//! | `IAC DO TM` | is answered `WILL TM`: telnet throws away output until then | RFC 860 |
//! | `IAC SB NAWS … IAC SE` | the window's size | RFC 1073 |
//! | `WILL`, `DO` of anything else | is refused | RFC 854, 855 |
//! | `IAC IAC` | a byte 255, which is not UTF-8 | RFC 854 |

use std::fmt;

/// Interpret as command.
const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// Begins a subnegotiation.
const SB: u8 = 250;
const ERASE_LINE: u8 = 248;
const ERASE_CHARACTER: u8 = 247;
const ARE_YOU_THERE: u8 = 246;
const INTERRUPT_PROCESS: u8 = 244;
const BREAK: u8 = 243;
/// Ends a subnegotiation.
const SE: u8 = 240;
const END_OF_FILE: u8 = 236;

const ECHO: u8 = 1;
const TIMING_MARK: u8 = 6;
const WINDOW_SIZE: u8 = 31;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 21;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;

/// How many bytes of a subnegotiation are kept: NAWS needs five; others are not looked at.
const KEPT_OF_SUBNEGOTIATION: usize = 8;

/// Asks a telnet client for the size of its window (RFC 1073). A carriage return follows, so that the
/// banner covers what a terminal makes of these bytes in front of a client that is no telnet.
pub(super) const OFFER: &[u8] = &[IAC, DO, WINDOW_SIZE, b'\r', 0];
/// Keeps telnet from showing what is typed (RFC 857): the server says that it will do that.
pub(super) const HIDE_INPUT: &[u8] = &[IAC, WILL, ECHO];
/// Ends [`HIDE_INPUT`].
pub(super) const SHOW_INPUT: &[u8] = &[IAC, WONT, ECHO];

/// What came of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineEvent {
    /// A line, without its end.
    Line(String),
    /// A line that was longer than the limit. None of it is kept.
    TooLong,
    /// A line that is not UTF-8; up to this byte it is.
    NotText {
        /// Where the first wrong byte stands, from 0.
        at: usize,
    },
    /// Ctrl-C. Lines that came before it have been reported before it.
    Interrupt,
    /// Ctrl-D: no more lines are to be expected.
    End,
}

/// Where in a command of telnet's it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// After CR: an LF or NUL belongs to it.
    Return,
    Command,
    /// After `WILL`, `WONT`, `DO` or `DONT`.
    Option(u8),
    Subnegotiation,
    /// After IAC within a subnegotiation.
    SubnegotiationCommand,
}

/// The state of one client's input.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::{LineDiscipline, LineEvent};
///
/// let mut input = LineDiscipline::new(80);
/// let (mut events, mut answer) = (Vec::new(), Vec::new());
/// // A line from telnet, with the size of its window in the middle, and Ctrl-C.
/// let bytes = b"40 \xff\xfa\x1f\0\x64\0\x28\xff\xf0+ 2\r\n\xff\xf4";
/// for piece in bytes.chunks(3) {
///     input.feed(piece, &mut events, &mut answer);
/// }
/// assert_eq!(events, [LineEvent::Line("40 + 2".to_owned()), LineEvent::Interrupt]);
/// assert_eq!(input.width(), Some(100));
/// assert!(answer.is_empty());
/// ```
///
/// ```
/// use eventlet_protocols::backdoor::{LineDiscipline, LineEvent};
///
/// let mut input = LineDiscipline::new(4);
/// let (mut events, mut answer) = (Vec::new(), Vec::new());
/// input.feed(b"far too long\nok", &mut events, &mut answer);
/// input.finish(&mut events); // The client has shut its side down within a line.
/// assert_eq!(events, [LineEvent::TooLong, LineEvent::Line("ok".to_owned()), LineEvent::End]);
/// assert_eq!((input.is_telnet(), input.width(), input.height()), (false, None, None));
/// ```
pub struct LineDiscipline {
    state: State,
    line: Vec<u8>,
    /// The line that is coming is too long; it is thrown away.
    overflown: bool,
    limit: usize,
    subnegotiation: Vec<u8>,
    window: Option<(u16, u16)>,
    is_telnet: bool,
}

impl LineDiscipline {
    /// For lines of at most `limit` bytes, their ends not counted.
    pub fn new(limit: usize) -> Self {
        LineDiscipline {
            state: State::Text,
            line: Vec::new(),
            overflown: false,
            limit,
            subnegotiation: Vec::new(),
            window: None,
            is_telnet: false,
        }
    }

    /// Takes what has come, in whatever pieces; adds what it meant to `events` and what telnet is to
    /// be answered to `answer`.
    pub fn feed(&mut self, bytes: &[u8], events: &mut Vec<LineEvent>, answer: &mut Vec<u8>) {
        for &byte in bytes {
            self.take(byte, events, answer);
        }
    }

    /// The client will send no more: gives the line that it has not ended, and the end.
    pub fn finish(&mut self, events: &mut Vec<LineEvent>) {
        if !self.line.is_empty() || self.overflown {
            self.end_line(events);
        }
        events.push(LineEvent::End);
    }

    /// How many columns the client's window has; `None` if it has not told, or does not know.
    pub fn width(&self) -> Option<u16> {
        self.window
            .map(|(width, _)| width)
            .filter(|&width| width > 0)
    }

    /// How many lines the client's window has; `None` as for [`width`](Self::width).
    pub fn height(&self) -> Option<u16> {
        self.window
            .map(|(_, height)| height)
            .filter(|&height| height > 0)
    }

    /// Whether the client has shown itself to be telnet, by any command.
    pub fn is_telnet(&self) -> bool {
        self.is_telnet
    }

    fn take(&mut self, byte: u8, events: &mut Vec<LineEvent>, answer: &mut Vec<u8>) {
        match self.state {
            State::Return if matches!(byte, b'\n' | 0) => self.state = State::Text,
            State::Text | State::Return => self.take_text(byte, events),
            State::Command => self.take_command(byte, events, answer),
            State::Option(verb) => {
                self.state = State::Text;
                answer_option(verb, byte, answer);
            }
            State::Subnegotiation if byte == IAC => self.state = State::SubnegotiationCommand,
            State::Subnegotiation => self.keep(byte),
            State::SubnegotiationCommand if byte == IAC => {
                self.state = State::Subnegotiation;
                self.keep(byte);
            }
            State::SubnegotiationCommand => {
                self.state = State::Text;
                if byte == SE {
                    self.end_subnegotiation();
                } else {
                    // A subnegotiation that was cut off by a command.
                    self.take_command(byte, events, answer);
                }
            }
        }
    }

    fn take_text(&mut self, byte: u8, events: &mut Vec<LineEvent>) {
        self.state = State::Text;
        match byte {
            IAC => self.state = State::Command,
            b'\n' => self.end_line(events),
            b'\r' => {
                self.state = State::Return;
                self.end_line(events);
            }
            CTRL_C => self.interrupt(events),
            CTRL_D if self.line.is_empty() && !self.overflown => events.push(LineEvent::End),
            CTRL_D | 0 => {}
            CTRL_U => self.line.clear(),
            BACKSPACE | DELETE => self.erase_character(),
            _ => self.add(byte),
        }
    }

    fn take_command(&mut self, byte: u8, events: &mut Vec<LineEvent>, answer: &mut Vec<u8>) {
        self.state = State::Text;
        self.is_telnet |= byte != IAC;
        match byte {
            IAC => self.add(IAC),
            WILL | WONT | DO | DONT => self.state = State::Option(byte),
            SB => {
                self.subnegotiation.clear();
                self.state = State::Subnegotiation;
            }
            INTERRUPT_PROCESS | BREAK => self.interrupt(events),
            END_OF_FILE => {
                if !self.line.is_empty() {
                    self.end_line(events);
                }
                events.push(LineEvent::End);
            }
            ERASE_CHARACTER => self.erase_character(),
            ERASE_LINE => self.line.clear(),
            ARE_YOU_THERE => answer.extend_from_slice(b"[yes]\r\n"),
            // No operation, go ahead, data mark, abort output, and what nobody has defined.
            _ => {}
        }
    }

    fn add(&mut self, byte: u8) {
        if self.line.len() < self.limit && !self.overflown {
            self.line.push(byte);
        } else {
            self.overflown = true;
            self.line = Vec::new();
        }
    }

    /// All of its bytes.
    fn erase_character(&mut self) {
        while let Some(byte) = self.line.pop() {
            let is_continuation = byte & 0b1100_0000 == 0b1000_0000;
            if !is_continuation {
                break;
            }
        }
    }

    fn interrupt(&mut self, events: &mut Vec<LineEvent>) {
        self.line.clear();
        self.overflown = false;
        events.push(LineEvent::Interrupt);
    }

    fn end_line(&mut self, events: &mut Vec<LineEvent>) {
        let line = std::mem::take(&mut self.line);
        events.push(if std::mem::take(&mut self.overflown) {
            LineEvent::TooLong
        } else {
            match String::from_utf8(line) {
                Ok(line) => LineEvent::Line(line),
                Err(error) => LineEvent::NotText {
                    at: error.utf8_error().valid_up_to(),
                },
            }
        });
    }

    fn keep(&mut self, byte: u8) {
        if self.subnegotiation.len() < KEPT_OF_SUBNEGOTIATION {
            self.subnegotiation.push(byte);
        }
    }

    fn end_subnegotiation(&mut self) {
        if let [WINDOW_SIZE, a, b, c, d] = self.subnegotiation[..] {
            self.window = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
        }
    }
}

/// Says no to what is not done here. A refusal is not answered, so that there is no end of it
/// (RFC 854, "General considerations").
fn answer_option(verb: u8, option: u8, answer: &mut Vec<u8>) {
    let refusal = match (verb, option) {
        (DO, TIMING_MARK) => WILL,
        // Asked for by `OFFER`, and by `HIDE_INPUT`.
        (WILL, WINDOW_SIZE) | (DO, ECHO) => return,
        (DO, _) => WONT,
        (WILL, _) => DONT,
        _ => return,
    };
    answer.extend_from_slice(&[IAC, refusal, option]);
}

impl fmt::Debug for LineDiscipline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineDiscipline")
            .field("begun", &self.line.len())
            .field("limit", &self.limit)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
