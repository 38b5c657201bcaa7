//! What came of an action: whether it helped, did nothing, or did harm.

use crate::action::{
    Attempt, Awaited, Baseline, Failure, Harm, InFlight, NOTICEABLE, Origin, Wait, same,
};
use crate::assess::Assessment;
use crate::context::Context;
use crate::explain::Outcome;
use crate::model::TopologyStatus;
use crate::plan::Metrics;
use crate::reason::{Reason, ReasonCode};
use crate::settings::PolicyName;
use crate::state::{Learned, TopologyState};
use crate::units::{Millis, Share};

/// Throughput that fell by this part is clearly lower.
const CLEARLY_LESS: f64 = 0.2;
/// Executors that do so much less than before are less busy and quicker for that alone.
const SLUMP: f64 = 0.5;
/// Latency that rose by this part is clearly higher. It varies more than throughput does.
const CLEARLY_LATER: f64 = 0.5;
/// A rise by fewer milliseconds is none: engines count whole ones.
const SMALLEST_RISE_MS: f64 = 1.0;

/// Throughput varies by this part where nothing was done.
const SMALLEST_GAIN: f64 = 0.03;

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// What was wanted became better.
    Helped,
    /// It did not.
    None,
    /// The load changed, so that nobody can tell.
    Untold,
}

/// Judges an action whose effect can be seen by now.
///
/// A topology that does not run shows none, nor does one right after it was let run again, nor one that is being changed
/// anew: then the judgement waits.
pub fn verify(
    context: &Context<'_>,
    assessment: &Assessment<'_>,
    state: &mut TopologyState,
    learned: &mut Learned,
) -> Option<Outcome> {
    let &Context { observation, settings, now, .. } = context;
    charge(context, assessment, state, learned);
    if assessment.topology.status != TopologyStatus::Active {
        let awaited = state.awaited.as_mut()?;
        awaited.due = awaited.due.max(now.plus(settings.settle).plus(settings.interval));
        return None;
    }
    let complete = assessment.view.coverage >= settings.min_coverage && state.in_flight.is_none();
    let Awaited { action, took, .. } =
        state.awaited.take_if(|awaited| now >= awaited.due && complete)?;
    let model = learned.model_mut(assessment.topology, context.namesakes);
    model.note_stop(took);
    model.note_took(now, took.get() / 1000.0);
    let (before, after) = (
        action.before,
        Baseline::of(assessment.topology, assessment.metrics, &state.metric_history),
    );
    let added = action.way_back.as_ref().map(|way| way.added(assessment.topology));
    let better = is_better(&before, &after, worth(added));
    let ours = action.way_back.as_ref().is_none_or(|way| way.led_to(assessment.topology));
    let harm = harm(&before, &after, action.attempt, better).filter(|_| ours);
    let effect = match action.attempt {
        _ if !ours => Effect::Untold,
        _ if harm.is_some() || slumped(&before.metrics, &after.metrics) => Effect::None,
        // Fewer executors make nothing better. They help if those that are left can do the work.
        Attempt::Fewer if !after.is_full() => Effect::Helped,
        Attempt::More | Attempt::Move(_) if better => Effect::Helped,
        Attempt::More | Attempt::Move(_) if eased(&before, &after) => Effect::Untold,
        _ => Effect::None,
    };
    let mut text = change(&before.metrics, &after.metrics);
    if !ours {
        text = format!(
            "{text}; it was changed by hand meanwhile, so it cannot be told whether it helped"
        );
    } else if effect == Effect::Untold {
        text = format!(
            "{text}; less is asked for than before, so it cannot be told whether it helped"
        );
    }
    if let Some(Reason { measured: Some(is), limit: Some(limit), text: what, .. }) = &harm {
        text = format!("{text}; harm, as {is:.0} passes {limit:.0}: {what}");
    }
    remember(context, &action, (effect, harm.is_some()), state);
    if action.origin == Origin::Operator {
        state.blacklist.note_arrangement();
    }
    let plan = action.plan.clone();
    if let (Some(reason), Some(way)) = (harm, action.way_back) {
        state.harm = way
            .is_as_planned(observation, assessment.topology, settings)
            .then_some(Harm { plan: action.plan, reason, way, baseline: after });
    }
    Some(Outcome {
        plan,
        topology: assessment.topology.id.clone(),
        at: now,
        before: before.metrics,
        after: after.metrics,
        expected_busy: action.expected_busy,
        helped: effect == Effect::Helped,
        text,
    })
}

/// Charges the day with the time that plans took which were given up: for whoever waits they are actions as others are.
fn charge(
    context: &Context<'_>,
    assessment: &Assessment<'_>,
    state: &mut TopologyState,
    learned: &mut Learned,
) {
    if !state.given_up.is_empty() {
        let model = learned.model_mut(assessment.topology, context.namesakes);
        state.given_up.drain(..).for_each(|(at, secs)| model.note_took(at, secs));
    }
}

/// What the blacklist learns from an action. That something had to be undone says nothing about undoing.
fn remember(
    context: &Context<'_>,
    action: &InFlight,
    (effect, harmed): (Effect, bool),
    state: &mut TopologyState,
) {
    let &Context { settings, now, .. } = context;
    let attempt = action.attempt;
    // The policy `thalweg` remembers by itself for how long components get no more executors as those did not help; the
    // others may need more when the load rises. It knows nothing of growth that did harm: that was undone before it
    // saw what it brought. And that fewer cannot do the work is no reason against them when there is less of it.
    let by_policy = settings.policy == PolicyName::Thalweg && attempt == Attempt::More;
    let wait = match by_policy {
        false => Wait::Time,
        true if harmed => Wait::UnderThisLoad,
        true => Wait::No,
    };
    let forgiven = attempt == Attempt::Fewer && !harmed;
    let failure = Failure { attempt, plain: settings.blacklist, wait, load: action.before.load() };
    match effect {
        _ if matches!(action.origin, Origin::Rollback | Origin::Event) => {}
        Effect::Helped => state.blacklist.note_success(attempt),
        Effect::Untold => {}
        Effect::None if forgiven => {}
        Effect::None => state.blacklist.note_failure(failure, now),
    }
}

/// Whether what was wanted became noticeably better.
///
/// Where more was asked for than was done, that is to get more of it done, or as much with time to spare: latency that is
/// taken soon after queues were emptied is lower whatever was done; and one executor more of a dozen is worth as much
/// more as that brings. Elsewhere tuples are to take less time, or executors to be less busy.
fn is_better(before: &Baseline, after: &Baseline, worth: f64) -> bool {
    let (was, is) = (&before.metrics, &after.metrics);
    let gain = is.throughput.get() / was.throughput.get().max(f64::MIN_POSITIVE) - 1.0;
    let more = gain > NOTICEABLE;
    if before.is_short() {
        return gain > worth || (!after.is_short() && as_much(before, after));
    }
    let fell =
        latency(was, is).is_some_and(|(_, was, is)| is.get() < was.get() * (1.0 - NOTICEABLE));
    let relieved = is.capacity.get() < was.capacity.get() * (1.0 - NOTICEABLE);
    fell || more || relieved
}

/// The part of throughput that an action on what was short must add to have helped: what is noticeable, or half of what
/// the executors that it added could do, if that is less.
fn worth(added: Option<f64>) -> f64 {
    match added.filter(|added| *added > 0.0) {
        Some(added) => (added / 2.0).clamp(SMALLEST_GAIN, NOTICEABLE),
        None => NOTICEABLE,
    }
}

/// Whether nothing is short any more, but less is done as well: then it may be the load that became lighter.
fn eased(before: &Baseline, after: &Baseline) -> bool {
    before.is_short() && !after.is_short() && !as_much(before, after)
}

/// Whether as much is done as before or as is asked for, so that time to spare does not come from a lighter load.
fn as_much(before: &Baseline, after: &Baseline) -> bool {
    let (was, is) = (before.metrics.throughput.get(), after.metrics.throughput.get());
    let owed = before.asked.map_or(was, |asked| asked.get().min(was));
    is >= owed * (1.0 - NOTICEABLE)
}

/// Whether so little is done since that nothing else can be compared.
fn slumped(before: &Metrics, after: &Metrics) -> bool {
    after.throughput.get() < before.throughput.get() * (1.0 - SLUMP)
}

/// Latency before and after. Not every engine measures how long a source's tuples take until they are
/// complete; then it is how long operators take.
fn latency(before: &Metrics, after: &Metrics) -> Option<(&'static str, Millis, Millis)> {
    let complete = before.complete_latency.zip(after.complete_latency);
    let process = before.process_latency.zip(after.process_latency);
    let named = |name| move |(was, is)| (name, was, is);
    complete.map(named("complete")).or(process.map(named("process")))
}

fn change(before: &Metrics, after: &Metrics) -> String {
    let latency = latency(before, after).map_or_else(String::new, |(name, was, is)| {
        format!("{name} latency {:.1} to {:.1} ms, ", was.get(), is.get())
    });
    format!(
        "{latency}throughput {:.0} to {:.0}/s, busiest executor {:.0} to {:.0} %",
        before.throughput.get(),
        after.throughput.get(),
        before.capacity.get() * 100.0,
        after.capacity.get() * 100.0,
    )
}

/// How an action made things clearly worse, if it did. Whatever may have come from another load is not
/// held against it.
fn harm(before: &Baseline, after: &Baseline, attempt: Attempt, better: bool) -> Option<Reason> {
    // Fewer executors are meant to be busier, as long as they are not all busy.
    if attempt == Attempt::Fewer && !after.is_full() {
        return None;
    }
    less_done(before, after).or_else(|| {
        // Executors that have no time left, although they became more, make tuples wait because there is
        // more to do: their former number would make them wait longer.
        let needed = attempt == Attempt::More && (before.is_full() || after.is_full());
        if better || needed || after.catches_up() { None } else { later_done(before, after) }
    })
}

/// Throughput fell although as much is asked for.
fn less_done(before: &Baseline, after: &Baseline) -> Option<Reason> {
    let loaded = match before.asked.zip(after.asked) {
        Some(_) => before.same_load(after),
        // Nobody counts what waits. But executors that do less have more time, unless a tuple costs them
        // more of it, and that is not the load's doing; and what they do not get done has to wait.
        None => {
            let busy = after.is_full() || busier(before.metrics.capacity, after.metrics.capacity);
            busy && !waits_less(&before.metrics, &after.metrics)
        }
    };
    // What was caught up with is done once: the load alone is owed.
    let done = before.metrics.throughput;
    let owed = before.asked.map_or(done, |asked| asked.min(done)).get();
    let (is, least) = (after.metrics.throughput.get(), owed * (1.0 - CLEARLY_LESS));
    (loaded && is < least).then(|| {
        let text = "tuples per second that sources bring in since the last action, and the fewest \
                    that do not count as harm at this load";
        Reason::compared(ReasonCode::MadeWorse, is, least, text)
    })
}

/// Whether the sources' tuples take clearly less time. Where fewer of them are brought in as well, fewer are on
/// their way, by Little's law, and sources that are held back have as many on their way as ever.
fn waits_less(before: &Metrics, after: &Metrics) -> bool {
    before
        .complete_latency
        .zip(after.complete_latency)
        .is_some_and(|(was, is)| is.get() < was.get() * (1.0 - CLEARLY_LESS))
}

/// Latency rose although as much is asked for and done.
fn later_done(before: &Baseline, after: &Baseline) -> Option<Reason> {
    let same_work = same(before.metrics.throughput, after.metrics.throughput);
    let known = before.asked.is_some() && after.asked.is_some();
    // Executors without time left may be asked for any amount more than they do.
    let loaded = before.same_load(after) && (known || !after.is_full());
    let (name, was, is) = latency(&before.metrics, &after.metrics)?;
    let most = (was.get() * (1.0 + CLEARLY_LATER)).max(was.get() + SMALLEST_RISE_MS);
    (same_work && loaded && is.get() > most).then(|| {
        let text = format!(
            "{name} latency in ms since the last action, and the highest that does not count as harm"
        );
        Reason::compared(ReasonCode::MadeWorse, is.get(), most, text)
    })
}

fn busier(was: Share, is: Share) -> bool {
    is.get() > was.get() * (1.0 + NOTICEABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::RatePerSec;

    /// Throughput, what was asked for, the busiest executor's share, and latency in ms.
    fn baseline(throughput: f64, asked: Option<f64>, capacity: f64, latency: f64) -> Baseline {
        let metrics = Metrics {
            throughput: RatePerSec::saturating(throughput),
            capacity: Share::saturating(capacity),
            process_latency: Millis::new(latency).ok(),
            ..Metrics::default()
        };
        Baseline { metrics, asked: asked.map(RatePerSec::saturating) }
    }

    fn harms(before: Baseline, after: Baseline, attempt: Attempt) -> bool {
        let better = is_better(&before, &after, NOTICEABLE);
        harm(&before, &after, attempt, better).is_some()
    }

    #[test]
    fn less_done_at_the_same_load_is_harm() {
        let before = baseline(1000.0, Some(1000.0), 0.8, 5.0);
        for (throughput, asked, harmful) in
            [(700.0, 1000.0, true), (850.0, 1000.0, false), (700.0, 700.0, false)]
        {
            let after = baseline(throughput, Some(asked), 0.8, 5.0);
            assert_eq!(harms(before, after, Attempt::More), harmful, "{throughput} of {asked}");
        }
    }

    #[test]
    fn what_is_short_is_helped_by_more_that_is_done_and_not_by_less_latency() {
        let better = |before, after| is_better(&before, &after, NOTICEABLE);
        // A sink that can do 700/s holds up all; queues were emptied by the restart.
        let held_up = baseline(700.0, Some(1000.0), 1.0, 90_000.0);
        assert!(!better(held_up, baseline(700.0, Some(1000.0), 1.0, 70_000.0)));
        assert!(!better(held_up, baseline(720.0, Some(1000.0), 0.7, 70_000.0)), "only less busy");
        assert!(better(held_up, baseline(800.0, Some(1000.0), 1.0, 90_000.0)));
        // Nobody counts what waits.
        let full = baseline(700.0, None, 1.0, 90_000.0);
        assert!(!better(full, baseline(700.0, None, 1.0, 10_000.0)));
        assert!(better(full, baseline(700.0, None, 0.8, 10_000.0)), "as much with time to spare");
        // Less is asked for: that tells nothing, for or against it.
        let eased_after = baseline(500.0, None, 0.7, 10.0);
        assert!(!better(full, eased_after) && eased(&full, &eased_after));
        assert!(!eased(&full, &baseline(700.0, None, 1.0, 10.0)));
        // Where all that is asked for is done, less latency and less busy executors are what is wanted.
        let fine = baseline(700.0, Some(700.0), 0.85, 20.0);
        assert!(better(fine, baseline(700.0, Some(700.0), 0.85, 5.0)));
        assert!(better(fine, baseline(700.0, Some(700.0), 0.6, 20.0)));
    }

    #[test]
    fn one_executor_more_of_many_helps_by_half_of_what_it_can_do() {
        let (before, after) = (baseline(1000.0, Some(2000.0), 1.0, 9e4), |throughput| {
            baseline(throughput, Some(2000.0), 1.0, 9e4)
        });
        let better = |added, throughput| is_better(&before, &after(throughput), worth(Some(added)));
        assert!(better(1.0 / 8.0, 1080.0) && !better(1.0 / 8.0, 1060.0), "8 to 9: 6.25 %");
        assert!(better(1.0, 1110.0) && !better(1.0, 1090.0), "1 to 2: what is noticeable");
        assert!(!better(0.02, 1025.0), "50 to 51: what varies anyway is no gain");
        assert_eq!([worth(None), worth(Some(0.0))], [NOTICEABLE; 2], "a move adds none");
    }

    #[test]
    fn executors_that_hardly_do_anything_any_more_were_not_helped() {
        let before = baseline(200.0, None, 0.23, 12.0).metrics;
        assert!(slumped(&before, &baseline(0.0, None, 0.0, 0.0).metrics));
        assert!(!slumped(&before, &baseline(150.0, None, 0.17, 9.0).metrics), "the load may vary");
    }

    #[test]
    fn what_was_caught_up_with_is_not_owed() {
        let before = baseline(1500.0, Some(1000.0), 0.8, 5.0);
        assert!(!harms(before, baseline(1000.0, Some(1000.0), 0.8, 5.0), Attempt::More));
        assert!(harms(before, baseline(790.0, Some(1000.0), 0.8, 5.0), Attempt::More));
    }

    #[test]
    fn where_no_backlog_is_counted_only_busier_executors_tell_less_done_from_less_asked() {
        let before = baseline(1000.0, None, 0.6, 5.0);
        assert!(!harms(before, baseline(700.0, None, 0.45, 5.0), Attempt::Move(None)));
        assert!(harms(before, baseline(700.0, None, 0.8, 5.0), Attempt::Move(None)));
    }

    #[test]
    fn a_backlog_that_was_worked_off_is_told_by_what_waits() {
        let complete = |throughput, ms: f64| {
            let mut baseline = baseline(throughput, None, 1.02, 15.0);
            baseline.metrics.complete_latency = Millis::new(ms).ok();
            baseline
        };
        let before = complete(226.0, 1438.0);
        assert!(!harms(before, complete(130.0, 295.0), Attempt::Move(None)), "325 to 38 tuples");
        assert!(harms(before, complete(130.0, 2500.0), Attempt::Move(None)), "325 tuples still");
    }

    #[test]
    fn clearly_later_at_the_same_load_and_throughput_is_harm() {
        let before = baseline(1000.0, None, 0.6, 5.0);
        for (throughput, capacity, latency, harmful) in [
            (1000.0, 0.6, 9.0, true),
            (1000.0, 0.6, 7.0, false),
            // More work came.
            (1200.0, 0.72, 9.0, false),
            // More work may have come.
            (1000.0, 1.0, 9.0, false),
        ] {
            let after = baseline(throughput, None, capacity, latency);
            assert_eq!(harms(before, after, Attempt::Move(None)), harmful, "{after:?}");
        }
        let quick = baseline(1000.0, None, 0.6, 0.5);
        assert!(!harms(quick, baseline(1000.0, None, 0.6, 1.2), Attempt::Move(None)), "rounding");
    }

    #[test]
    fn executors_that_were_full_before_are_not_asked_for_again() {
        let full = baseline(1000.0, Some(1000.0), 0.97, 5.0);
        let later = baseline(1000.0, Some(1000.0), 0.97, 10.0);
        assert!(!harms(full, later, Attempt::More));
        assert!(harms(full, later, Attempt::Move(None)));
    }

    #[test]
    fn what_waits_because_of_a_rising_load_or_of_the_stop_itself_is_no_harm() {
        // A load that goes on rising has filled the executors that were added.
        let before = baseline(5187.0, Some(5187.0), 0.91, 4.4);
        let filled = baseline(5364.0, Some(5500.0), 1.0, 1141.0);
        assert!(!harms(before, filled, Attempt::More));
        assert!(harms(before, filled, Attempt::Move(None)));
        // What waited during a stop is worked off.
        let catching_up = baseline(5400.0, Some(4800.0), 1.0, 1141.0);
        assert!(!harms(before, catching_up, Attempt::Move(None)));
    }

    #[test]
    fn fewer_executors_do_harm_only_when_none_of_their_time_is_left() {
        let before = baseline(1000.0, Some(1000.0), 0.4, 5.0);
        assert!(!harms(before, baseline(1000.0, Some(1000.0), 0.8, 9.0), Attempt::Fewer));
        assert!(harms(before, baseline(700.0, Some(1000.0), 1.0, 9.0), Attempt::Fewer));
    }
}
