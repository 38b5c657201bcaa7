//! The same rounds over a store in Redis: what lies there, and what crosses to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_lab::Redis;
use thalweg_lab::process::Site;

use crate::cluster::{Load, snapshot};
use crate::rounds::{Count, open, round, settings};
use crate::size::Size;
use crate::{Figures, counted};

/// What was not heard of for so long is not under way any more: writes follow each other at once.
const QUIET: Duration = Duration::from_millis(300);
/// How long writes may take until all of them are there.
const PATIENCE: Duration = Duration::from_secs(300);
/// The store compares itself with Redis every 15 s.
const COMPARES_EACH: Duration = Duration::from_secs(15);

/// What a server has counted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Counted {
    /// Commands, those of scripts among them, without what was asked here.
    calls: f64,
    /// Bytes that came, and that went.
    bytes: f64,
    /// Bytes of what it keeps.
    kept: f64,
}

/// Whoever asks a server how it does.
struct Asker {
    stream: BufReader<TcpStream>,
    /// What it has asked, which the server counts too.
    asked: f64,
    crossed: f64,
}

impl Asker {
    fn of(redis: &Redis) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", redis.port()))?;
        Ok(Self { stream: BufReader::new(stream), asked: 0.0, crossed: 0.0 })
    }

    fn ask(&mut self) -> Result<Counted> {
        const QUESTION: &[u8] = b"INFO everything\r\n";
        self.stream.get_mut().write_all(QUESTION)?;
        let mut head = String::new();
        self.stream.read_line(&mut head)?;
        let length: usize =
            head.trim_end().trim_start_matches('$').parse().with_context(|| head.clone())?;
        let mut text = vec![0; length + 2];
        self.stream.read_exact(&mut text)?;
        let text = String::from_utf8(text)?;
        let number = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            let line = line.with_context(|| format!("Redis tells no {key}"))?;
            line.parse::<f64>().with_context(|| line.to_owned())
        };
        // A script counts once in all commands, and what it calls in those of each kind.
        let of_kind = |line: &str| {
            let (_, counts) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            counts.split(',').next()?.parse::<f64>().ok()
        };
        let calls: f64 = text.lines().filter_map(of_kind).sum();
        let bytes = number("total_net_input_bytes")? + number("total_net_output_bytes")?;
        // It has counted this question as it answers, but neither its call nor the answer yet.
        self.crossed += QUESTION.len() as f64;
        let counted = Counted {
            calls: calls - self.asked,
            bytes: bytes - self.crossed,
            kept: number("used_memory_dataset")?,
        };
        self.asked += 1.0;
        self.crossed += (head.len() + length + 2) as f64;
        Ok(counted)
    }

    /// Waits until nothing is written any more.
    fn settled(&mut self) -> Result<(Counted, Instant)> {
        let end = Instant::now() + PATIENCE;
        let mut last = (self.ask()?, Instant::now());
        while last.1.elapsed() < QUIET {
            ensure!(Instant::now() < end, "Redis is written to for ever");
            std::thread::sleep(Duration::from_millis(10));
            let now = self.ask()?;
            if now.calls != last.0.calls {
                last = (now, Instant::now());
            }
        }
        Ok(last)
    }
}

/// Measures rounds over a Redis of their own; with `idle` also what its comparisons ask of it.
///
/// # Errors
/// When there is no Redis, or the engine fails.
pub fn measure(size: Size, count: Count, folder: &Path, idle: bool) -> Result<Figures> {
    let site = Site::loopback(&folder.join("lab"))?;
    let redis = Redis::start(&site, &[])?;
    let mut asker = Asker::of(&redis)?;
    let empty = asker.settled()?.0;
    let mut settings = settings(&folder.join("engine"));
    std::fs::create_dir(folder.join("engine"))?;
    settings.insert("thalweg.store.kind".to_owned(), json!("redis"));
    settings.insert("thalweg.store.redis.url".to_owned(), json!(redis.url()));
    let engine = open(&settings)?;
    let begun = asker.settled()?.0;
    let mut figures = Figures::new();
    let mut put = |name: &str, value: f64| figures.insert(name.to_owned(), counted(value));
    let since = Instant::now();
    round(&engine, &snapshot(size, Load::Calm, 1)?, 1)?;
    let called = since.elapsed();
    let (first, written) = asker.settled()?;
    put("redis_first_calls", first.calls - begun.calls);
    put("redis_first_bytes", first.bytes - begun.bytes);
    put("redis_first_s", written.saturating_duration_since(since).max(called).as_secs_f64());
    let mut steady = 0.0;
    let since = Instant::now();
    for look in 2..=count.warm + count.measured {
        round(&engine, &snapshot(size, Load::Calm, look)?, look)?;
        steady += 1.0;
    }
    let (after, _) = asker.settled()?;
    // Comparisons go on by the clock while rounds are made faster than it.
    let compared = since.elapsed().as_secs_f64() / COMPARES_EACH.as_secs_f64();
    put("redis_round_calls", (after.calls - first.calls) / steady);
    put("redis_round_bytes", (after.bytes - first.bytes) / steady);
    put("redis_compared", compared);
    put("redis_kept_bytes", after.kept - empty.kept);
    if idle {
        std::thread::sleep(COMPARES_EACH + QUIET);
        let (idle, _) = asker.settled()?;
        put("redis_idle_calls_a_second", (idle.calls - after.calls) / COMPARES_EACH.as_secs_f64());
        put("redis_idle_bytes_a_second", (idle.bytes - after.bytes) / COMPARES_EACH.as_secs_f64());
    }
    let status = engine.command(r#"{"op": "status"}"#, crate::cluster::at(1))?;
    ensure!(status.contains(r#""kind":"redis""#), "the engine does without Redis");
    Ok(figures)
}
