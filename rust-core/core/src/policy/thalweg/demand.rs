//! What will be asked of every component when an action takes effect.

use super::limits::SATURATED;
use super::memory::{Memory, TopologyModel};
use super::season::{self, Days};
use crate::demand::{Carries, Demand, Forecast, LoadForecast, Method, Reach, asked};
use crate::diagnose::cause::{Cause, cause};
use crate::policy::situation::Situation;
use crate::units::{Millis, RatePerSec};

/// Weight of the newest ratio of what is sent to what is taken in.
const RATIO_WEIGHT: f64 = 0.3;
/// Busy share that is planned for while a backlog is caught up with.
const CATCH_UP_BUSY: f64 = 0.95;
/// A backlog is worth an action only if it takes so many times longer than is allowed to be gone.
const PATIENCE: f64 = 2.0;
/// How much more is tried where the demand behind saturated executors cannot be seen.
const HIDDEN: f64 = 1.5;

/// Bins of rates that the sources of a topology keep together: a day and more with the usual windows.
const KEPT_BINS: usize = 2880;

/// What is asked of every component, in records per second.
pub struct DemandForecast {
    /// By what arrives now.
    pub now: Vec<Option<Demand>>,
    /// By what is expected when an action takes effect, and the backlog.
    pub ahead: Vec<Option<Demand>>,
    /// By the most that is expected until `ahead` from now, and the backlog at more than the target
    /// busy share: what an action, once it has to be, is sized for.
    pub far: Vec<Option<Demand>>,
    /// How many times what is seen all of them are taken to be.
    pub hidden: f64,
}

/// Arrivals, forecasts and backlogs, propagated as far as components let them through that do at most what their
/// ceilings say.
pub fn forecast(
    situation: &Situation<'_>,
    memory: &mut Memory,
    model: &mut TopologyModel,
    ceilings: &[Option<f64>],
) -> DemandForecast {
    let (flow, own) = (situation.flow, &situation.settings.thalweg);
    let mut streams = flow.streams.clone();
    for stream in &mut streams {
        let name = (stream.from, stream.to, stream.broadcast);
        let Carries::Ratio(measured) = stream.carries else {
            // What a component made of its records while it was measured is the best guess. A stream that is told by
            // what its receiver takes in never had a ratio.
            let known = memory.ratios.get(&name);
            stream.carries = known.map_or(stream.carries, |known| Carries::Ratio(*known));
            continue;
        };
        let known = memory.ratios.entry(name).or_insert(measured);
        *known += RATIO_WEIGHT * (measured - *known);
        stream.carries = Carries::Ratio(*known);
    }
    let lead = lead(situation, model);
    let hidden = hidden_demand(situation, memory);
    let sources = flow.components.iter().filter(|c| c.source).count();
    let mut now = vec![None; flow.components.len()];
    let (mut ahead, mut far) = (now.clone(), now.clone());
    let (mut expected_load, mut upper_load) = (0.0, 0.0);
    for (index, component) in flow.components.iter().enumerate().filter(|(_, c)| c.source) {
        if component.measured.is_empty() {
            continue;
        }
        let visible = memory.arrival(situation, index);
        let arrival = visible * hidden;
        let kept = KEPT_BINS / sources;
        let foreseen = foresee(situation, model, Source { index, visible, lead, kept });
        expected_load += foreseen.expected;
        upper_load += foreseen.then.max(visible);
        now[index] = Some(arrival);
        let backlog = component.target.catch_up(own.catch_up);
        let expected = arrival.max(foreseen.then * hidden);
        ahead[index] = Some(expected + backlog / PATIENCE);
        let most = expected.max(foreseen.later * hidden);
        // While it catches up, executors may be busier than the target.
        let catching_up = (most + backlog) * own.target.get() / CATCH_UP_BUSY;
        far[index] = Some(most.max(catching_up));
    }
    memory.load = (own.forecast && now.iter().any(Option::is_some)).then(|| LoadForecast {
        due: situation.now.plus(lead),
        expected: RatePerSec::saturating(expected_load),
        upper: RatePerSec::saturating(upper_load),
    });
    let graph = flow.graph(&streams);
    let asked = |sources: &[Option<f64>]| asked(&graph, sources, ceilings);
    DemandForecast { now: asked(&now), ahead: asked(&ahead), far: asked(&far), hidden }
}

/// A source as it is seen.
struct Source {
    index: usize,
    /// Records per second that arrive.
    visible: f64,
    /// Time until an action decided next would take effect.
    lead: Millis,
    /// Bins that it may keep.
    kept: usize,
}

/// What a source may bring, in records per second; 0 where nothing is expected beyond what arrives.
struct Foreseen {
    /// What is expected when an action takes effect.
    expected: f64,
    /// What has to be reckoned with then.
    then: f64,
    /// What has to be reckoned with by the time that an action is sized for.
    later: f64,
}

/// Notes what a source brings, and looks ahead.
fn foresee(situation: &Situation<'_>, model: &mut TopologyModel, source: Source) -> Foreseen {
    let Source { index, visible, lead, kept } = source;
    let (settings, own) = (situation.settings, &situation.settings.thalweg);
    let id = || situation.id(index).to_owned();
    let forecaster = model.forecasters.entry(id()).or_default();
    let outlook = model.outlooks.entry(id()).or_default();
    let reach = |lead| Reach { bin: settings.window, lead };
    outlook.note(visible, situation.now, forecaster, reach(lead));
    let days = season::bin(settings.window, kept).map(|bin| {
        // Both series together keep as many bins as one would.
        let bin = season::bin(settings.window, kept / 2).unwrap_or(bin);
        let series = model.days.entry(id()).or_default();
        Days::note(series, bin, (visible, situation.now), lead)
    });
    forecaster.keep_newest(if days.is_some() { kept / 2 } else { kept });
    if !own.forecast {
        return Foreseen { expected: visible, then: 0.0, later: 0.0 };
    }
    let foretold = |lead| outlook.at(forecaster, reach(lead), own.quantile);
    let upper = |forecast: Option<&Forecast>, lead| {
        let upper = match forecast {
            // The last value is the newest one, whether its bin is full or not.
            Some(f) if f.method == Method::LastValue => visible + f.upper - f.expected,
            Some(f) => f.upper,
            None => 0.0,
        };
        let season = days.as_ref().map_or(0.0, |days| days.upper(lead, own.quantile));
        let peak = outlook.peak(situation.now, lead, own.quantile).unwrap_or(0.0);
        upper.max(season).max(peak)
    };
    let forecast = foretold(lead);
    let expected = forecast.as_ref().filter(|f| f.method != Method::LastValue);
    Foreseen {
        expected: expected.map_or(visible, |forecast| forecast.expected),
        then: upper(forecast.as_ref(), lead),
        later: upper(foretold(own.ahead).as_ref(), own.ahead),
    }
}

/// Time until an action decided next would take effect.
fn lead(situation: &Situation<'_>, model: &TopologyModel) -> Millis {
    let settings = situation.settings;
    let stop = TopologyModel::away(Some(model), &settings.thalweg);
    Millis::saturating(settings.sampling.get() + stop.get() + settings.settle.get())
}

/// How many times the visible arrivals are taken to come: more than 1 only where sources are held up, nobody counts
/// what waits before them, and that is not what waited while executors were taken away.
fn hidden_demand(situation: &Situation<'_>, memory: &Memory) -> f64 {
    let sources = || situation.flow.components.iter().filter(|c| c.source);
    if sources().all(|c| c.target.backlog.is_some()) || memory.may_catch_up_with_fewer(situation) {
        return 1.0;
    }
    let held_up = sources().filter_map(|c| c.backpressured).fold(0.0, f64::max);
    if held_up > 0.05 {
        return (1.0 / (1.0 - held_up.min(0.9))).clamp(1.2, 2.0);
    }
    let full = situation.flow.users().any(|(_, c)| {
        !c.source
            && c.busiest().is_some_and(|b| b >= SATURATED)
            && cause(c, SATURATED) == Cause::Capacity
    });
    if full { HIDDEN } else { 1.0 }
}
