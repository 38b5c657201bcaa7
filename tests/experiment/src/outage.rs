//! What each kind of action costs while it happens: Storm's own rebalance against Thalweg's way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use thalweg_control::socket::NAME;
use thalweg_control::{Command, Request, Scale, call};
use thalweg_lab::control::TopologyInfo;
use thalweg_lab::counts::{Output, Spouts};
use thalweg_lab::load::{Generator, Rate};
use thalweg_lab::wait::until;

use crate::clock::now_ms;
use crate::disruption::Disruption;
use crate::options::Options;
use crate::run::{Scene, TOPOLOGY};
use crate::situation::{Side, Situation, WORDS_PER_LINE};
use crate::witness::{Phase, Witness};
use crate::workplace::Workplace;

const ACTION_LIMIT: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(250);
/// Traces of an action are looked for until this long after its end.
const AFTERMATH: Duration = Duration::from_secs(12);
/// What is pending when the load ends comes out, replayed if need be, within two message timeouts.
const LAST_TUPLES: Duration = Duration::from_secs(65);

/// A kind of action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From two executors of the splitting component to four.
    ScaleOut,
    /// As many executors as before, elsewhere.
    Move,
    /// From four back to two.
    ScaleIn,
}

impl Kind {
    /// All of them, in the order in which they are gone through.
    pub const ALL: [Self; 3] = [Self::ScaleOut, Self::Move, Self::ScaleIn];

    /// The name in files.
    pub fn key(self) -> &'static str {
        match self {
            Self::ScaleOut => "scale_out",
            Self::Move => "move",
            Self::ScaleIn => "scale_in",
        }
    }
}

/// One action and its trace.
#[derive(Debug, Clone, Serialize)]
pub struct Action {
    /// Whose.
    pub side: Side,
    /// What was done.
    pub kind: Kind,
    /// How: the way that Thalweg took, or `rebalance`.
    pub way: String,
    /// What it cost.
    pub disruption: Disruption,
    /// Lines that were sent meanwhile.
    pub lines: u64,
}

/// All actions of one side.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// In their order.
    pub actions: Vec<Action>,
    /// Actions that did not come off, with what is known of the cause.
    pub failures: Vec<String>,
    /// Words that never came out.
    pub lost: u64,
}

/// Goes through every kind of action so many times.
///
/// # Errors
/// When some process fails, or output never flows.
pub fn outages(
    side: Side,
    times: u32,
    options: &Options,
    witness: &mut dyn Witness,
) -> Result<Series> {
    let situation = Situation::outage();
    let workplace = Workplace::new(options.keep_in(&situation, side)?)?;
    witness.phase(side, Phase::SetUp);
    let scene = Scene::set_up(side, &situation, options, &workplace, witness)?;
    let generator = scene.send(Rate::Constant(situation.rate))?;
    scene.wait_steady(&generator, witness)?;
    let mut series = Series { actions: Vec::new(), failures: Vec::new(), lost: 0 };
    witness.phase(side, Phase::Act);
    for round in 0..times {
        for kind in Kind::ALL {
            match scene.act(kind, round, &generator) {
                Ok(action) => {
                    witness.note(&format!(
                        "{} {}: {:?}",
                        kind.key(),
                        action.way,
                        action.disruption
                    ));
                    series.actions.push(action);
                }
                Err(error) => {
                    witness.note(&format!("{} failed: {error:#}", kind.key()));
                    series.failures.push(format!("{}: {error:#}", kind.key()));
                }
            }
            scene.wait_steady(&generator, witness)?;
        }
    }
    let sent = generator.stop()?.records * u64::from(WORDS_PER_LINE);
    series.lost = scene.missing(sent)?;
    witness.phase(side, Phase::TearDown);
    drop(scene);
    Ok(series)
}

impl Scene<'_> {
    fn act(&self, kind: Kind, round: u32, generator: &Generator) -> Result<Action> {
        let lines = generator.records();
        let (begun, ended, way) = match self.side {
            Side::Default => self.rebalance(kind, round)?,
            Side::Thalweg => self.order(kind)?,
        };
        std::thread::sleep(AFTERMATH);
        let window = begun..ended + u64::try_from(AFTERMATH.as_millis())?;
        self.wait_journals(window.end)?;
        let (output, spouts) = (Output::read(&self.out)?, Spouts::read(&self.out)?);
        let disruption = Disruption::within(&window, &output, &spouts);
        let lines = generator.records() - lines;
        Ok(Action { side: self.side, kind, way, disruption, lines })
    }

    /// Storm's own way. It has no moves; another number of workers comes nearest.
    fn rebalance(&self, kind: Kind, round: u32) -> Result<(u64, u64, String)> {
        let control = self.storm.control();
        let split = |n: u32| BTreeMap::from([("split".to_owned(), n)]);
        let (counts, workers) = match kind {
            Kind::ScaleOut => (split(4), None),
            Kind::Move => (BTreeMap::new(), Some(if round.is_multiple_of(2) { 2 } else { 3 })),
            Kind::ScaleIn => (split(2), None),
        };
        let before = control.info(TOPOLOGY)?.assignment();
        let begun = now_ms()?;
        control.rebalance(TOPOLOGY, 0, &counts, workers)?;
        until("the rebalanced topology", ACTION_LIMIT, || {
            std::thread::sleep(LOOK);
            let Ok(info) = control.info(TOPOLOGY) else { return Ok(None) };
            let done = info.assignment() != before && info.all_report() && info.status == "ACTIVE";
            Ok(done.then_some(()))
        })?;
        Ok((begun, now_ms()?, "rebalance".to_owned()))
    }

    /// Thalweg's way, by an operator's order.
    fn order(&self, kind: Kind) -> Result<(u64, u64, String)> {
        let info = self.storm.control().info(TOPOLOGY)?;
        let of_split = |count: u32| Scale {
            topology: TOPOLOGY.to_owned(),
            counts: [("split".to_owned(), count)].into(),
            ..Scale::default()
        };
        let order = match kind {
            Kind::ScaleOut => of_split(4),
            Kind::ScaleIn => of_split(2),
            Kind::Move => {
                let host = Self::host_to_leave(&info).context("no executor splits")?;
                Scale {
                    topology: TOPOLOGY.to_owned(),
                    leave: vec![host.to_owned()],
                    ..Scale::default()
                }
            }
        };
        // Only so many plans are told of, so it is not their number that tells a new one.
        let latest = || self.status().and_then(|status| status.ended.into_iter().next());
        let known = latest().map(|ended| ended.plan.id);
        let folder = self.status_file.parent().context("it lies in a folder")?;
        let said = format!("{order:?}");
        call(&folder.join(NAME), &Request::of(Command::Scale(order)), ACTION_LIMIT)?;
        let waiting = Instant::now();
        let ended = until("the end of the order's plan", ACTION_LIMIT, || {
            std::thread::sleep(LOOK);
            Ok(latest().filter(|ended| known.as_ref() != Some(&ended.plan.id)))
        })
        .with_context(|| format!("order {said} after {:?}", waiting.elapsed()))?;
        if let Some(code) = &ended.code {
            bail!("given up: {code}: {}", ended.how);
        }
        let begun = ended.steps.iter().map(|step| step.started_at).filter(|at| *at > 0).min();
        Ok((begun.unwrap_or(ended.at), ended.at, ended.how))
    }

    /// A host that splits lines; one that does not read them if there is one, since sources cannot move without a
    /// stop.
    fn host_to_leave(info: &TopologyInfo) -> Option<&str> {
        let reads = |host: &str| info.of("spout").any(|executor| executor.host == host);
        let hosts = || info.of("split").map(|executor| executor.host.as_str());
        hosts().find(|host| !reads(host)).or_else(|| hosts().next())
    }

    /// Words that were sent and did not come out in the end.
    fn missing(&self, sent: u64) -> Result<u64> {
        let begun = Instant::now();
        loop {
            let out = Output::read(&self.out)?.all();
            if out >= sent || begun.elapsed() > LAST_TUPLES {
                return Ok(sent.saturating_sub(out));
            }
            std::thread::sleep(LOOK);
        }
    }
}
