//! Files on their way: of every length around the buffer's, in flat memory, from a slow disk, to
//! clients that leave; and files that change meanwhile.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use eventlet_green::{OffloadPool, now, spawn};
use eventlet_protocols::gateway::Files;
use eventlet_protocols::gateway::files::PIECE;
use eventlet_protocols::server::{Config, IntoResponse, RequestBody};
use http::Request;

use crate::support::{Folder, Running, on_each_hub, on_each_hub_jumping, until};

#[test]
fn of_every_length_around_a_piece() {
    on_each_hub(|| {
        let folder = Folder::new();
        let server = Running::new(Files::beneath(folder.path()).unwrap());
        let content: Vec<u8> = (0..2 * PIECE + 1).map(|n| (n % 251) as u8).collect();
        let mut client = server.connect();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 1] {
            folder.write("file", &content[..length]);
            let reply = client.ask("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(reply.field("content-length"), Some(&*length.to_string()));
            assert!(reply.body == content[..length], "{length}");
        }
        drop(client);
        server.end();
    });
}

/// Of 64 MiB, sparse so that it costs no disk, a request allocates not much more than its buffers.
#[test]
fn a_large_file_takes_flat_memory() {
    const LENGTH: u64 = 64 * 1024 * 1024;
    on_each_hub(|| {
        let folder = Folder::new();
        let file = File::create(folder.path().join("large")).unwrap();
        file.set_len(LENGTH).unwrap();
        let server = Running::new(Files::beneath(folder.path()).unwrap());
        let mut client = server.connect();
        let mut piece = vec![0; PIECE];
        // Of this thread: the piece that is read goes back and forth, and the sockets take it.
        let info = allocation_counter::measure(|| {
            client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
            let head = client.head();
            assert_eq!(head.field("content-length"), Some(&*LENGTH.to_string()));
            let mut left = LENGTH;
            while left > PIECE as u64 {
                left -= client.stream.read(&mut piece).unwrap() as u64;
            }
        });
        let most = 16 * PIECE as u64;
        assert!(info.bytes_max < most, "{info:?}");
        drop(client);
        server.end();
    });
}

/// A disk that hangs holds up who asked it, and nobody else.
#[test]
fn a_slow_disk_holds_up_nobody_else() {
    on_each_hub(|| {
        let folder = Folder::new();
        folder.write("file", "slow");
        let pool = OffloadPool::builder().threads(1).build();
        let (release, held) = mpsc::channel::<()>();
        let hanging = pool.clone();
        let disk = spawn(move || hanging.offload(move || held.recv()));
        until(|| pool.stats().taken == 1);

        let files = Files::beneath(folder.path()).unwrap().pool(pool);
        let server =
            Running::new(
                move |request: Request<RequestBody>| match request.uri().path() {
                    "/fast" => "fast".into_response(),
                    path => files.respond(path, &request),
                },
            );
        let mut slow = server.connect();
        slow.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
        until(|| server.handle.status().busy == 1);
        for _ in 0..3 {
            assert_eq!(server.get("/fast").text(), "fast");
        }
        // One that gives up waiting is no burden.
        let mut leaving = server.connect();
        leaving.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
        drop(leaving);

        release.send(()).unwrap();
        let mut reply = slow.head();
        slow.body(&mut reply);
        assert_eq!(reply.text(), "slow");
        disk.join().unwrap().unwrap().unwrap();
        drop(slow);
        server.end();
    });
}

/// Who waits for a disk can be given up, and what the disk then says is nobody's.
#[test]
fn a_deadline_ends_waiting_for_the_disk() {
    on_each_hub_jumping(|_| {
        let folder = Folder::new();
        folder.write("file", "slow");
        let pool = OffloadPool::builder().threads(1).build();
        let (release, held) = mpsc::channel::<()>();
        let hanging = pool.clone();
        let disk = spawn(move || hanging.offload(move || held.recv()));
        until(|| pool.stats().taken == 1);

        let mut config = Config::new();
        config.exchange = Some(Duration::from_secs(5));
        let files = Files::beneath(folder.path()).unwrap().pool(pool);
        let server = Running::with(config, files);
        let start = now();
        assert_eq!(server.get("/file").status, 503);
        assert_eq!(now() - start, Duration::from_secs(5));
        release.send(()).unwrap();
        disk.join().unwrap().unwrap().unwrap();
        server.end();
    });
}

/// A pool that takes no more work is the server's trouble, not its end.
#[test]
fn a_closed_pool_is_500() {
    on_each_hub(|| {
        let folder = Folder::new();
        folder.write("file", "x");
        let pool = OffloadPool::builder().threads(1).build();
        let files = Files::beneath(folder.path()).unwrap().pool(pool.clone());
        pool.close();
        let server = Running::new(files);
        assert_eq!(server.get("/file").status, 500);
        server.end();
    });
}

/// Its length has been announced: the client must see that something is missing.
#[test]
fn a_file_that_shrinks_while_it_is_sent_cuts_the_connection() {
    const LENGTH: u64 = 16 * 1024 * 1024;
    on_each_hub(|| {
        let folder = Folder::new();
        let path = folder.path().join("large");
        let file = File::create(&path).unwrap();
        file.set_len(LENGTH).unwrap();
        let server = Running::new(Files::beneath(folder.path()).unwrap());
        let mut client = server.connect();
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut reply = client.head();
        // Far more than sockets hold is yet to be read of it.
        file.set_len(1).unwrap();
        client.body(&mut reply);
        assert!(!reply.is_whole && (reply.body.len() as u64) < LENGTH);
        drop(client);
        // As short as it is now, it can be had.
        assert_eq!(server.get("/large").body.len(), 1);
        server.end();
    });
}

#[test]
fn a_file_that_grows_or_is_replaced_is_sent_as_it_was_opened() {
    const LENGTH: usize = 8 * 1024 * 1024;
    on_each_hub(|| {
        let folder = Folder::new();
        let path = folder.write("large", vec![b'a'; LENGTH]);
        let server = Running::new(Files::beneath(folder.path()).unwrap());
        let mut client = server.connect();
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut reply = client.head();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(&[b'b'; PIECE]).unwrap();
        fs::remove_file(&path).unwrap();
        folder.write("large", "new");
        client.body(&mut reply);
        assert!(reply.is_whole && reply.body == vec![b'a'; LENGTH]);
        assert_eq!(server.get("/large").text(), "new");
        drop(client);
        server.end();
    });
}

/// Whoever leaves in the middle leaves nothing behind: the harness looks for open descriptors where
/// a test is alone, and here the server counts.
#[test]
fn clients_that_leave_in_the_middle() {
    on_each_hub(|| {
        let folder = Folder::new();
        let file = File::create(folder.path().join("large")).unwrap();
        file.set_len(64 * 1024 * 1024).unwrap();
        let server = Running::new(Files::beneath(folder.path()).unwrap());
        for _ in 0..10 {
            let mut client = server.connect();
            client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
            client.head();
            drop(client);
        }
        until(|| server.handle.status().open == 0);
        let opened = fs::read_dir("/proc/self/fd").into_iter().flatten();
        let opened = opened.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let ours = opened.filter(|path| path.starts_with(folder.path()) && path.ends_with("large"));
        // The one that this test holds.
        assert!(ours.count() <= 1);
        drop(file);
        server.end();
    });
}
