//! What node_exporter tells of one machine.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_core::units::Timestamp;

use super::counters::{gauge, growth, rate, sum};
use super::names;
use super::quantity::Quantity;
use super::reading::{Missing, Reading, Value};
use super::series::{Series, Span};

/// Modes in which a core has nothing to do.
const IDLE: [&str; 2] = ["idle", "iowait"];
/// File systems that are on no disk of the machine's own, or are full by nature.
const NO_DISKS: [&str; 12] = [
    "autofs",
    "devtmpfs",
    "efivarfs",
    "fuse.lxcfs",
    "iso9660",
    "nfs",
    "nfs4",
    "nsfs",
    "proc",
    "ramfs",
    "squashfs",
    "tmpfs",
];
/// Devices over others, which would be counted twice, or over memory.
const LAYERS: [&str; 7] = ["dm-", "md", "loop", "ram", "zram", "sr", "fd"];
/// Network devices of software: what passes them passes another one too, or never leaves the machine.
const SOFTWARE: [&str; 24] = [
    "lo",
    "veth",
    "docker",
    "br",
    "virbr",
    "cni",
    "cali",
    "flannel",
    "cilium",
    "lxc",
    "kube",
    "nodelocaldns",
    "tun",
    "tap",
    "bond",
    "team",
    "ifb",
    "dummy",
    "macv",
    "ovs",
    "vlan",
    "vnet",
    "vxlan",
    "wg",
];

/// All that is told of the machine.
pub fn readings(series: &[&Series], span: Span) -> BTreeMap<Quantity, Reading> {
    let told = Told { series, span };
    let [busy, steal, cores] = told.cpu();
    let [available, size] = told.fullest();
    BTreeMap::from([
        (Quantity::CpuBusy, busy),
        (Quantity::CpuSteal, steal),
        (Quantity::Cores, cores),
        (Quantity::Load, told.one(names::LOAD)),
        (Quantity::MemoryAvailable, told.one(names::MEMORY_AVAILABLE)),
        (Quantity::MemoryTotal, told.one(names::MEMORY_TOTAL)),
        (Quantity::SwapUsed, told.swap_used()),
        (Quantity::SwapTotal, told.one(names::SWAP_TOTAL)),
        (Quantity::DiskAvailable, available),
        (Quantity::DiskSize, size),
        (Quantity::DiskRead, told.rates(&[names::DISK_READ], &LAYERS)),
        (Quantity::DiskWritten, told.rates(&[names::DISK_WRITTEN], &LAYERS)),
        (Quantity::DiskBusy, told.busiest_disk()),
        (Quantity::NetworkReceived, told.rates(&[names::RECEIVED], &SOFTWARE)),
        (Quantity::NetworkSent, told.rates(&[names::SENT], &SOFTWARE)),
        (
            Quantity::NetworkErrors,
            told.rates(&[names::RECEIVE_ERRORS, names::SEND_ERRORS], &SOFTWARE),
        ),
        (Quantity::FilesOpen, told.one(names::FILES_OPEN)),
        (Quantity::FilesMost, told.one(names::FILES_MOST)),
    ])
}

#[derive(Clone, Copy)]
struct Told<'a> {
    series: &'a [&'a Series],
    span: Span,
}

impl<'a> Told<'a> {
    fn named(self, name: &str) -> impl Iterator<Item = &'a Series> {
        self.series.iter().copied().filter(move |series| series.name == name)
    }

    /// The value of a gauge without further labels.
    fn one(self, name: &str) -> Reading {
        self.named(name).next().map_or(Err(Missing::NotTold), |series| gauge(series, self.span))
    }

    /// The busy share, the stolen one, and the number of cores.
    fn cpu(self) -> [Reading; 3] {
        let (mut all, mut idle, mut stolen) = (0.0, 0.0, 0.0);
        let mut oldest = None;
        for series in self.named(names::CPU) {
            let grown = match growth(series, self.span) {
                Ok(grown) => grown,
                Err(missing) => return [Err(missing), Err(missing), self.cores()],
            };
            all += grown.amount;
            match series.label("mode") {
                mode if IDLE.contains(&mode) => idle += grown.amount,
                "steal" => stolen += grown.amount,
                _ => {}
            }
            oldest = Some(oldest.map_or(grown.at, |oldest: Timestamp| oldest.min(grown.at)));
        }
        let Some(at) = oldest else { return [(); 3].map(|()| Err(Missing::NotTold)) };
        if all <= 0.0 {
            return [Err(Missing::NoNumber), Err(Missing::NoNumber), self.cores()];
        }
        let value = |value: f64| Ok(Value { value, at, of: String::new() });
        [value((all - idle) / all), value(stolen / all), self.cores()]
    }

    fn cores(self) -> Reading {
        let mut cores = BTreeSet::new();
        let last = sum(self.named(names::CPU).map(|series| {
            cores.insert(series.label("cpu"));
            gauge(series, self.span)
        }))?;
        Ok(Value { value: cores.len() as f64, ..last })
    }

    fn swap_used(self) -> Reading {
        let (total, free) = (self.one(names::SWAP_TOTAL)?, self.one(names::SWAP_FREE)?);
        Ok(Value {
            value: (total.value - free.value).max(0.0),
            at: total.at.min(free.at),
            of: String::new(),
        })
    }

    /// What is available in the file system of a disk that has least of its size left, and its size.
    fn fullest(self) -> [Reading; 2] {
        let mut fullest: Option<(f64, [Value; 2])> = None;
        for series in self.named(names::DISK_AVAILABLE) {
            if NO_DISKS.contains(&series.label("fstype")) {
                continue;
            }
            let same = |other: &&Series| other.labels == series.labels;
            let size = self.named(names::DISK_SIZE).find(same);
            let size = size.map_or(Err(Missing::NotTold), |size| gauge(size, self.span));
            let (mut available, mut size) = match (gauge(series, self.span), size) {
                (Ok(available), Ok(size)) => (available, size),
                (Err(missing), _) | (_, Err(missing)) => return [Err(missing), Err(missing)],
            };
            if size.value <= 0.0 {
                continue;
            }
            let left = available.value / size.value;
            if fullest.as_ref().is_none_or(|(least, _)| left < *least) {
                available.of = series.label("mountpoint").to_owned();
                size.of.clone_from(&available.of);
                fullest = Some((left, [available, size]));
            }
        }
        match fullest {
            Some((_, both)) => both.map(Ok),
            None => [Err(Missing::NotTold), Err(Missing::NotTold)],
        }
    }

    fn of_devices(self, name: &str, without: &'static [&str]) -> impl Iterator<Item = &'a Series> {
        self.named(name).filter(|series| {
            let device = series.label("device");
            // What is one of several on another device has a name such as `eth0.100` or `eth0@if7`.
            let over_another = device.contains(['.', '@']);
            !over_another && !without.iter().any(|begin| device.starts_with(begin))
        })
    }

    fn rates(self, names: &[&str], without: &'static [&str]) -> Reading {
        let each = names
            .iter()
            .map(|name| sum(self.of_devices(name, without).map(|series| rate(series, self.span))));
        sum(each)
    }

    fn busiest_disk(self) -> Reading {
        let mut busiest: Option<Value> = None;
        for series in self.of_devices(names::DISK_BUSY, &LAYERS) {
            let one = rate(series, self.span)?;
            if busiest.as_ref().is_none_or(|busiest| one.value > busiest.value) {
                busiest = Some(Value { of: series.label("device").to_owned(), ..one });
            }
        }
        busiest.ok_or(Missing::NotTold)
    }
}
