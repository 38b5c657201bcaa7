//! Orders. The engine judges each of them itself; here only who may give it is looked at.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Shared;
use super::read::{ask, engine};
use crate::access::{Caller, Role};
use crate::app::App;
use crate::engine::Asker;
use crate::extract::{self, Path};
use crate::problem::{Part, Problem};
use crate::whole::{by_name, or_none};

/// The longest reason of an order.
const LONGEST_REASON: usize = 400;

/// What came as body; whether it can be read is told after who may not has been told so.
type Body<T> = Result<extract::Body<T>, Problem>;
type Answer = Result<Json<Value>, Problem>;

fn read<T>(body: Body<T>) -> Result<T, Problem> {
    body.map(|extract::Body(body)| body)
}

/// Gives an order in a caller's name.
async fn order(app: &App, name: &str, caller: &Caller, order: (Value, &str)) -> Answer {
    let (command, why) = order;
    if why.chars().count() > LONGEST_REASON {
        let text = format!("why: longer than {LONGEST_REASON} letters");
        return Err(Problem::bad_request(text).at(Part::Body, "why"));
    }
    let asker = Asker { name: caller.name.clone(), why: why.to_owned() };
    tracing::info!(engine = name, caller = caller.name, %command, why, "order");
    let answer = ask(engine(app, name)?, command, asker).await?;
    app.world.tell();
    Ok(Json(answer))
}

#[derive(ToSchema)]
#[schema(value_type = Object)]
#[allow(dead_code)]
struct Told(Value);

/// What orders are answered with, for the document; only the attributes are read.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code)]
enum Answers {
    #[response(status = 200)]
    Done(#[to_schema] Told),
    #[response(status = 403)]
    Forbidden,
    #[response(status = 409)]
    Refused,
    #[response(status = 502)]
    Unreachable,
    #[response(status = 503)]
    NotNow,
}

/// How a topology is to be changed.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleBody {
    /// New executor counts by component.
    #[serde(default, deserialize_with = "by_name", skip_serializing_if = "BTreeMap::is_empty")]
    counts: BTreeMap<String, u32>,
    /// New memory of each executor in MiB, by component.
    #[serde(default, deserialize_with = "by_name", skip_serializing_if = "BTreeMap::is_empty")]
    memory_mib: BTreeMap<String, u32>,
    /// Hosts that it is to leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    leave: Vec<String>,
    /// Whether it may be stopped once to give its sources workers of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    adopt: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 400)]
    why: String,
}

/// Why something is wanted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Why.
    #[serde(default)]
    #[schema(max_length = 400)]
    why: String,
}

/// What is to be left as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseBody {
    /// The topology, by its name or id; all of the engine if absent.
    #[serde(default)]
    topology: Option<String>,
    /// When it is over by itself, in ms since 1970.
    #[serde(default, deserialize_with = "or_none")]
    until: Option<i64>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 400)]
    why: String,
}

/// A time at which much is expected.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeakBody {
    /// When it begins, in ms since 1970.
    from: i64,
    /// When it is over, in ms since 1970.
    until: i64,
    /// Executors that components are to have at least.
    #[serde(deserialize_with = "by_name")]
    counts: BTreeMap<String, u32>,
}

/// For when much is expected of a topology.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeaksBody {
    /// The topology, by its name or id; all of the engine if absent.
    #[serde(default)]
    topology: Option<String>,
    /// The peaks, at most 100 with at most 100 components each, as far as the whole request is at most 64 KiB long;
    /// none takes back what was said.
    #[serde(default)]
    #[schema(max_items = 100)]
    peaks: Vec<PeakBody>,
    /// How long before each its executors are to be there, in seconds; 600 if absent.
    #[serde(default)]
    lead_secs: Option<u32>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 400)]
    why: String,
}

/// What a pause is about, as engines are told.
fn scope(body: &PauseBody) -> &str {
    body.topology.as_deref().unwrap_or("*")
}

/// Changes a topology whatever the policy thinks of it.
#[utoipa::path(post, path = "/v1/engines/{engine}/topologies/{topology}/scale", request_body = ScaleBody,
    params(("engine" = String, Path), ("topology" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn scale(
    State(app): Shared,
    caller: Caller,
    Path((name, topology)): Path<(String, String)>,
    body: Body<ScaleBody>,
) -> Answer {
    caller.must(Role::Operator)?;
    let mut body = read(body)?;
    // It belongs to the request, not to the order in it.
    let why = std::mem::take(&mut body.why);
    let mut scale = serde_json::to_value(&body).map_err(|e| Problem::internal(e.to_string()))?;
    scale["topology"] = topology.into();
    order(&app, &name, &caller, (json!({ "scale": scale }), &why)).await
}

/// Undoes the last plan of a topology.
#[utoipa::path(post, path = "/v1/engines/{engine}/topologies/{topology}/rollback", request_body = Why,
    params(("engine" = String, Path), ("topology" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn rollback(
    State(app): Shared,
    caller: Caller,
    Path((name, topology)): Path<(String, String)>,
    body: Body<Why>,
) -> Answer {
    caller.must(Role::Operator)?;
    let command = json!({ "rollback": { "topology": topology } });
    order(&app, &name, &caller, (command, &read(body)?.why)).await
}

/// Has everything leave a host.
#[utoipa::path(post, path = "/v1/engines/{engine}/hosts/{host}/drain", request_body = Why,
    params(("engine" = String, Path), ("host" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn drain(
    State(app): Shared,
    caller: Caller,
    Path((name, host)): Path<(String, String)>,
    body: Body<Why>,
) -> Answer {
    caller.must(Role::Operator)?;
    let command = json!({ "drain": { "host": host } });
    order(&app, &name, &caller, (command, &read(body)?.why)).await
}

/// Lets a host be used again.
#[utoipa::path(delete, path = "/v1/engines/{engine}/hosts/{host}/drain",
    params(("engine" = String, Path), ("host" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn undrain(
    State(app): Shared,
    caller: Caller,
    Path((name, host)): Path<(String, String)>,
) -> Answer {
    caller.must(Role::Operator)?;
    order(&app, &name, &caller, (json!({ "undrain": { "host": host } }), "")).await
}

/// Takes an order back that is still waiting.
#[utoipa::path(post, path = "/v1/engines/{engine}/orders/{order}/cancel", request_body = Why,
    params(("engine" = String, Path), ("order" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn cancel(
    State(app): Shared,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
    body: Body<Why>,
) -> Answer {
    caller.must(Role::Operator)?;
    order(&app, &name, &caller, (json!({ "cancel": { "order": id } }), &read(body)?.why)).await
}

/// Has a topology, or all of an engine, left as it is.
#[utoipa::path(post, path = "/v1/engines/{engine}/pause", request_body = PauseBody,
    params(("engine" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn pause(
    State(app): Shared,
    caller: Caller,
    Path(name): Path<String>,
    body: Body<PauseBody>,
) -> Answer {
    caller.must(Role::Operator)?;
    let body = read(body)?;
    let command = json!({ "pause": { "scope": scope(&body), "until": body.until } });
    order(&app, &name, &caller, (command, &body.why)).await
}

/// Lets a topology, or all of an engine, be changed again.
#[utoipa::path(post, path = "/v1/engines/{engine}/resume", request_body = PauseBody,
    params(("engine" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn resume(
    State(app): Shared,
    caller: Caller,
    Path(name): Path<String>,
    body: Body<PauseBody>,
) -> Answer {
    caller.must(Role::Operator)?;
    let body = read(body)?;
    let command = json!({ "resume": { "scope": scope(&body) } });
    order(&app, &name, &caller, (command, &body.why)).await
}

/// Has components have more executors when much is expected, such as by a workflow's schedule.
///
/// What was said under this name before no longer counts. Peaks that are over are forgotten.
#[utoipa::path(put, path = "/v1/engines/{engine}/peaks/{name}", request_body = PeaksBody,
    params(("engine" = String, Path), ("name" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn expect(
    State(app): Shared,
    caller: Caller,
    Path((engine, name)): Path<(String, String)>,
    body: Body<PeaksBody>,
) -> Answer {
    caller.must(Role::Operator)?;
    let body = read(body)?;
    let scope = body.topology.as_deref().unwrap_or("*");
    let command = json!({ "expect": { "name": name, "scope": scope, "peaks": body.peaks,
        "lead_secs": body.lead_secs } });
    order(&app, &engine, &caller, (command, &body.why)).await
}

/// Takes back what was said under a name of peaks.
#[utoipa::path(delete, path = "/v1/engines/{engine}/peaks/{name}",
    params(("engine" = String, Path), ("name" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn forget(
    State(app): Shared,
    caller: Caller,
    Path((engine, name)): Path<(String, String)>,
) -> Answer {
    caller.must(Role::Operator)?;
    let command = json!({ "expect": { "name": name, "scope": "*" } });
    order(&app, &engine, &caller, (command, "")).await
}

/// Approves of a plan that waits for it.
#[utoipa::path(post, path = "/v1/engines/{engine}/plans/{plan}/approve", request_body = Why,
    params(("engine" = String, Path), ("plan" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn approve(
    State(app): Shared,
    caller: Caller,
    Path((name, plan)): Path<(String, String)>,
    body: Body<Why>,
) -> Answer {
    caller.must(Role::Approver)?;
    let command = json!({ "approve": { "plan": plan } });
    order(&app, &name, &caller, (command, &read(body)?.why)).await
}

/// Rejects a plan that waits for somebody's word.
#[utoipa::path(post, path = "/v1/engines/{engine}/plans/{plan}/reject", request_body = Why,
    params(("engine" = String, Path), ("plan" = String, Path)), security(("token" = [])),
    responses(Answers))]
pub async fn reject(
    State(app): Shared,
    caller: Caller,
    Path((name, plan)): Path<(String, String)>,
    body: Body<Why>,
) -> Answer {
    caller.must(Role::Approver)?;
    let command = json!({ "reject": { "plan": plan } });
    order(&app, &name, &caller, (command, &read(body)?.why)).await
}
