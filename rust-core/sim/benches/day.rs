//! How long a simulated day takes, and how that grows with the job and its cluster.

#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use thalweg_core::settings::Settings;
use thalweg_sim::scenario::template::{edge, node, operator, source, tiny};
use thalweg_sim::scenario::{Load, LoadShape, NodeGroup};
use thalweg_sim::{Scenario, run};

/// A line of a source and nine operators with five executors each on ten nodes, `scale` times as many
/// of all, under a load that goes up and down four times a day.
fn job(scale: u32, hours: f64) -> Scenario {
    let mut scenario = tiny();
    scenario.duration_secs = hours * 3600.0;
    scenario.step_millis = 1000.0;
    scenario.rate = 2000.0 * f64::from(scale);
    scenario.nodes = vec![NodeGroup { count: 10 * scale, cores: 8.0, slots: 8, ..node() }];
    scenario.components = vec![source("source", 5.0)];
    scenario.components[0].tasks = 4 * scale;
    scenario.edges.clear();
    for index in 1..10 {
        let id = format!("step-{index}");
        let mut step = operator(&id, 1000.0);
        (step.tasks, step.executors) = (16 * scale, 5 * scale);
        let before = scenario.components[index - 1].id.clone();
        scenario.components.push(step);
        scenario.edges.push(edge(&before, &id));
    }
    scenario.load = Load {
        shape: LoadShape::Sine { mean: 1.0, amplitude: 0.6, period_secs: 21_600.0 },
        noise: 0.05,
    };
    scenario
}

fn bench(criterion: &mut Criterion) {
    let settings = Settings::default();
    let mut group = criterion.benchmark_group("sim");
    group.sample_size(10);
    let day = job(1, 24.0);
    group.bench_function("day of 10 components on 10 nodes", |bencher| {
        bencher.iter(|| black_box(run(&day, &settings, 1).expect("no invariant is broken")));
    });
    for scale in [1, 10, 100] {
        let hour = job(scale, 1.0 / f64::from(scale));
        let id = BenchmarkId::new("component-hours, 1/n of an hour of n times the job", scale);
        group.bench_with_input(id, &hour, |bencher, hour| {
            bencher.iter(|| black_box(run(hour, &settings, 1).expect("no invariant is broken")));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
