//! The streams of a child: pipes, nothing, descriptors of one's own, one for two; early ends; much.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;

use eventlet_green::testing::in_children;
use eventlet_green::{spawn, stats};
use eventlet_protocols::process::Stdio;

use crate::support::{Way, each_way};

#[test]
fn two_streams_are_apart_or_merged_in_order() {
    each_way(|way| {
        let script = "echo 1; echo 2 >&2; echo 3; echo 4 >&2";
        let output = way.sh(script).output().unwrap();
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (&b"1\n3\n"[..], &b"2\n4\n"[..])
        );
        let output = way.sh(script).stderr(Stdio::merged()).output().unwrap();
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (&b"1\n2\n3\n4\n"[..], &b""[..])
        );
        let mut nowhere = way.sh(script);
        let output = nowhere
            .stdout(Stdio::null())
            .stderr(Stdio::merged())
            .output();
        let output = output.unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0));
    });
}

#[test]
fn a_descriptor_of_ones_own() {
    each_way(|way| {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = way.sh("cat; echo err >&2");
        command
            .stdin(File::open("/proc/self/comm").unwrap())
            .stdout(writer)
            .stderr(Stdio::merged());
        assert!(command.status().unwrap().success());
        // Until then the command holds the other end.
        drop(command);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("\nerr\n"), "{text}");
    });
}

#[test]
fn a_child_that_closes_its_output_early_lives_on() {
    each_way(|way| {
        let mut command = way.sh("echo first; exec >&-; read line; exit 5");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut text = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "first\n");
        assert!(child.try_wait().unwrap().is_none());
        child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(5));
    });
}

#[test]
fn a_child_that_is_gone_takes_no_input() {
    each_way(|way| {
        let mut child = way.program("true").stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        child.wait().unwrap();
        let error = input.write_all(b"hello").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        // And one whose output nobody wants is told by a signal, as in a shell.
        let mut child = way.program("yes").stdout(Stdio::piped()).spawn().unwrap();
        child.stdout = None;
        assert_eq!(child.wait().unwrap().signal(), Some(13));
    });
}

#[test]
fn a_closed_pipe_wakes_its_reader() {
    each_way(|way| {
        let mut child = way
            .program("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let mut theirs = output.clone();
        let reader = spawn(move || theirs.read(&mut [0]));
        eventlet_green::testing::until_parked(&reader);
        output.close().unwrap();
        let error = reader.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        drop(output);
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn line_by_line_with_a_co_process() {
    each_way(|way| {
        let mut command = way.sh("while read word; do echo \"<$word>\"; done");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        for number in 0..300 {
            writeln!(input, "{number}").unwrap();
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            assert_eq!(line, format!("<{number}>\n"));
        }
        drop(input);
        assert!(child.wait().unwrap().success());
    });
}

/// What the process has in memory, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let words = line.expect("Linux says so").split_whitespace().nth(1);
    words.unwrap().parse().unwrap()
}

#[test]
fn a_gigabyte_through_cat_in_flat_memory() {
    const MUCH: u64 = 1 << 30;
    /// A few buffers, and the stacks of two coroutines.
    const LITTLE: u64 = 4 * 1024;
    in_children("streams::a_gigabyte_through_cat_in_flat_memory", || {
        let mut child = Way::USUAL
            .program("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = child.stdout.take().unwrap();
        let before = resident();
        let writer = spawn(move || {
            let piece = vec![b'x'; 1 << 16];
            for _ in 0..MUCH / piece.len() as u64 {
                input.write_all(&piece).unwrap();
            }
        });
        let mut piece = vec![0; 1 << 16];
        let mut total = 0;
        loop {
            let count = output.read(&mut piece).unwrap();
            if count == 0 {
                break;
            }
            total += count as u64;
        }
        writer.join().unwrap();
        assert_eq!(total, MUCH);
        let grown = resident() - before;
        assert!(grown < LITTLE, "{grown} KiB more");
        assert!(child.wait().unwrap().success());
        drop(output);
        assert_eq!(stats().descriptors, 0);
    });
}
