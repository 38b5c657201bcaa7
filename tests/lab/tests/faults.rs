//! What the lab does to a running cluster has the effect that its name says.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thalweg_lab::counts::{Output, Spouts};
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::process::tails;
use thalweg_lab::wait::until_seen;
use thalweg_lab::{CpuLimit, Kafka, Network, StormBuilder, StormCluster, StormJob, skipped};

const WORDS_PER_LINE: f64 = 7.0;
const RATE: f64 = 100.0;
const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn a_cluster_takes_orders_and_survives_faults() {
    let network = match Network::Namespaces.available() {
        Ok(()) => Network::Namespaces,
        Err(why) => {
            skipped("slow links between nodes", &format!("{why:#}"));
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
    let flows = |storm: &StormCluster| {
        let rate = || {
            let now = now_ms();
            Ok(Output::read(&out)?.rate(&(now - 2_000..now)))
        };
        until_seen("full output", LIMIT, rate, |rate| *rate > 0.8 * RATE * WORDS_PER_LINE)
            .unwrap_or_else(|error| panic!("{error:#}\n{}", tails(&storm.logs())));
    };

    flows(&storm);
    if network == Network::Namespaces {
        slow_links_show_in_latency(&storm, &out);
        flows(&storm);
    }
    a_small_share_slows_the_work_down(&storm);

    let four = BTreeMap::from([("split".to_owned(), 4)]);
    storm.control().rebalance("words", 0, &four, None).unwrap();
    executors_become(&storm, 4);
    flows(&storm);

    storm.kill_nimbus();
    assert!(storm.control().topologies().is_err());
    storm.start_nimbus().unwrap();
    let names = || {
        let known = storm.control().topologies()?;
        Ok(known.into_iter().map(|topology| topology.name).collect::<Vec<_>>())
    };
    until_seen("the topology under a new Nimbus", LIMIT, names, |names| *names == ["words"])
        .unwrap();

    let lost = storm.nodes()[1].site.host.clone();
    storm.kill_node(2).unwrap();
    let info = || storm.control().info("words");
    until_seen("a placement without the dead node", LIMIT, info, |info| {
        info.all_report() && info.executors.iter().all(|executor| executor.host != lost)
    })
    .unwrap();
    flows(&storm);
    storm.start_node(2).unwrap();
    storm.wait_registered(3, LIMIT).unwrap();

    assert!(load.stop().unwrap().records > 0);
    let lag = || Ok(kafka.progress("lines", "words")?.lag());
    until_seen("commits of all records", LIMIT, lag, |lag| *lag == 0).unwrap();
    storm.control().kill("words", 0).unwrap();
    let left = || storm.control().topologies();
    until_seen("the end of the topology", LIMIT, left, Vec::is_empty).unwrap();
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
    let slow = 4.0 * before + 100.0;
    until_seen(&format!("latencies above {slow} ms"), LIMIT, latency, |ms| *ms > slow).unwrap();
    for n in 1..=storm.nodes().len() {
        storm.limit_network(n, None).unwrap();
    }
}

fn a_small_share_slows_the_work_down(storm: &StormCluster) {
    let info = storm.control().info("words").unwrap();
    let host = info.of("split").next().unwrap().host.clone();
    let n = 1 + storm.nodes().iter().position(|node| node.site.host == host).unwrap();
    match storm.limit_cpu(n, Some(0.1)).unwrap() {
        CpuLimit::NotAvailable(why) => skipped("a node with a share of the processor", &why),
        CpuLimit::Applied => {
            let worst = || {
                let info = storm.control().info("words")?;
                let times =
                    info.of("split").filter_map(|executor| executor.stats.as_ref()?.execute_ms);
                Ok(times.fold(0.0, f64::max))
            };
            let slow =
                until_seen("longer execution on the slowed node", LIMIT, worst, |ms| *ms > 4.0);
            assert_eq!(storm.limit_cpu(n, None).unwrap(), CpuLimit::Applied);
            slow.unwrap();
        }
    }
}

fn executors_become(storm: &StormCluster, count: usize) {
    let info = || storm.control().info("words");
    until_seen(&format!("{count} executors of split"), LIMIT, info, |info| {
        info.of("split").count() == count && info.all_report()
    })
    .unwrap();
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
