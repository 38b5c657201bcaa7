//! What the lab does to a running cluster has the effect that its name says.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thalweg_lab::counts::{Output, Spouts};
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::wait::until;
use thalweg_lab::{CpuLimit, Kafka, Network, StormBuilder, StormCluster, StormJob};

const WORDS_PER_LINE: f64 = 7.0;
const RATE: f64 = 100.0;
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn a_cluster_takes_orders_and_survives_faults() {
    let network = match Network::Namespaces.available() {
        Ok(()) => Network::Namespaces,
        Err(why) => {
            eprintln!("no namespaces here: {why:#}");
            Network::Loopback
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let mut storm = StormBuilder::new(folder.path())
        .nodes(3)
        .network(network)
        // Storm would take two minutes to give up executors that were placed anew just before their node died. Much
        // shorter, and a busy machine has workers given up that are about to start.
        .set("nimbus.task.launch.secs", 60)
        .set("nimbus.task.timeout.secs", 15)
        .set("nimbus.supervisor.timeout.secs", 15)
        // A Nimbus that has just started schedules nothing before it has heard of every worker; here one node dies.
        .set("supervisor.worker.heartbeats.max.timeout.secs", 15)
        .start()
        .unwrap();
    let kafka = Kafka::start(storm.hub()).unwrap();
    kafka.create_topic("lines", 2).unwrap();
    let out = storm.dir().join("out");
    let topology = StormJob::word_count("words", kafka.bootstrap(), "lines")
        .set("workers", 3)
        .set("split", 2)
        .set("splitTasks", 4)
        .set("splitCost", 2)
        .set("timeout", 10)
        .out(&out);
    storm.submit(&topology, LIMIT).unwrap();
    let load =
        Generator::start(&Load::new(kafka.bootstrap(), "lines", Rate::Constant(RATE))).unwrap();
    let flows = || {
        until("full output", LIMIT, || {
            let now = now_ms();
            let rate = Output::read(&out)?.rate(&(now - 2_000..now));
            Ok((rate > 0.8 * RATE * WORDS_PER_LINE).then_some(()))
        })
        .unwrap();
    };

    flows();
    if network == Network::Namespaces {
        slow_links_show_in_latency(&storm, &out);
        flows();
    }
    a_small_share_slows_the_work_down(&storm);

    let four = BTreeMap::from([("split".to_owned(), 4)]);
    storm.control().rebalance("words", 0, &four, None).unwrap();
    executors_become(&storm, 4);
    flows();

    storm.kill_nimbus();
    assert!(storm.control().topologies().is_err());
    storm.start_nimbus().unwrap();
    assert_eq!(storm.control().topologies().unwrap()[0].name, "words");

    let lost = storm.nodes()[1].site.host.clone();
    storm.kill_node(2).unwrap();
    until("a placement without the dead node", LIMIT, || {
        let info = storm.control().info("words")?;
        let moved =
            info.all_report() && info.executors.iter().all(|executor| executor.host != lost);
        Ok(moved.then_some(()))
    })
    .unwrap();
    flows();
    storm.start_node(2).unwrap();
    storm.wait_registered(3, LIMIT).unwrap();

    assert!(load.stop().unwrap().records > 0);
    until("commits of all records", LIMIT, || {
        Ok((kafka.progress("lines", "words")?.lag() == 0).then_some(()))
    })
    .unwrap();
    storm.control().kill("words", 0).unwrap();
    until("the end of the topology", LIMIT, || {
        Ok(storm.control().topologies()?.is_empty().then_some(()))
    })
    .unwrap();
}

fn slow_links_show_in_latency(storm: &StormCluster, out: &std::path::Path) {
    let latency = || {
        let now = now_ms();
        Ok::<_, anyhow::Error>(Spouts::read(out)?.within(&(now - 2_000..now)).mean_ms)
    };
    let before = latency().unwrap();
    for n in 1..=storm.nodes().len() {
        storm.limit_network(n, Some(60)).unwrap();
    }
    until("longer latencies", LIMIT, || Ok((latency()? > 4.0 * before + 100.0).then_some(())))
        .unwrap();
    for n in 1..=storm.nodes().len() {
        storm.limit_network(n, None).unwrap();
    }
}

fn a_small_share_slows_the_work_down(storm: &StormCluster) {
    let info = storm.control().info("words").unwrap();
    let host = info.of("split").next().unwrap().host.clone();
    let n = 1 + storm.nodes().iter().position(|node| node.site.host == host).unwrap();
    match storm.limit_cpu(n, Some(0.1)).unwrap() {
        CpuLimit::NotAvailable(why) => eprintln!("no processor limits here: {why}"),
        CpuLimit::Applied => {
            let slow = until("longer execution on the slowed node", LIMIT, || {
                let info = storm.control().info("words")?;
                let worst =
                    info.of("split").filter_map(|executor| executor.stats.as_ref()?.execute_ms);
                let worst = worst.fold(0.0, f64::max);
                Ok((worst > 4.0).then_some(worst))
            });
            assert_eq!(storm.limit_cpu(n, None).unwrap(), CpuLimit::Applied);
            slow.unwrap();
        }
    }
}

fn executors_become(storm: &StormCluster, count: usize) {
    until("the new number of executors", LIMIT, || {
        let info = storm.control().info("words")?;
        Ok((info.of("split").count() == count && info.all_report()).then_some(()))
    })
    .unwrap();
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
