//! Flink from beside: a JobManager's REST interface with many jobs, as far as looks ask for it, and looks at it over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use thalweg_connect::flink::{Cluster, Reader, Rest};
use thalweg_connect::http::{Access, Address};
use thalweg_policies::stats::summary;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::cluster::at;
use crate::{Figures, counted, memory};

/// Vertices of a job, in a line.
pub const VERTICES: u32 = 5;
/// Subtasks of each.
pub const SUBTASKS: u32 = 4;
/// Slots of a TaskManager.
const SLOTS: u32 = 4;
/// Looks until names are known and windows are full, and those that are measured: names are read every ten looks.
const LOOKS: (u32, u32) = (2, 10);

/// What a JobManager with so many jobs answers.
struct JobManager {
    jobs: u32,
    asked: AtomicU64,
    bytes: AtomicU64,
    /// Grows with each look, so that counters do.
    look: AtomicU64,
}

impl JobManager {
    /// A subtask of each vertex to each slot of its job.
    fn taskmanagers(&self) -> u32 {
        (self.jobs * SUBTASKS).div_ceil(SLOTS)
    }

    fn answer(&self, path: &str, query: &str) -> Option<Value> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        Some(match parts[..] {
            ["config"] => json!({ "flink-version": "2.3.0" }),
            ["jobmanager", "config"] => {
                json!([{ "key": "jobmanager.scheduler", "value": "adaptive" }])
            }
            ["jobmanager", "metrics"] => json!([]),
            ["jobs"] => {
                let job = |job| json!({ "id": id(job), "status": "RUNNING" });
                json!({ "jobs": (0..self.jobs).map(job).collect::<Vec<_>>() })
            }
            ["jobs", job] => outline(job),
            ["jobs", _, "checkpoints", "config"] => json!({ "interval": 60_000 }),
            ["jobs", _, "checkpoints"] => json!({ "history": [], "latest": { "completed":
                { "id": 1, "end_to_end_duration": 900, "checkpointed_size": 1 << 20 } } }),
            ["jobs", _, "checkpoints", "details", _, "subtasks", _] => {
                json!({ "subtasks": vec![json!({ "state_size": 1 << 16 }); SUBTASKS as usize] })
            }
            ["jobs", _, "resource-requirements"] => {
                let bounds = json!({ "parallelism": { "lowerBound": 1, "upperBound": SUBTASKS } });
                (0..VERTICES)
                    .map(|vertex| (name(vertex), bounds.clone()))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }
            ["jobs", job, "vertices", vertex] => self.subtasks(job, vertex),
            ["jobs", _, "vertices", vertex, "subtasks", "metrics"] => metrics(vertex, query),
            ["jobs", _, "vertices", _, "metrics"] => self.of_subtasks(query),
            ["taskmanagers"] => {
                let one = |number| {
                    json!({ "id": format!("tm-{number}"), "slotsNumber": SLOTS, "freeSlots": 0,
                    "path": format!("pekko.tcp://flink@10.0.{}.{}:6122/user", number / 250, number % 250),
                    "totalResource": { "cpuCores": 4.0 }, "hardware": { "physicalMemory": 8_u64 << 30 } })
                };
                json!({ "taskmanagers": (0..self.taskmanagers()).map(one).collect::<Vec<_>>() })
            }
            ["taskmanagers", _, "metrics"] => json!([{ "id": "gc", "value": "120" }]),
            _ => return None,
        })
    }

    /// Milliseconds since all of it began.
    fn millis(&self) -> u64 {
        (self.look.load(Ordering::Relaxed) + 1) * 10_000
    }

    fn subtasks(&self, job: &str, vertex: &str) -> Value {
        let (millis, source) = (self.millis(), vertex == name(0));
        let job: u32 = u32::from_str_radix(job, 16).unwrap_or_default();
        let subtask = |index: u32| {
            let records = millis / 10;
            json!({ "subtask": index, "attempt": 0, "status": "RUNNING", "duration": millis,
                "taskmanager-id": format!("tm-{}", (job * SUBTASKS + index) / SLOTS), "metrics": {
                    "read-records-complete": true, "write-records-complete": true,
                    "read-records": if source { 0 } else { records }, "write-records": records,
                    "accumulated-busy-time": millis / 5, "accumulated-backpressured-time": 0,
                    "accumulated-idle-time": millis * 4 / 5 } })
        };
        json!({ "id": vertex, "subtasks": (0..SUBTASKS).map(subtask).collect::<Vec<_>>() })
    }

    /// One metric of each subtask.
    fn of_subtasks(&self, query: &str) -> Value {
        let asked = query.strip_prefix("get=").unwrap_or_default();
        let value = (self.millis() / 10).to_string();
        let metrics = asked.split(',').filter(|id| !id.is_empty());
        metrics.map(|id| json!({ "id": id, "value": value })).collect::<Vec<_>>().into()
    }
}

/// Names of a vertex's metrics, or the sums that are asked for.
fn metrics(vertex: &str, query: &str) -> Value {
    const KNOWN: [&str; 3] = [
        "Source__lines.numRecordsIn",
        "Source__lines.numRecordsOut",
        "Source__lines.pendingRecords",
    ];
    match query.split_once("get=") {
        Some((_, asked)) => {
            asked.split(',').map(|id| json!({ "id": id, "sum": 7.0 })).collect::<Vec<_>>().into()
        }
        None if vertex == name(0) => KNOWN.map(|id| json!({ "id": id })).to_vec().into(),
        None => json!([{ "id": "numRecordsIn" }]),
    }
}

fn outline(job: &str) -> Value {
    let vertex = |vertex: u32| {
        let shown = if vertex == 0 { "Source: lines".to_owned() } else { format!("step {vertex}") };
        json!({ "id": name(vertex), "name": shown, "maxParallelism": 128, "slotSharingGroupId": "g" })
    };
    let node = |vertex: u32| match vertex {
        0 => json!({ "id": name(vertex) }),
        _ => {
            json!({ "id": name(vertex), "inputs": [{ "id": name(vertex - 1), "ship_strategy": "HASH" }] })
        }
    };
    json!({ "jid": job, "name": format!("job {job}"), "state": "RUNNING", "job-type": "STREAMING",
        "vertices": (0..VERTICES).map(vertex).collect::<Vec<_>>(),
        "plan": { "nodes": (0..VERTICES).map(node).collect::<Vec<_>>() } })
}

fn id(job: u32) -> String {
    format!("{job:032x}")
}

fn name(vertex: u32) -> String {
    format!("{vertex:032x}")
}

async fn asked(State(of): State<Arc<JobManager>>, uri: Uri) -> Response {
    of.asked.fetch_add(1, Ordering::Relaxed);
    match of.answer(uri.path(), uri.query().unwrap_or_default()) {
        Some(answer) => {
            let body = answer.to_string();
            of.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Measures looks at so many jobs, as fast as they are answered, and at the usual pace where `paced`.
///
/// # Errors
/// When a look fails, or finds fewer jobs than there are.
pub fn measure(jobs: u32, paced: bool) -> Result<Figures> {
    let runtime = Runtime::new()?;
    let of = Arc::new(JobManager {
        jobs,
        asked: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        look: AtomicU64::new(0),
    });
    let router = Router::new().fallback(asked).with_state(Arc::clone(&of));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = format!("http://{}", listener.local_addr()?);
    let server = runtime.spawn(async move { axum::serve(listener, router).await });
    let mut access = Access::plain(Address::parse(&address)?);
    if !paced {
        access.most_a_second = usize::MAX;
    }
    let rest = Rest::new(access)?;
    let mut reader = Reader::new(&Cluster::read(&rest, &address)?);
    let mut figures = Figures::new();
    let (mut took, mut asked, mut bytes, mut peaks) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (warm, measured) = if paced { (1, 2) } else { LOOKS };
    for look in 1..=warm + measured {
        of.look.store(look.into(), Ordering::Relaxed);
        let before = (of.asked.load(Ordering::Relaxed), of.bytes.load(Ordering::Relaxed));
        let begun = Instant::now();
        Reader::refresh(&rest)?;
        let (peak, seen) = memory::most(|| reader.look(&rest, at(look)));
        let spent = begun.elapsed().as_secs_f64();
        let seen = seen?;
        let counters = seen.observation.topologies.iter().flat_map(|job| &job.executors);
        let counters = counters.filter(|executor| executor.counters.is_some()).count();
        ensure!(seen.findings.is_empty(), "{:?}", seen.findings.first());
        if look > warm {
            // The first look has nothing to count from.
            ensure!(
                counters == (jobs * VERTICES * SUBTASKS) as usize,
                "{counters} subtasks with counters"
            );
            took.push(spent);
            asked.push((of.asked.load(Ordering::Relaxed) - before.0) as f64);
            bytes.push((of.bytes.load(Ordering::Relaxed) - before.1) as f64);
            peaks.push(peak as f64);
        }
    }
    server.abort();
    let mut put = |name: &str, values: &[f64]| -> Result<()> {
        figures.insert(name.to_owned(), summary(values).context("no looks")?);
        Ok(())
    };
    if paced {
        put("paced_look_s", &took)?;
    } else {
        put("look_s", &took)?;
        put("look_requests", &asked)?;
        put("look_bytes", &bytes)?;
        put("look_peak_bytes", &peaks)?;
        let requests = figures["look_requests"].mean;
        let paced = requests / Access::MOST_A_SECOND as f64;
        figures.insert("look_at_pace_s".to_owned(), counted(paced));
    }
    Ok(figures)
}
