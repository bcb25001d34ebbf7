//! Damaged messages, many of them: whatever comes, the parser answers the same however the bytes
//! are cut, names a reason, and never takes what `httparse` refuses.

use eventlet_protocols::wire::{HeadParser, Limits, Parsed, Refusal};

use crate::scenario::read_pieces;

const SAMPLES: &[&[u8]] = &[
    b"GET /a?b=1 HTTP/1.1\r\nHost: a.example\r\nX-One: two\r\nConnection: close\r\n\r\n",
    b"\r\nOPTIONS * HTTP/1.0\r\nA:b\r\nC: \r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n",
    b"PUT http://b:1/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
    b"CONNECT a:443 HTTP/1.9\r\nHost: a:443\r\n\r\n",
];

/// What is put in: the bytes that mean something somewhere.
const BYTES: &[u8] = b"\r\n\t :;,=/?#%*\x00\x7f\x80\xffaG019HTP-+[]";

/// A small generator (xorshift64*), so that a failure can be run again by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        high as usize % below
    }
}

fn damaged(random: &mut Random) -> Vec<u8> {
    let mut input = SAMPLES[random.next(SAMPLES.len())].to_vec();
    for _ in 0..=random.next(3) {
        let at = random.next(input.len());
        let byte = BYTES[random.next(BYTES.len())];
        match random.next(4) {
            0 => input[at] = byte,
            1 => input.insert(at, byte),
            2 if input.len() > 1 => drop(input.remove(at)),
            _ => {
                let other = random.next(input.len());
                input.swap(at, other);
            }
        }
    }
    // So that each head has an end, at which every fault must have been found.
    input.extend_from_slice(b"\r\n\r\n\r\n\r\n");
    input
}

#[test]
fn damaged_messages_get_the_same_answer_however_they_are_cut() {
    const MESSAGES: u64 = 20_000;
    let small = Limits {
        method: 8,
        uri: 20,
        head: 120,
        fields: 3,
        field: 30,
        empty_lines: 1,
        body: Some(5),
        chunk_extension: 6,
        chunk_overhead: 8,
        trailers: 10,
        trailer_fields: 2,
        ..Limits::default()
    };
    let mut refused = 0;
    for seed in 1..=MESSAGES {
        let mut random = Random(seed);
        let input = damaged(&mut random);
        let limits = if seed % 2 == 0 {
            &small
        } else {
            &Limits::default()
        };
        let whole = read_pieces(&[&input], limits);
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        let single = read_pieces(&bytes, limits);
        let (front, back) = input.split_at(random.next(input.len()));
        let halves = read_pieces(&[front, back], limits);
        let text = String::from_utf8_lossy(&input);
        let expected = format!("{whole:?}");
        assert_eq!(
            format!("{single:?}"),
            expected,
            "seed {seed}, byte by byte: {text:?}"
        );
        assert_eq!(
            format!("{halves:?}"),
            expected,
            "seed {seed}, in halves: {text:?}"
        );
        assert!(
            !matches!(whole, Err(Refusal::HeadInvalid)),
            "seed {seed}: {text:?}"
        );
        refused += u64::from(whole.is_err());
    }
    assert!(
        refused > MESSAGES / 3 && refused < MESSAGES,
        "{refused} refused"
    );
}

#[test]
fn what_is_accepted_is_what_httparse_reads() {
    let limits = Limits::default();
    for seed in 1..20_000 {
        let input = damaged(&mut Random(seed));
        let Ok(Parsed::Complete { consumed, head }) = HeadParser::new().parse(&input, &limits)
        else {
            continue;
        };
        if !head.line.ends_with(b"/1.1") && !head.line.ends_with(b"/1.0") {
            continue; // a higher minor version, which httparse does not know
        }
        let mut slots = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut slots);
        let length = request.parse(&input).expect("seed").unwrap();
        assert_eq!(consumed, length, "seed {seed}");
        assert_eq!(request.method, Some(head.method.as_str()), "seed {seed}");
        for field in request.headers {
            let mut values = head.headers.get_all(field.name).iter();
            let is_there = values.any(|value| value.as_bytes() == field.value);
            let is_overridden = field.name.eq_ignore_ascii_case("host");
            assert!(is_there || is_overridden, "seed {seed}: {}", field.name);
        }
    }
}
