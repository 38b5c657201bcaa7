//! `serve` under many dashboards: each holds a stream of events, and asks on two more connections what its page shows.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thalweg_policies::stats::summary;
use thalweg_serve::{Engine as Shown, Role, Settings, Socket, add_token, start};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::clients::Client;
use crate::cluster::{Load, snapshot};
use crate::size::Size;
use crate::{Figures, counted, rounds};

/// What is shown.
pub const SHOWN: Size = Size { nodes: 100, topologies: 100, executors: 3_600 };
/// What the overview asks for at once.
const PAGE: [&str; 2] = ["/v1/topologies?limit=50", "/v1/engines"];
/// How long a dashboard waits until it counts as not served.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks of the server, as it has it by itself, and of the engine.
const LOOK: Duration = Duration::from_secs(5);
/// How long the server may take to begin.
const BEGINNING: Duration = Duration::from_secs(60);

/// How dashboards ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// When the server tells of a change, as the page does.
    Told,
    /// Again as soon as they are answered.
    AtOnce,
}

/// Serves an engine that looks at a cluster until the input ends; the address and a token are its first line.
///
/// # Errors
/// When there is no server to be had.
pub fn serve() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let engine = rounds::open(&rounds::settings(folder.path()))?;
    let stop = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&stop);
    let play = std::thread::spawn(move || -> Result<()> {
        for look in 1.. {
            let bytes = snapshot(SHOWN, Load::Short, look)?;
            rounds::round(&engine, &bytes, look)?;
            let begun = Instant::now();
            while begun.elapsed() < LOOK {
                if stops.load(Ordering::Relaxed) {
                    return Ok(());
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    });
    let tokens = folder.path().join("tokens.json");
    let token = add_token(&tokens, "ann", &[Role::Reader])?;
    let settings = Settings {
        listen: "127.0.0.1:0".parse()?,
        tokens: Some(tokens),
        tls: None,
        pause: LOOK,
        patience: Settings::PATIENCE,
    };
    let engines: Vec<(String, Arc<dyn Shown>)> =
        vec![("storm".to_owned(), Arc::new(Socket::at(folder.path())))];
    let runtime = Runtime::new()?;
    let served = runtime.block_on(start(&settings, engines))?;
    println!("{}", json!({ "address": served.address(), "token": token }));
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    stop.store(true, Ordering::Relaxed);
    served.stop();
    play.join().map_err(|_| anyhow::anyhow!("the engine's thread panicked"))?
}

/// The server as a process of its own; dropped, it ends.
struct Server {
    child: Child,
    input: Option<ChildStdin>,
    address: SocketAddr,
    token: String,
}

impl Server {
    fn start(program: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut line = String::new();
        BufReader::new(output.context("it has an output")?).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
        let text = |key: &str| told[key].as_str().map(str::to_owned).context("an incomplete line");
        Ok(Self { child, input, address: text("address")?.parse()?, token: text("token")? })
    }

    /// The most memory that it had, in bytes, and the seconds of processor time that it took.
    fn taken(&self) -> Result<(f64, f64)> {
        let of = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()));
        let status = of("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: f64 =
            line.and_then(|line| line.split_whitespace().next()).context("no VmHWM")?.parse()?;
        let stat = of("stat")?;
        let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
        let ticks: Vec<f64> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse().ok())
            .collect();
        // Linux tells it in hundredths of a second to programs, whatever it counts in itself.
        Ok((kib * 1024.0, ticks.iter().sum::<f64>() / 100.0))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// What a dashboard came to see.
#[derive(Debug, Default)]
struct Saw {
    /// Seconds until each answer was there.
    took: Vec<f64>,
    /// Answers that were refusals.
    refused: u32,
    /// Questions that were not answered in time.
    silent: u32,
    /// Whether the server told it of changes.
    told: bool,
}

/// Measures so many dashboards for so long over a server that this program starts.
///
/// # Errors
/// When there is no server to be had.
pub fn measure(
    program: &Path,
    dashboards: u32,
    manner: Manner,
    lasts: Duration,
) -> Result<Figures> {
    let server = Server::start(program)?;
    let runtime = Runtime::new()?;
    let saw = runtime.block_on(async {
        ready(&server).await?;
        let before = server.taken()?.1;
        let begun = Instant::now();
        let mut all = JoinSet::new();
        for _ in 0..dashboards {
            let client = || Client::of(server.address, &server.token, PATIENCE);
            all.spawn(dashboard(
                client(),
                PAGE.map(|path| (path, client())),
                manner,
                begun + lasts,
            ));
        }
        let mut saw = Vec::new();
        while let Some(one) = all.join_next().await {
            saw.push(one?);
        }
        let secs = begun.elapsed().as_secs_f64();
        anyhow::Ok((saw, secs, server.taken()?.1 - before))
    })?;
    let (saw, secs, processor) = saw;
    let took: Vec<f64> = saw.iter().flat_map(|one| one.took.iter().copied()).collect();
    let mut sorted = took.clone();
    sorted.sort_by(f64::total_cmp);
    let mut figures = Figures::new();
    let mut put = |name: &str, value: f64| figures.insert(name.to_owned(), counted(value));
    put("answers_a_second", took.len() as f64 / secs);
    put("refused", saw.iter().map(|one| f64::from(one.refused)).sum());
    put("silent", saw.iter().map(|one| f64::from(one.silent)).sum());
    put("unserved", saw.iter().filter(|one| one.took.is_empty()).count() as f64);
    put("untold", saw.iter().filter(|one| !one.told).count() as f64);
    put("server_bytes", server.taken()?.0);
    put("server_cores", processor / secs);
    if let Some(all) = summary(&took) {
        put("answer_p50_s", all.median);
        let place = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
        put("answer_p99_s", place(0.99));
    }
    Ok(figures)
}

/// Waits until the server shows all topologies.
async fn ready(server: &Server) -> Result<()> {
    let mut client = Client::of(server.address, &server.token, PATIENCE);
    let begun = Instant::now();
    loop {
        let page = client.get("/v1/topologies?limit=1").await?;
        let page: Value = serde_json::from_slice(&page.body).unwrap_or_default();
        if page["total"] == SHOWN.topologies {
            return Ok(());
        }
        ensure!(begun.elapsed() < BEGINNING, "the server does not see all topologies: {page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One dashboard until `end`: a stream of events, and two connections for what its page asks at once, as a browser has them.
async fn dashboard(
    stream: Client,
    mut page: [(&'static str, Client); 2],
    manner: Manner,
    end: Instant,
) -> Saw {
    let mut saw = Saw::default();
    let events = stream.listen().await;
    saw.told = events.is_ok();
    let mut events = events.ok();
    loop {
        let [(one, first), (other, second)] = &mut page;
        let (first, second) = tokio::join!(first.get(one), second.get(other));
        for answer in [first, second] {
            match answer {
                Ok(answer) if answer.status < 400 => saw.took.push(answer.took.as_secs_f64()),
                Ok(_) => saw.refused += 1,
                Err(_) => saw.silent += 1,
            }
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return saw;
        }
        if manner == Manner::AtOnce {
            continue;
        }
        let told = match &mut events {
            Some(events) => tokio::time::timeout(left, events.next()).await,
            // Who is told nothing shows what it has.
            None => {
                tokio::time::sleep(left).await;
                return saw;
            }
        };
        match told {
            Ok(Ok(())) => {}
            Ok(Err(_)) => events = None,
            Err(_) => return saw,
        }
    }
}
