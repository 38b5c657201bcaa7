//! Redis itself means harm: it answers drop by drop, or without end. It is left, and nobody waits for it or has its answer in
//! memory.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use thalweg_store::{BackedStore, EmbeddedStore, Mailbox, Pace, RedisStore};
use thalweg_store::{Store, StoreError, StoreKind, StoreSettings};

/// How long a test waits for what takes a second or so.
const LIMIT: Duration = Duration::from_secs(60);

/// Says that a text of two gigabytes follows.
const LONG_TEXT: &[u8] = b"$2000000000\r\n";

/// A server that begins an answer to whoever asks, and never ends it.
struct Endless {
    url: String,
    /// Bytes that it got rid of.
    sent: Arc<AtomicUsize>,
}

impl Endless {
    /// Its answer begins so, and then it sends so many bytes at once, and waits for so long between.
    fn start(head: &'static [u8], bytes: usize, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, counted) = (stream.unwrap(), Arc::clone(&counted));
                std::thread::spawn(move || {
                    let part = vec![b'x'; bytes];
                    let mut asked = [0; 4096];
                    // Ends with whoever asked.
                    let begun = stream.read(&mut asked).is_ok_and(|length| length > 0)
                        && stream.write_all(head).is_ok();
                    while begun && stream.write_all(&part).is_ok() {
                        counted.fetch_add(bytes, Ordering::Relaxed);
                        std::thread::sleep(pause);
                    }
                });
            }
        });
        Self { url, sent }
    }

    fn drops() -> Self {
        Self::start(LONG_TEXT, 1, Duration::from_millis(20))
    }

    fn settings(&self, timeout: u64) -> StoreSettings {
        StoreSettings {
            kind: StoreKind::Redis,
            url: self.url.clone(),
            timeout: Duration::from_millis(timeout),
            ..StoreSettings::default()
        }
    }
}

/// What is said of such a server, in time.
fn left<T>(ask: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> StoreError
where
    T: Send + 'static,
{
    let (say, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || say.send(ask().err()));
    said.recv_timeout(LIMIT).expect("somebody still waits").expect("that was no answer")
}

#[test]
fn an_answer_that_comes_drop_by_drop_is_not_waited_for() {
    let server = Endless::drops();
    let settings = server.settings(100);
    let store = RedisStore::new(&settings).unwrap();
    assert_eq!(left(move || store.tables()).code(), "STORE_UNREACHABLE");
    let mailbox = Mailbox::new(&settings).unwrap();
    assert_eq!(left(move || mailbox.post(b"{}")).code(), "STORE_UNREACHABLE");
}

#[test]
fn an_answer_without_end_is_not_taken_into_memory() {
    let server = Endless::start(LONG_TEXT, 1 << 20, Duration::ZERO);
    let store = RedisStore::new(&server.settings(30_000)).unwrap();
    assert_eq!(left(move || store.tables()).code(), "STORE_UNREACHABLE");
    let taken = server.sent.load(Ordering::Relaxed);
    assert!(taken < 256 << 20, "{taken} bytes");
}

/// The most memory that this process had reserved so far, in KiB.
fn reserved() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn no_memory_is_reserved_for_what_is_only_announced() {
    for head in [LONG_TEXT, b"*2000000000\r\n", b"%900000000\r\n", b"~2000000000\r\n"] {
        let server = Endless::start(head, 1, Duration::from_millis(20));
        let store = RedisStore::new(&server.settings(50)).unwrap();
        left(move || store.tables());
        assert!(reserved() < 8 << 20, "{} KiB for {:?}", reserved(), String::from_utf8_lossy(head));
    }
}

#[test]
fn a_store_with_a_journal_goes_on_and_is_closed() {
    let server = Endless::drops();
    let folder = tempfile::tempdir().unwrap();
    let primary = Arc::new(RedisStore::new(&server.settings(100)).unwrap());
    let journal = EmbeddedStore::open(folder.path()).unwrap();
    let store = BackedStore::new(primary, journal, Pace::default()).unwrap();
    assert_eq!(store.tables(), Ok(Vec::new()));
    let begun = Instant::now();
    let (say, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(store);
        say.send(())
    });
    said.recv_timeout(LIMIT).expect("closing it takes no end");
    assert!(begun.elapsed() < LIMIT);
}
