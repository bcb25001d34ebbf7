//! Responses as a strict client reads them (RFC 9112 sections 4 to 7). Nothing is taken from the crate,
//! so that a mistake of its parsers cannot hide; a fault is an error that says what it is.

use std::io::{self, Read};

use eventlet_green::net::TcpStream;

/// Names and values, as they came.
type Fields = Vec<(String, Vec<u8>)>;

/// A response.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub fields: Fields,
    pub body: Vec<u8>,
    /// Whether the body came to the end that its framing announces.
    pub is_whole: bool,
}

impl Answer {
    /// The value of a field that is there once.
    pub fn field(&self, name: &str) -> Result<Option<String>, String> {
        let mut values = self
            .fields
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next();
        if values.next().is_some() {
            return Err(format!("{name} is there twice"));
        }
        Ok(value.map(|(_, value)| String::from_utf8_lossy(value).into_owned()))
    }
}

/// Whether a method was asked for that is answered without a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Head,
    Other,
}

/// What comes from the server.
pub struct Reader<'a> {
    stream: &'a TcpStream,
    ahead: Vec<u8>,
    /// How the connection ended, once it has.
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Clean,
    /// By a reset, which may have destroyed what was under way.
    Reset,
}

impl<'a> Reader<'a> {
    pub fn new(stream: &'a TcpStream) -> Self {
        Reader {
            stream,
            ahead: Vec::new(),
            end: None,
        }
    }

    /// The next response, interim or final; `None` if the connection ends first.
    pub fn answer(&mut self, asked: Asked) -> Result<Option<Answer>, String> {
        if self.ahead.is_empty() && !self.more()? {
            return Ok(None);
        }
        let mut answer = self.head()?;
        let length = answer.field("content-length")?;
        let coding = answer.field("transfer-encoding")?;
        if length.is_some() && coding.is_some() {
            return Err("Content-Length beside Transfer-Encoding".into());
        }
        let is_bodiless = matches!(answer.status, 100..=199 | 204);
        if is_bodiless && (length.is_some() || coding.is_some()) {
            return Err(format!("a {} with a framing field", answer.status));
        }
        if is_bodiless || answer.status == 304 || asked == Asked::Head {
            answer.is_whole = true;
            return Ok(Some(answer));
        }
        match (length, coding) {
            (Some(length), _) => {
                let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
                let length = is_number.then(|| length.parse().ok()).flatten();
                let length = length.ok_or("Content-Length is no number")?;
                self.at_least(length)?;
                let there = self.ahead.len().min(length);
                answer.body = self.ahead.drain(..there).collect();
                answer.is_whole = there == length;
            }
            (None, Some(coding)) if coding == "chunked" => {
                answer.is_whole = self.chunks(&mut answer.body)?;
            }
            (None, Some(coding)) => return Err(format!("a transfer coding {coding}")),
            (None, None) => {
                while self.more()? {}
                answer.body = std::mem::take(&mut self.ahead);
                answer.is_whole = self.end == Some(End::Clean);
            }
        }
        Ok(Some(answer))
    }

    /// How the connection ends, without another byte.
    pub fn end(&mut self) -> Result<End, String> {
        if self.ahead.is_empty() && !self.more()? {
            return Ok(self.end.unwrap_or(End::Clean));
        }
        Err(format!(
            "not the end, but {}",
            super::rule::show(&self.ahead)
        ))
    }

    fn head(&mut self) -> Result<Answer, String> {
        let line = self.line()?.ok_or("cut off in a status line")?;
        // HTTP-version SP status-code SP [ reason-phrase ]
        let fault = || format!("a status line {}", line.escape_ascii());
        let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or_else(fault)?;
        let (code, behind) = rest.split_at_checked(3).ok_or_else(fault)?;
        if !code.iter().all(u8::is_ascii_digit) || code[0] == b'0' || behind.first() != Some(&b' ')
        {
            return Err(fault());
        }
        let status = code
            .iter()
            .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        let fields = self.fields()?.ok_or("cut off in a head")?;
        Ok(Answer {
            status,
            fields,
            ..Answer::default()
        })
    }

    fn fields(&mut self) -> Result<Option<Fields>, String> {
        let mut fields = Vec::new();
        loop {
            let Some(line) = self.line()? else {
                return Ok(None);
            };
            if line.is_empty() {
                return Ok(Some(fields));
            }
            let fault = || format!("a field line {}", line.escape_ascii());
            let colon = line.iter().position(|&b| b == b':').ok_or_else(fault)?;
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            let is_token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
            let is_text = |b: &u8| *b == b'\t' || (*b >= b' ' && *b != 0x7f);
            if name.is_empty() || !name.iter().all(is_token) || !value.iter().all(is_text) {
                return Err(fault());
            }
            let name = String::from_utf8_lossy(name).into_owned();
            fields.push((name, value.trim_ascii().to_vec()));
        }
    }

    /// Whether the last chunk came.
    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<bool, String> {
        loop {
            let Some(line) = self.line()? else {
                return Ok(false);
            };
            let size = line.split(|&b| b == b';').next().unwrap_or_default();
            let size = std::str::from_utf8(size).unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(|_| "no chunk size")?;
            if size == 0 {
                return Ok(self.fields()?.is_some());
            }
            self.at_least(size + 2)?;
            let there = self.ahead.len().min(size);
            body.extend(self.ahead.drain(..there));
            if self.ahead.len() < 2 {
                return Ok(false);
            }
            if self.ahead.drain(..2).collect::<Vec<_>>() != b"\r\n" {
                return Err("a chunk is not followed by CRLF".into());
            }
        }
    }

    /// A line that ends in CRLF, without it; `None` if the connection ends before.
    fn line(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|two| two == b"\r\n") {
                let line = self.ahead.drain(..end).collect();
                self.ahead.drain(..2);
                return Ok(Some(line));
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Reads until so many bytes are ahead, or the end.
    fn at_least(&mut self, count: usize) -> Result<(), String> {
        while self.ahead.len() < count && self.more()? {}
        Ok(())
    }

    /// Reads what comes next; `false` at the end.
    fn more(&mut self) -> Result<bool, String> {
        if self.end.is_some() {
            return Ok(false);
        }
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => self.end = Some(End::Clean),
            Ok(count) => self.ahead.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                self.end = Some(End::Reset);
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(format!(
                    "nothing came after {}",
                    super::rule::show(&self.ahead)
                ));
            }
            Err(error) => return Err(error.to_string()),
        }
        Ok(self.end.is_none())
    }
}
