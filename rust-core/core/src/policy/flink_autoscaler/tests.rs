use super::*;
use crate::policy::testing::Case;
use crate::units::Millis;

#[test]
fn target_capacity_is_the_sum_of_input_restart_and_catch_up() {
    let own = AutoscalerSettings::default();
    let (target, catch_up) = (Demand::shared(700.0), Demand::shared(60.0));
    let rates = Rates { executors: 4, true_rate: 1000.0, target, catch_up };
    // 700 / 0.7 + 700 * 5 / 30 + 60
    let capacity = target_capacity(&rates, 0.7, true, &own).of(4);
    assert!((capacity - 1_176.666_667).abs() < 1e-3, "{capacity}");
    assert_eq!(target_capacity(&rates, 1.0, false, &own).of(4), 760.0);
    assert_eq!(scaled(&rates, 1.0, &own), 5);
    assert_eq!(scaled(&rates, 0.5, &own), 10);
    // At most 60 % fewer at a time.
    let target = Demand::shared(1.0);
    let idle = Rates { executors: 10, target, catch_up: Demand::default(), ..rates };
    assert_eq!(scaled(&idle, 1.0, &own), 4);
}

#[test]
fn executors_divide_the_key_groups() {
    assert_eq!(aligned(5, 128), 8);
    assert_eq!(aligned(50, 128), 64);
    assert_eq!(aligned(7, 360), 8);
    // 70 executors would get up to two groups each; 64 do as well.
    assert_eq!(aligned(70, 128), 64);
    // 60 would get up to three of 127; 43 do as well.
    assert_eq!(aligned(60, 127), 43);
    assert_eq!(aligned(200, 128), 128);
    assert_eq!(aligned(1, 1), 1);
}

#[test]
fn scalability_is_seen_from_three_points_on() {
    let half: VecDeque<(u32, f64)> = [(1, 100.0), (2, 150.0), (4, 250.0)].into();
    // (1*100 + 2*150 + 4*250) / (100 * 21)
    assert!((observed_scalability(&half) - 1400.0 / 2100.0).abs() < 1e-12);
    let two: VecDeque<(u32, f64)> = [(1, 100.0), (2, 110.0)].into();
    assert_eq!(observed_scalability(&two), 1.0);
}

fn full(case: &mut Case) {
    case.settings.autoscaler.down_delay = Millis::saturating(3_600_000.0);
    case.span = case.settings.window;
}

#[test]
fn the_busiest_executor_decides_and_the_band_keeps() {
    let mut case = Case::line(1000.0, &[(4, 1000.0, 0.7)]);
    full(&mut case);
    let mut memory = Memory::default();
    assert_eq!(case.counts(|s| find(s, &mut memory)), []);
    case.set_busy(1, 0.5);
    case.flow.components[1].measured[2].busy = 1.1;
    // One executor at 1.1: 1000 / 1.1 = 909 against 1000 / 0.7 + 1000 / 6 = 1595: 4 * 1.755.
    assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 8)]);
}

#[test]
fn fewer_executors_come_after_an_hour() {
    let mut case = Case::line(1000.0, &[(8, 1000.0, 0.2)]);
    full(&mut case);
    let mut memory = Memory::default();
    assert_eq!(case.counts(|s| find(s, &mut memory)), []);
    case.wait(3000);
    case.set_busy(1, 0.25);
    assert_eq!(case.counts(|s| find(s, &mut memory)), []);
    case.wait(600);
    // The largest desired count of the hour: 8 * 0.25 * (1 / 0.7 + 1 / 6) = 3.19.
    assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 4)]);
}

#[test]
fn a_backlog_allows_no_scale_down() {
    let mut case = Case::line(1000.0, &[(8, 1000.0, 0.2)]);
    full(&mut case);
    case.flow.components[0].target.backlog = Some(301_000);
    let mut memory = Memory::default();
    case.counts(|s| find(s, &mut memory));
    case.wait(4000);
    assert_eq!(case.codes(|s| find(s, &mut memory)), [ReasonCode::DemandMet]);
}

#[test]
fn a_source_under_back_pressure_is_observed() {
    let mut case = Case::line(1000.0, &[(4, 1000.0, 1.0)]);
    let source = &mut case.flow.components[0];
    source.timed = true;
    source.measured[0].busy = 0.1;
    source.backpressured = Some(0.5);
    source.target.backlog = Some(40_000);
    assert_eq!(true_rate(source), Some(2000.0), "not the 10000 that busy time tells");
    source.target.backlog = Some(10_000);
    assert_eq!(true_rate(source), Some(10_000.0), "the lag is short");
}
