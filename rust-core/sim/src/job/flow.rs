//! One step: how many records each executor works on, and where they go.
//!
//! Four passes over the components. Down the stream, what each executor could do if it had a core of
//! its own; then nodes share their cores; down again with what that leaves; up the stream, how much
//! of that receivers have room for; and down a last time, moving records. An executor thus passes on
//! in a step what it got in the same step, so a step may be longer than a record's way through the
//! job, and the time that really takes is added to the latency.

use thalweg_core::model::ComponentKind;

use super::cohort::{Bundle, Cohort};
use super::share::grant;
use super::{Environment, Job, Scratch};
use crate::scenario::EngineKind;

/// Beyond this utilisation the waiting-time formulas of steady queues say nothing.
const MOST_UTILIZED: f64 = 0.97;
/// How much of the mean turnaround the last step makes.
const TURNAROUND_WEIGHT: f64 = 0.2;

impl Job {
    /// Runs the job for `dt` seconds that end at `now`.
    pub fn step(&mut self, environment: &Environment, now: f64, dt: f64) {
        let mut scratch = std::mem::take(&mut self.scratch);
        self.unseen = self.until_looked_at(dt);
        self.prepare(&mut scratch, environment, now, dt);
        self.forward(&mut scratch);
        self.share_nodes(&mut scratch, environment, dt);
        self.forward(&mut scratch);
        self.share_links(&mut scratch, dt);
        self.backward(&mut scratch);
        self.extras(&mut scratch, environment);
        self.carry(&mut scratch, now, dt);
        self.scratch = scratch;
    }

    /// How long an acknowledgement waits: a source with nothing to read sees it with its next record, or when
    /// it ends its poll. What arrived in this step waits already.
    fn until_looked_at(&self, dt: f64) -> f64 {
        if self.poll <= 0.0 || self.taken <= 0.0 || self.waiting() > 2.0 * self.taken {
            return 0.0;
        }
        let components = self.kinds.iter().zip(&self.wiring.ranges);
        let sources = components.filter(|(kind, _)| **kind == ComponentKind::Source);
        let executors: usize = sources.map(|(_, range)| range.len()).sum();
        self.poll.min(dt * executors as f64 / self.taken)
    }

    /// Who is up, what a record costs, and what sources are offered.
    fn prepare(&self, scratch: &mut Scratch, environment: &Environment, now: f64, dt: f64) {
        let count = self.executors.len();
        scratch.up.clear();
        scratch.up.extend((0..count).map(|index| self.is_up(index, environment, now)));
        scratch.cost.clear();
        scratch.cap.clear();
        for index in 0..count {
            let node = self.wiring.node[index];
            let cost = if scratch.up[index] {
                let busy = self.busy_cores[node] + environment.others[node];
                let neighbours =
                    self.hidden.nodes[node].interference * busy / self.hidden.nodes[node].cores;
                let cpu = self.wiring.cpu_secs[index] / environment.speed[node];
                (cpu * (1.0 + neighbours) + self.wiring.other_secs[index]).max(1e-9)
            } else {
                f64::INFINITY
            };
            scratch.cost.push(cost);
            scratch.cap.push(if scratch.up[index] { dt / cost } else { 0.0 });
        }
        scratch.limit.clear();
        scratch
            .limit
            .extend(self.hidden.components.iter().map(|c| c.limit.map(|limit| limit * dt)));
        self.offer(scratch, environment, dt);
        for buffer in [
            &mut scratch.inflow,
            &mut scratch.can,
            &mut scratch.room,
            &mut scratch.held,
            &mut scratch.extra,
        ] {
            buffer.clear();
            buffer.resize(count, 0.0);
        }
        scratch.bundles.resize(self.kinds.len(), Vec::new());
        for (bundles, groups) in scratch.bundles.iter_mut().zip(&self.wiring.groups) {
            bundles.resize(*groups, Bundle::default());
        }
    }

    /// What each source executor may take: its part of what waits, within what may be on its way.
    fn offer(&self, scratch: &mut Scratch, environment: &Environment, dt: f64) {
        scratch.offer.clear();
        scratch.offer.resize(self.executors.len(), 0.0);
        if environment.paused {
            return;
        }
        // What got complete in the last step makes room in this one; and as each root holds its
        // place for a turnaround, no more can pass than Little's law allows. What waits for a later
        // step is pending, and must not count twice.
        let room = (self.max_pending - self.pending()).max(0.0) + self.done;
        let room = room.min(self.max_pending * (dt / self.turnaround).max(1.0));
        for (component, range) in self.wiring.ranges.iter().enumerate() {
            if self.kinds[component] != ComponentKind::Source {
                continue;
            }
            let readers = range.clone().take(self.partitions[component]).filter(|&e| scratch.up[e]);
            let count = readers.clone().count();
            let allowed = room * self.hidden.gains[component].shared;
            let each = self.lag[component].records().min(allowed) / count.max(1) as f64;
            for executor in readers {
                scratch.offer[executor] = each;
            }
        }
    }

    /// Down the stream: what executors can do within `scratch.cap`.
    fn forward(&self, scratch: &mut Scratch) {
        scratch.inflow.fill(0.0);
        for component in 0..self.kinds.len() {
            let range = self.wiring.ranges[component].clone();
            let source = self.kinds[component] == ComponentKind::Source;
            let mut total = 0.0;
            for e in range.clone() {
                let offered = if source {
                    scratch.offer[e]
                } else {
                    self.executors[e].queue.records() + scratch.inflow[e]
                };
                scratch.can[e] = offered.min(scratch.cap[e]);
                total += scratch.can[e];
            }
            if let Some(limit) = scratch.limit[component]
                && total > limit
            {
                range.clone().for_each(|e| scratch.can[e] *= limit / total);
            }
            self.spread(component, &scratch.can, &mut scratch.inflow);
        }
    }

    /// Adds what a component's executors send to what their receivers get.
    fn spread(&self, component: usize, sent: &[f64], inflow: &mut [f64]) {
        let range = self.wiring.ranges[component].clone();
        for edge in &self.wiring.out[component] {
            for group in 0..edge.shares.len() {
                let own = range.clone().filter(|&e| self.wiring.group[e] == group);
                let out = own.map(|e| sent[e]).sum::<f64>() * edge.selectivity;
                if out > 0.0 {
                    let shares = self.shares(edge, group);
                    let receivers = self.wiring.ranges[edge.to].clone();
                    receivers.zip(shares).for_each(|(r, share)| inflow[r] += out * share);
                }
            }
        }
    }

    /// The parts that hold now: those of the worker while a receiver there has room.
    fn shares<'a>(&self, edge: &'a super::wiring::OutEdge, group: usize) -> &'a [f64] {
        let own = &edge.shares[group];
        let Some(overflow) = &edge.overflow else { return own };
        let receivers = self.wiring.ranges[edge.to].clone();
        let bound = 0.8 * self.bounds[edge.to];
        let free = receivers
            .zip(own)
            .any(|(r, share)| *share > 0.0 && self.executors[r].queue.records() < bound);
        if free { own } else { overflow }
    }

    /// Nodes share their cores among executors that want to work.
    fn share_nodes(&mut self, scratch: &mut Scratch, environment: &Environment, dt: f64) {
        let mut wanted: Vec<f64> = Vec::new();
        for (node, members) in self.wiring.on_node.iter().enumerate() {
            let speed = environment.speed[node];
            if speed <= 0.0 {
                (self.busy_cores[node], self.wanted_cores[node]) = (0.0, 0.0);
                continue;
            }
            let cpu_of = |e: usize| self.wiring.cpu_secs[e] / speed;
            wanted.clear();
            wanted
                .extend(members.iter().map(|&e| self.desired(e, scratch.can[e]) * cpu_of(e) / dt));
            let before: f64 = wanted.iter().sum();
            let free = (self.hidden.nodes[node].cores - environment.taken[node]).max(0.02);
            for &e in members {
                self.stretch[e] = 1.0;
            }
            if before > free {
                let asked = wanted.clone();
                grant(&mut wanted, free);
                for ((&e, asked), granted) in members.iter().zip(&asked).zip(&wanted) {
                    if granted < asked {
                        let part = granted / asked;
                        scratch.cap[e] = self.desired(e, scratch.can[e]) * part;
                        self.stretch[e] = 1.0 / part.max(1e-6);
                    }
                }
            }
            (self.busy_cores[node], self.wanted_cores[node]) = (before.min(free), before);
        }
    }

    /// What an executor wants to work on, for the sharing of its node: one that was held back wants
    /// little more than it could pass on.
    fn desired(&self, e: usize, can: f64) -> f64 {
        match self.passed[e] {
            Some(passed) => can.min(1.25 * passed + 1.0),
            None => can,
        }
    }

    /// Links carry only so much from each node.
    fn share_links(&self, scratch: &mut Scratch, dt: f64) {
        let mut bytes = vec![0.0; self.hidden.nodes.len()];
        let each = |e: usize, can: f64| -> f64 {
            let component = self.executors[e].component;
            let local = e - self.wiring.ranges[component].start;
            let edges = self.wiring.out[component].iter();
            edges.map(|edge| can * edge.selectivity * edge.bytes * edge.remote[local]).sum()
        };
        for e in 0..self.executors.len() {
            if let Some(sum) = bytes.get_mut(self.wiring.node[e]) {
                *sum += each(e, scratch.can[e]);
            }
        }
        for (node, sum) in bytes.iter().enumerate() {
            let carried = self.hidden.nodes[node].link_bytes * dt;
            if *sum > carried {
                for &e in self.wiring.on_node[node].iter().filter(|&&e| each(e, 1.0) > 0.0) {
                    scratch.held[e] += scratch.can[e] * (1.0 - carried / sum);
                    scratch.can[e] *= carried / sum;
                }
            }
        }
    }

    /// Up the stream: senders are held back to what the fullest of their receivers has room for.
    fn backward(&self, scratch: &mut Scratch) {
        scratch.inflow.fill(0.0);
        for component in 0..self.kinds.len() {
            self.spread(component, &scratch.can, &mut scratch.inflow);
        }
        for component in (0..self.kinds.len()).rev() {
            let range = self.wiring.ranges[component].clone();
            for (group, _) in scratch.bundles[component].iter().enumerate() {
                // Who waited for one that waits for it would wait for ever.
                let factor = self.wiring.out[component]
                    .iter()
                    .filter(|edge| edge.to > component)
                    .flat_map(|edge| {
                        let receivers = self.wiring.ranges[edge.to].clone();
                        receivers.zip(self.shares(edge, group)).filter(|(_, share)| **share > 0.0)
                    })
                    .map(|(receiver, _)| scratch.room[receiver])
                    .fold(1.0, f64::min);
                if factor < 1.0 {
                    for e in range.clone().filter(|&e| self.wiring.group[e] == group) {
                        scratch.held[e] += scratch.can[e] * (1.0 - factor);
                        scratch.can[e] *= factor;
                    }
                }
            }
            for e in range {
                let free =
                    self.bounds[component] - self.executors[e].queue.records() + scratch.can[e];
                scratch.room[e] = if !scratch.up[e] && self.engine == EngineKind::Storm {
                    // What is sent to a dead worker is lost, and nobody waits.
                    1.0
                } else if scratch.inflow[e] > 0.0 {
                    (free / scratch.inflow[e]).clamp(0.0, 1.0)
                } else {
                    1.0
                };
            }
        }
    }

    /// What a step is too coarse to show: time in the executor, turns of other records, the network.
    fn extras(&self, scratch: &mut Scratch, environment: &Environment) {
        let trips = &environment.round_trip;
        let mean_trip = trips.iter().sum::<f64>() / trips.len().max(1) as f64;
        for (component, range) in self.wiring.ranges.iter().enumerate() {
            let edges = &self.wiring.out[component];
            for (local, e) in range.clone().enumerate() {
                let far = edges.iter().map(|edge| edge.remote[local]).fold(0.0, f64::max);
                let own = trips.get(self.wiring.node[e]).copied().unwrap_or(0.0);
                scratch.extra[e] = far * (own / 4.0 + mean_trip / 4.0 + environment.hop);
                scratch.extra[e] += self.delays[component];
                if scratch.up[e] {
                    scratch.extra[e] += scratch.cost[e] * self.stretch[e];
                }
            }
        }
    }

    /// Moves the records.
    fn carry(&mut self, scratch: &mut Scratch, now: f64, dt: f64) {
        let middle = now - dt / 2.0;
        (self.taken, self.done) = (0.0, 0.0);
        for component in 0..self.kinds.len() {
            for e in self.wiring.ranges[component].clone() {
                self.work(scratch, component, e, middle, dt);
            }
            self.deliver(scratch, component, middle, dt);
        }
    }

    /// One executor works on what it can; what it sends lands in its group's bundle.
    fn work(&mut self, scratch: &mut Scratch, component: usize, e: usize, middle: f64, dt: f64) {
        let source = self.kinds[component] == ComponentKind::Source;
        let can = scratch.can[e];
        let before =
            if source { self.lag[component].records() } else { self.executors[e].queue.records() };
        let work_secs = if scratch.up[e] { scratch.cost[e] * self.stretch[e] } else { 0.0 };
        let utilized = (can.min(before) * work_secs / dt).min(MOST_UTILIZED);
        let variability = (1.0 + self.hidden.components[component].variability) / 2.0;
        // Pollaczek-Khinchine, an executor's own queue being M/G/1; what waits longer than a step is
        // in the queue already.
        let turns =
            if source { 0.0 } else { work_secs * utilized / (1.0 - utilized) * variability };
        let (extra, group) = (scratch.extra[e], self.wiring.group[e]);
        let bundle = &mut scratch.bundles[component][group];
        let mut worked = 0.0;
        let mut taken = 0.0;
        let mut pass = |mut cohort: Cohort| {
            worked += cohort.records;
            if source {
                taken += cohort.roots;
                (cohort.emitted, cohort.passing) = (middle, 0.0);
            }
            cohort.birth -= extra;
            cohort.emitted -= extra;
            cohort.passing += extra;
            cohort.wait += turns;
            bundle.add(cohort, middle, dt);
        };
        if source {
            self.lag[component].pop(can, &mut pass);
        } else {
            self.executors[e].queue.pop(can, &mut pass);
        }
        self.taken += taken;
        let left = before - worked > 1e-6;
        let executor = &mut self.executors[e];
        let totals = &mut executor.totals;
        let edges = &self.wiring.out[component];
        let sent = self.wiring.emits[component] * worked;
        let received: f64 = edges
            .iter()
            .map(|edge| edge.selectivity * edge.shares[group].iter().sum::<f64>())
            .sum::<f64>()
            * worked;
        totals.executed += worked;
        totals.emitted += sent;
        totals.transferred += received;
        let busy = (worked * work_secs).min(dt);
        totals.busy += busy;
        let held = scratch.held[e] > 0.0;
        self.passed[e] = held.then_some(worked);
        if held {
            // Held back, it waits with a record in its hands for as long as there is any.
            let blocked = scratch.held[e] * work_secs;
            totals.held += if left { dt - busy } else { blocked.min(dt - busy) };
        }
        if self.hidden.components[component].state.is_some() {
            let count = self.wiring.ranges[component].len() as f64;
            totals.accesses += worked;
            totals.hits += worked * (1.0 - self.hidden.components[component].misses(count));
        }
    }

    /// What a component sent reaches its receivers, or is complete.
    fn deliver(&mut self, scratch: &mut Scratch, component: usize, middle: f64, dt: f64) {
        for group in 0..scratch.bundles[component].len() {
            let mut bundle = std::mem::take(&mut scratch.bundles[component][group]);
            for cohort in bundle.cohorts() {
                let mut passed = 0.0;
                for index in 0..self.wiring.out[component].len() {
                    passed += self.wiring.out[component][index].root_share;
                    self.send(scratch, component, index, group, cohort, middle, dt);
                }
                let roots = cohort.roots * (1.0 - passed).max(0.0);
                if roots > 0.0 {
                    self.complete(cohort, roots, middle);
                }
            }
            bundle.clear();
            scratch.bundles[component][group] = bundle;
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn send(
        &mut self,
        scratch: &Scratch,
        component: usize,
        index: usize,
        group: usize,
        cohort: &Cohort,
        middle: f64,
        dt: f64,
    ) {
        let edge = &self.wiring.out[component][index];
        let shares = self.shares(edge, group);
        let all: f64 = shares.iter().sum();
        for (receiver, share) in self.wiring.ranges[edge.to].clone().zip(shares) {
            if *share <= 0.0 {
                continue;
            }
            let piece = Cohort {
                records: cohort.records * edge.selectivity * share,
                roots: cohort.roots * edge.root_share * share / all,
                ..*cohort
            };
            if scratch.up[receiver] || self.engine == EngineKind::Flink {
                self.executors[receiver].queue.push(piece, middle, dt);
            } else {
                self.lost_records += piece.records;
                self.lost.push(piece);
            }
        }
    }

    fn complete(&mut self, cohort: &Cohort, roots: f64, middle: f64) {
        let age = (middle - cohort.birth).max(0.0) + self.unseen;
        self.latency.add_spread(age, cohort.wait, roots);
        self.recent.add_spread(age, cohort.wait, roots);
        self.roots.completed += roots;
        self.since_checkpoint += roots;
        self.done += roots;
        let since_emission = (middle - cohort.emitted).max(0.0) + cohort.wait + self.unseen;
        let turnaround = (cohort.passing + cohort.wait + self.unseen).max(1e-4);
        self.turnaround += (turnaround - self.turnaround) * TURNAROUND_WEIGHT;
        for component in 0..self.kinds.len() {
            if self.kinds[component] == ComponentKind::Source {
                let range = self.wiring.ranges[component].clone();
                let part = roots * self.hidden.gains[component].shared / range.len().max(1) as f64;
                for executor in &mut self.executors[range] {
                    executor.totals.completed += part;
                    executor.totals.complete_secs += part * since_emission;
                }
            }
        }
    }
}
