//! Series of made-up machines, and what is known of nodes by them.

use thalweg_core::units::{Millis, Timestamp};

use super::*;

const NOW: i64 = 1_000_000;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

fn span() -> Span {
    Span { until: at(NOW), long: Millis::saturating(120_000.0) }
}

/// A series with a value a minute ago and one now.
fn series(name: &str, labels: &[(&str, &str)], values: [f64; 2]) -> Series {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let point = |(ago, value)| Point { at: at(NOW - ago), value };
    let points = [(60, values[0]), (0, values[1])].map(point).to_vec();
    Series { name: name.to_owned(), labels: labels.collect(), points }
}

/// What a node_exporter tells: of two cores, one busy for 30 s of the last 60 s and robbed for 6 s of them.
fn exporter(instance: &str, nodename: &str) -> Vec<Series> {
    let instance = ("instance", instance);
    let cpu = |cpu, mode, grown: f64| {
        series(
            "node_cpu_seconds_total",
            &[instance, ("cpu", cpu), ("mode", mode)],
            [100.0, 100.0 + grown],
        )
    };
    let gauge = |name, value| series(name, &[instance], [value, value]);
    let device = |name, device, grown: f64| {
        series(name, &[instance, ("device", device)], [5.0, 5.0 + grown])
    };
    let disk = |name, mount, kind, value| {
        series(
            name,
            &[instance, ("mountpoint", mount), ("fstype", kind), ("device", "x")],
            [value; 2],
        )
    };
    vec![
        cpu("0", "idle", 24.0),
        cpu("0", "user", 30.0),
        cpu("0", "steal", 6.0),
        cpu("1", "idle", 50.0),
        cpu("1", "iowait", 10.0),
        series("node_uname_info", &[instance, ("nodename", nodename)], [1.0, 1.0]),
        gauge("node_load1", 0.5),
        gauge("node_memory_MemAvailable_bytes", 3e9),
        gauge("node_memory_MemTotal_bytes", 8e9),
        gauge("node_memory_SwapTotal_bytes", 2e9),
        gauge("node_memory_SwapFree_bytes", 1.5e9),
        gauge("node_filefd_allocated", 900.0),
        disk("node_filesystem_avail_bytes", "/", "ext4", 5e9),
        disk("node_filesystem_size_bytes", "/", "ext4", 50e9),
        disk("node_filesystem_avail_bytes", "/data", "xfs", 9e9),
        disk("node_filesystem_size_bytes", "/data", "xfs", 10e9),
        disk("node_filesystem_avail_bytes", "/run", "tmpfs", 0.0),
        disk("node_filesystem_size_bytes", "/run", "tmpfs", 1e9),
        device("node_disk_io_time_seconds_total", "sda", 6.0),
        device("node_disk_io_time_seconds_total", "sdb", 30.0),
        device("node_disk_io_time_seconds_total", "dm-0", 60.0),
        device("node_disk_written_bytes_total", "sda", 600.0),
        device("node_disk_written_bytes_total", "sdb", 60.0),
        device("node_network_receive_bytes_total", "eth0", 6000.0),
        device("node_network_receive_bytes_total", "lo", 90000.0),
        device("node_network_receive_errs_total", "eth0", 6.0),
        device("node_network_transmit_errs_total", "eth0", 0.0),
    ]
}

fn known(pairs: &[(&str, &str)]) -> Vec<Known> {
    pairs
        .iter()
        .map(|(id, host)| Known { id: (*id).to_owned(), host: (*host).to_owned() })
        .collect()
}

fn left_out(telemetry: &Telemetry) -> Vec<(String, &'static str)> {
    let name = |who: &Who| match who {
        Who::Node(node) => node.id.clone(),
        Who::Target(target) => target.clone(),
    };
    telemetry.left_out.iter().map(|one| (name(&one.who), one.why.code())).collect()
}

#[test]
fn what_a_node_exporter_tells_is_read() {
    let all = exporter("10.0.0.1:9100", "worker1");
    let found = read(&all, None, span());
    let [node] = &found.nodes[..] else { panic!("{found:?}") };
    assert_eq!(
        (node.id.as_str(), &node.sources[..]),
        ("worker1", &["10.0.0.1:9100".to_owned()][..])
    );
    let table = [
        (Quantity::CpuBusy, 36.0 / 120.0),
        (Quantity::CpuSteal, 6.0 / 120.0),
        (Quantity::Cores, 2.0),
        (Quantity::Load, 0.5),
        (Quantity::MemoryAvailable, 3e9),
        (Quantity::MemoryTotal, 8e9),
        (Quantity::SwapUsed, 0.5e9),
        (Quantity::SwapTotal, 2e9),
        (Quantity::DiskAvailable, 5e9),
        (Quantity::DiskSize, 50e9),
        (Quantity::DiskWritten, 11.0),
        (Quantity::DiskBusy, 0.5),
        (Quantity::NetworkReceived, 100.0),
        (Quantity::NetworkErrors, 0.1),
        (Quantity::FilesOpen, 900.0),
    ];
    for (quantity, value) in table {
        let found = node.value(quantity).unwrap_or_else(|| panic!("{quantity:?}"));
        assert!(
            (found - value).abs() < 1e-9 * value.max(1.0),
            "{quantity:?}: {found}, not {value}"
        );
    }
    let of = |quantity| node.reading(quantity).map(|value| value.of);
    assert_eq!(
        (of(Quantity::DiskSize), of(Quantity::DiskBusy)),
        (Ok("/".into()), Ok("sdb".into()))
    );
    for quantity in
        [Quantity::FilesMost, Quantity::DiskRead, Quantity::NetworkSent, Quantity::HeapUsed]
    {
        assert_eq!(node.reading(quantity), Err(Missing::NotTold), "{quantity:?}");
    }
    assert_eq!(node.readings.len(), Quantity::ALL.len());
}

#[test]
fn nodes_are_found_by_address_name_and_labels() {
    let mut all = exporter("10.0.0.1:9100", "worker1");
    all.extend(exporter("worker2.dc.example:9100", "worker2"));
    let mut labelled = exporter("10.0.0.3:9100", "abc");
    labelled
        .iter_mut()
        .for_each(|s| drop(s.labels.insert("node".to_owned(), "Worker3".to_owned())));
    all.extend(labelled);
    let nodes = known(&[
        ("a", "10.0.0.1"),
        ("b", "worker1"),
        ("c", "worker2"),
        ("d", "WORKER3"),
        ("e", "worker1.dc.example"),
        ("f", "10.0.0.9"),
    ]);
    let found = read(&all, Some(&nodes), span());
    let ids: Vec<&str> = found.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "d", "e"]);
    assert_eq!(left_out(&found), [("f".to_owned(), "UNKNOWN")]);
    // Who is asked for is all that is wanted; the others are named.
    let found = read(&all, Some(&nodes[..1]), span());
    assert_eq!(
        left_out(&found),
        [
            ("10.0.0.3:9100".to_owned(), "NO_NODE"),
            ("worker2.dc.example:9100".to_owned(), "NO_NODE")
        ]
    );
}

#[test]
fn what_could_be_of_several_machines_is_left_out_and_named() {
    let mut all = exporter("worker1.a:9100", "x");
    all.extend(exporter("worker1.b:9100", "y"));
    let nodes = known(&[("one", "worker1")]);
    let found = read(&all, Some(&nodes), span());
    assert!(found.nodes.is_empty());
    assert_eq!(left_out(&found)[0], ("one".to_owned(), "AMBIGUOUS"));
    // An instance by whose name two machines are scraped, as where servers are put together.
    let mut all = exporter("localhost:9100", "x");
    all.extend(exporter("localhost:9100", "y"));
    let found = read(&all, None, span());
    assert!(found.nodes.is_empty());
    assert_eq!(left_out(&found), [("localhost:9100".to_owned(), "MANY_NAMES")]);
    assert_eq!(found.left_out[0].why.to_string(), "it tells of several machines: x, y");
    // The same machine scraped twice is not twice as large.
    let mut all = exporter("10.0.0.1:9100", "x");
    all.extend(exporter("10.0.0.1:9101", "x"));
    let found = read(&all, None, span());
    assert_eq!(found.nodes[0].value(Quantity::Cores), Some(2.0));
    assert_eq!(left_out(&found), [("10.0.0.1:9101".to_owned(), "SECOND")]);
}

#[test]
fn what_is_stale_is_missing_and_never_zero() {
    let mut all = exporter("a:9100", "a");
    for series in &mut all {
        series
            .points
            .iter_mut()
            .for_each(|point| point.at = point.at.minus(Millis::saturating(61_000.0)));
    }
    let found = read(&all, None, span());
    assert_eq!(found.nodes[0].reading(Quantity::CpuBusy), Err(Missing::Stale { secs: 61 }));
    assert_eq!(found.nodes[0].reading(Quantity::Load), Err(Missing::Stale { secs: 61 }));
    assert_eq!(found.nodes[0].value(Quantity::MemoryAvailable), None);
    // One core that is not told of any more makes what all do unknown.
    let mut all = exporter("a:9100", "a");
    all[3].points.truncate(1);
    let found = read(&all, None, span());
    assert!(matches!(
        found.nodes[0].reading(Quantity::CpuBusy),
        Err(Missing::OneValue | Missing::Stale { .. })
    ));
}

#[test]
fn jvms_are_those_of_a_node_and_several_nodes_do_not_share_them() {
    let heap = |instance: &str, tm: &str, used: f64| {
        let labels = [("instance", instance), ("host", "worker1"), ("tm_id", tm)];
        let value = |name: &str, value: f64| series(name, &labels, [value, value]);
        vec![
            value("flink_taskmanager_Status_JVM_Memory_Heap_Used", used),
            value("flink_taskmanager_Status_JVM_Memory_Heap_Max", 4e9),
            series(
                "flink_taskmanager_Status_JVM_GarbageCollector_G1_Old_Generation_Time",
                &labels,
                [0.0, 600.0],
            ),
            series(
                "flink_taskmanager_Status_JVM_GarbageCollector_G1_Young_Generation_Time",
                &labels,
                [0.0, 1200.0],
            ),
        ]
    };
    let mut all = exporter("worker1:9100", "worker1");
    all.extend(heap("worker1:9249", "10_0_0_5:43525_5cbd3a", 1e9));
    all.extend(heap("worker1:9250", "tm2", 2e9));
    let found = read(
        &all,
        Some(&known(&[("10.0.0.5:43525-5cbd3a", "worker1"), ("tm2", "worker1")])),
        span(),
    );
    let of = |at: usize, quantity| found.nodes[at].value(quantity);
    assert_eq!((of(0, Quantity::HeapUsed), of(1, Quantity::HeapUsed)), (Some(1e9), Some(2e9)));
    assert_eq!(of(1, Quantity::HeapMax), Some(4e9));
    assert!((of(0, Quantity::Collectors).unwrap_or_default() - 0.03).abs() < 1e-9);
    assert_eq!(found.nodes[1].sources, ["worker1:9100", "worker1:9250"]);
    // Where nobody says whose a JVM is, it is one node's if there is only one.
    let pools = [("G1 Eden Space", 1e8, -1.0), ("G1 Old Gen", 3e8, 1e9)];
    let mut all = exporter("worker1:9100", "worker1");
    for (pool, used, max) in pools {
        let labels = [("instance", "worker1:7000"), ("area", "heap"), ("id", pool)];
        all.push(series("jvm_memory_used_bytes", &labels, [used, used]));
        all.push(series("jvm_memory_max_bytes", &labels, [max, max]));
    }
    all.push(series(
        "jvm_memory_used_bytes",
        &[("instance", "worker1:7000"), ("area", "nonheap")],
        [5.0, 5.0],
    ));
    all.push(series("jvm_gc_pause_seconds_sum", &[("instance", "worker1:7000")], [10.0, 13.0]));
    let found = read(&all, Some(&known(&[("one", "worker1")])), span());
    let of = |quantity| found.nodes[0].value(quantity);
    assert_eq!((of(Quantity::HeapUsed), of(Quantity::HeapMax)), (Some(4e8), Some(1e9)));
    assert_eq!(of(Quantity::Collectors), Some(0.05));
    let found = read(&all, Some(&known(&[("one", "worker1"), ("two", "worker1")])), span());
    assert_eq!(found.nodes[1].reading(Quantity::HeapUsed), Err(Missing::Shared));
    assert_eq!(found.nodes[1].value(Quantity::Cores), Some(2.0));
}

#[test]
fn the_past_is_read_moment_by_moment() {
    let mut busy = series(
        "node_cpu_seconds_total",
        &[("instance", "a:1"), ("cpu", "0"), ("mode", "user")],
        [0.0; 2],
    );
    let mut idle = series(
        "node_cpu_seconds_total",
        &[("instance", "a:1"), ("cpu", "0"), ("mode", "idle")],
        [0.0; 2],
    );
    let value = |second, value| Point { at: at(NOW - 60 + second), value };
    busy.points = vec![value(0, 0.0), value(15, 15.0), value(30, 15.0), value(60, 20.0)];
    idle.points = vec![value(0, 0.0), value(15, 0.0), value(30, 15.0), value(60, 30.0)];
    let moments = Moments::of(at(NOW), 60, 15).expect("there are some");
    let found: Vec<Telemetry> = history(&[busy, idle], None, moments).collect();
    let busy = |telemetry: &Telemetry| {
        telemetry.nodes.first().and_then(|node| node.value(Quantity::CpuBusy))
    };
    let times: Vec<i64> = found.iter().map(|one| one.at.millis() / 1000 - NOW).collect();
    assert_eq!(times, [-45, -30, -15, 0]);
    // At the third nothing was scraped, and the fourth has nothing before it.
    assert_eq!(found.iter().map(busy).collect::<Vec<_>>(), [Some(1.0), Some(0.0), None, None]);
    assert_eq!(Moments::of(at(NOW), 60, 0), None);
    assert_eq!(Moments::of(at(NOW), 10, 15), None);
    assert_eq!(Moments::of(at(NOW), 86_400 * 30, 15), None);
}

#[test]
fn targets_that_turn_out_to_be_on_one_machine_are_brought_together() {
    // Each of two is known by one name, until a third has both.
    let of = |instance, node| {
        series("jvm_gc_pause_seconds_sum", &[("instance", instance), ("node", node)], [0.0, 6.0])
    };
    let all = [of("10.0.0.1:1", ""), of("worker1:2", ""), of("10.0.0.1:3", "worker1")];
    let found = read(&all, Some(&known(&[("one", "worker1"), ("two", "10.0.0.2")])), span());
    assert_eq!(found.nodes[0].sources, ["10.0.0.1:1", "10.0.0.1:3", "worker1:2"]);
    assert_eq!(
        found.nodes[0].reading(Quantity::Collectors).map(|v| (v.value * 10.0).round()),
        Ok(3.0)
    );
}
