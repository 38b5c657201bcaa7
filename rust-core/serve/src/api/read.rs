//! What may be seen.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use crate::access::{Caller, Role};
use crate::app::App;
use crate::charts::Point;
use crate::engine::{Asker, Fault, FaultKind};
use crate::extract::{Path, Query};
use crate::names::word;
use crate::problem::{Part, Problem};
use crate::records::Record;
use crate::reply::{Page, Paging};
use crate::status::Status;
use crate::view::{self, EngineShown, Standing, Summary, TopologyShown};
use crate::watch::{Known, Watched};

/// The engine of this name.
pub(super) fn engine<'a>(app: &'a App, name: &str) -> Result<&'a Arc<Watched>, Problem> {
    app.world.engine(name).ok_or_else(|| {
        Problem::not_found(format!("there is no engine {name}")).at(Part::Path, "engine")
    })
}

fn status(watched: &Watched) -> Result<Arc<Status>, Problem> {
    let status = watched.known().status.clone();
    status.ok_or_else(|| Problem::busy(format!("{} has not answered yet", watched.name)))
}

/// Asks an engine without keeping other requests waiting.
pub(super) async fn ask(
    watched: &Arc<Watched>,
    command: Value,
    asker: Asker,
) -> Result<Value, Problem> {
    let name = &watched.name;
    let watched = Arc::clone(watched);
    let asked = tokio::task::spawn_blocking(move || watched.engine.ask(&command, &asker)).await;
    let answer: Result<Value, Fault> =
        asked.map_err(|error| Problem::internal(error.to_string()))?;
    Ok(answer.map_err(|fault| match fault.kind {
        FaultKind::Unreachable => Fault { text: format!("{name}: {}", fault.text), ..fault },
        _ => fault,
    })?)
}

/// The engines.
#[utoipa::path(get, path = "/v1/engines", security(("token" = [])), responses(
    (status = 200, body = Vec<EngineShown>)))]
pub async fn engines(State(app): Shared) -> Json<Vec<EngineShown>> {
    let shown = |watched: &Arc<Watched>| {
        let known = watched.known();
        view::engine(&watched.name, known.status.as_deref(), known.fault.as_deref())
    };
    Json(app.world.engines().iter().map(shown).collect())
}

/// Which topologies are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct Wanted {
    /// Of this engine only.
    engine: Option<String>,
    /// With this in their names.
    q: Option<String>,
    /// `any`: only those for which a plan is proposed, waits or is under way.
    #[param(inline)]
    plan: Option<PlanWanted>,
    /// The order: `busy`, `latency` or `throughput`, the largest first; by engine and id unless said otherwise.
    #[param(inline)]
    sort: Option<Sort>,
}

/// Whether a topology has to have a plan.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PlanWanted {
    /// One that is proposed, waits or is under way.
    Any,
}

/// By what topologies are sorted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Sort {
    /// How busy the busiest executor is.
    Busy,
    /// The latency.
    Latency,
    /// The throughput.
    Throughput,
}

/// Grows in the order that is asked for. What was not measured comes last.
fn place(one: &Summary, sort: Option<Sort>) -> String {
    let value = match sort {
        Some(Sort::Busy) => one.busy,
        Some(Sort::Latency) => one.latency,
        Some(Sort::Throughput) => one.throughput,
        None => None,
    };
    // Positive numbers of this kind are in the order of their bits.
    let rank = u64::MAX - value.map_or(0, |value| value.max(0.0).to_bits());
    format!("{rank:016x}{}\u{0}{}", one.engine, one.id)
}

/// The topologies of all engines, page by page.
#[utoipa::path(get, path = "/v1/topologies", params(Wanted, Paging), security(("token" = [])),
    responses((status = 200, body = Page<Summary>)))]
pub async fn topologies(
    State(app): Shared,
    Query(wanted): Query<Wanted>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Summary>>, Problem> {
    let q = wanted.q.unwrap_or_default().to_lowercase();
    let of = |watched: &&Arc<Watched>| wanted.engine.as_ref().is_none_or(|e| *e == watched.name);
    // Engines are sorted by their names, and topologies of each by their ids.
    let lists: Vec<Arc<Vec<Summary>>> =
        app.world.engines().iter().filter(of).map(|w| Arc::clone(&w.known().summaries)).collect();
    let all = lists.iter().flat_map(|list| list.iter());
    let planned = |one: &&Summary| wanted.plan.is_none() || one.plan != Standing::None;
    let named = all.filter(|one| one.name.to_lowercase().contains(&q));
    let mut found: Vec<&Summary> = named.filter(planned).collect();
    let sort = wanted.sort;
    let key = |one: &Summary| place(one, sort);
    if sort.is_some() {
        found.sort_by_cached_key(|one| key(one));
    }
    let list = format!("topologies {}", sort.map_or(String::new(), |sort| word(&sort)));
    Ok(Json(Page::of(&found, (&list, &paging), key, Summary::clone)?))
}

/// One topology, by its id, or by its name where no other has the same.
#[utoipa::path(get, path = "/v1/engines/{engine}/topologies/{topology}", security(("token" = [])),
    params(("engine" = String, Path), ("topology" = String, Path)),
    responses((status = 200, body = TopologyShown), (status = 503)))]
pub async fn topology(
    State(app): Shared,
    Path((name, topology)): Path<(String, String)>,
) -> Result<Json<TopologyShown>, Problem> {
    let status = status(engine(&app, &name)?)?;
    let decision = Known::decision(&status, &topology).ok_or_else(|| unknown(&topology))?;
    Ok(Json(view::topology(&name, &status, decision)))
}

fn unknown(topology: &str) -> Problem {
    let text = format!("there is no topology {topology}, or more than one");
    Problem::not_found(text).at(Part::Path, "topology")
}

/// From when on.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct Since {
    /// Only points after this time, in ms since 1970.
    since: Option<i64>,
}

/// A topology's figures over time, as long as this server has watched it.
#[utoipa::path(get, path = "/v1/engines/{engine}/topologies/{topology}/series", security(("token" = [])),
    params(("engine" = String, Path), ("topology" = String, Path), Since),
    responses((status = 200, body = Vec<Point>), (status = 503)))]
pub async fn series(
    State(app): Shared,
    Path((name, topology)): Path<(String, String)>,
    Query(since): Query<Since>,
) -> Result<Json<Vec<Point>>, Problem> {
    let watched = engine(&app, &name)?;
    let status = status(watched)?;
    let id = &Known::decision(&status, &topology).ok_or_else(|| unknown(&topology))?.topology;
    let known = watched.known();
    let chart = known.charts.get(id).ok_or_else(|| unknown(&topology))?;
    Ok(Json(chart.since(since.since.unwrap_or(i64::MIN)).copied().collect()))
}

/// Which records are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct About {
    /// Of this engine only.
    engine: Option<String>,
    /// About this topology only, by its id or name.
    topology: Option<String>,
    /// Of this kind only: `decision`, `action`, `outcome`, `order`, `approval`, `operator`, `config`, …
    kind: Option<String>,
    /// With this in what they say.
    q: Option<String>,
}

impl About {
    fn means(&self, record: &Record, q: &str) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
        same(&self.kind, &record.kind)
            && (same(&self.topology, &record.topology) || same(&self.topology, &record.name))
            && (q.is_empty() || says(record, q))
    }
}

fn says(record: &Record, q: &str) -> bool {
    let texts = [&record.text, &record.name, &record.result];
    texts.iter().any(|text| text.to_lowercase().contains(q))
        || record.reasons.iter().any(|reason| reason.code.to_lowercase().contains(q))
}

/// What engines decided and did, the newest first, page by page.
#[utoipa::path(get, path = "/v1/history", params(About, Paging), security(("token" = [])),
    responses((status = 200, body = Page<Record>)))]
pub async fn history(
    State(app): Shared,
    Query(about): Query<About>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Record>>, Problem> {
    let q = about.q.as_deref().unwrap_or_default().to_lowercase();
    let of = |watched: &&Arc<Watched>| about.engine.as_ref().is_none_or(|e| *e == watched.name);
    let guards: Vec<_> = app.world.engines().iter().filter(of).map(|w| w.known()).collect();
    let all = guards.iter().flat_map(|known| known.records.newest_first());
    let mut found: Vec<&Record> = all.filter(|record| about.means(record, &q)).collect();
    if guards.len() > 1 {
        found.sort_by_cached_key(|record| key(record));
    }
    Ok(Json(Page::of(&found, ("history", &paging), key, Record::clone)?))
}

/// Grows from the newest record to the oldest. An engine's clock may have gone back, so numbers come first within one.
fn key(record: &Record) -> String {
    format!(
        "{:020}{:020}{}",
        u64::MAX - record.seq,
        u64::MAX - record.at.unsigned_abs(),
        record.engine
    )
}

/// Why a topology is as it is, in the engine's own words.
#[utoipa::path(get, path = "/v1/engines/{engine}/topologies/{topology}/explain", security(("token" = [])),
    params(("engine" = String, Path), ("topology" = String, Path)),
    responses((status = 200, body = Object), (status = 409), (status = 502), (status = 503)))]
pub async fn explain(
    State(app): Shared,
    Path((name, topology)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let command = json!({ "explain": { "topology": topology } });
    Ok(Json(ask(engine(&app, &name)?, command, Asker::default()).await?))
}

/// What keeps elasticity from working.
#[utoipa::path(get, path = "/v1/engines/{engine}/doctor", security(("token" = [])),
    params(("engine" = String, Path)),
    responses((status = 200, body = Object), (status = 409), (status = 502), (status = 503)))]
pub async fn doctor(State(app): Shared, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(ask(engine(&app, &name)?, json!({ "doctor": {} }), Asker::default()).await?))
}

/// Who asks, and what he may.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The token's name.
    name: String,
    /// Its roles.
    roles: Vec<Role>,
}

/// Whose token this is.
#[utoipa::path(get, path = "/v1/me", security(("token" = [])), responses((status = 200, body = Me)))]
pub async fn who(caller: Caller) -> Json<Me> {
    Json(Me { name: caller.name, roles: caller.roles })
}
