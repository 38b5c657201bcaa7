//! Plans of all engines.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use thalweg_core::explain::Decision;
use utoipa::IntoParams;

use super::Shared;
use crate::extract::Query;
use crate::problem::Problem;
use crate::reply::{Page, Paging};
use crate::status::{ActivePlan, EndedPlan, Status};
use crate::view::{self, PlanView};

/// Which plans are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct Planned {
    /// Of this engine only.
    engine: Option<String>,
    /// For topologies with this in their names.
    q: Option<String>,
}

/// A plan in the list: what it is shown from is looked at only once it is on the page that is asked for.
struct Listed<'a> {
    engine: &'a str,
    status: &'a Status,
    what: What<'a>,
}

enum What<'a> {
    UnderWay(&'a ActivePlan),
    Offered(&'a Decision),
    Over(&'a EndedPlan),
}

impl Listed<'_> {
    /// Grows from what is under way over what waits for somebody's word and what is proposed to what is over, the newest of
    /// that first.
    fn key(&self) -> String {
        let (rank, newest, id) = match &self.what {
            What::UnderWay(active) => (0, 0, &active.plan.id),
            What::Offered(decision) if decision.offer.is_some() => (1, 0, &decision.topology),
            What::Offered(decision) => (2, 0, &decision.topology),
            What::Over(ended) => (3, u64::MAX - ended.at.millis().unsigned_abs(), &ended.plan.id),
        };
        format!("{rank}{newest:020}{}\u{0}{id}", self.engine)
    }

    fn name(&self) -> &str {
        match &self.what {
            What::UnderWay(active) => &active.plan.name,
            What::Offered(decision) => &decision.name,
            What::Over(ended) => &ended.plan.name,
        }
    }

    fn shown(&self) -> Option<PlanView> {
        let of = (self.engine, self.status);
        match &self.what {
            What::UnderWay(active) => Some(view::active(of, active)),
            What::Offered(decision) => view::plan_of(self.engine, self.status, decision),
            What::Over(ended) => Some(view::ended(of, ended)),
        }
    }
}

fn of_engine<'a>(engine: &'a str, status: &'a Status) -> impl Iterator<Item = Listed<'a>> {
    let under_way = status.plan.as_ref().map(|active| active.plan.topology.as_str());
    // The plan that is under way may be proposed as well.
    let offered = status.decisions.iter().filter(move |decision| {
        decision.plan.is_some() && under_way != Some(decision.topology.as_str())
    });
    let active = status.plan.iter().map(What::UnderWay);
    let all = active.chain(offered.map(What::Offered)).chain(status.ended.iter().map(What::Over));
    all.map(move |what| Listed { engine, status, what })
}

/// All plans that are proposed, under way, or over a short time ago, page by page: what is under way first, what is over
/// last.
#[utoipa::path(get, path = "/v1/plans", params(Planned, Paging), security(("token" = [])), responses(
    (status = 200, body = Page<PlanView>)))]
pub async fn plans(
    State(app): Shared,
    Query(planned): Query<Planned>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<PlanView>>, Problem> {
    let q = planned.q.unwrap_or_default().to_lowercase();
    let engines = app.world.engines().iter();
    let engines = engines.filter(|one| planned.engine.as_ref().is_none_or(|e| *e == one.name));
    let known: Vec<(&str, Arc<Status>)> =
        engines.filter_map(|one| Some((one.name.as_str(), one.known().status.clone()?))).collect();
    let all = known.iter().flat_map(|(engine, status)| of_engine(engine, status));
    let found: Vec<Listed<'_>> = all.filter(|one| one.name().to_lowercase().contains(&q)).collect();
    let mut sorted: Vec<&Listed<'_>> = found.iter().collect();
    sorted.sort_by_cached_key(|one| one.key());
    let page =
        Page::of(&sorted, ("plans", &paging), |one: &Listed<'_>| one.key(), |one| one.shown())?;
    let items = page.items.into_iter().flatten().collect();
    Ok(Json(Page { items, next: page.next, total: page.total }))
}
