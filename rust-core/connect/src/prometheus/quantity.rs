//! What is read of a node: one table for answers, columns and pages.

/// What is read of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Part of the time of all cores in which they had work.
    CpuBusy,
    /// Part of it that a hypervisor gave to others.
    CpuSteal,
    /// Cores.
    Cores,
    /// What was ready to run, over a minute.
    Load,
    /// Memory that could be had without swapping.
    MemoryAvailable,
    /// All memory.
    MemoryTotal,
    /// Swap in use.
    SwapUsed,
    /// All swap.
    SwapTotal,
    /// What may still be written to the fullest file system.
    DiskAvailable,
    /// What it holds.
    DiskSize,
    /// Read from disks.
    DiskRead,
    /// Written to disks.
    DiskWritten,
    /// Part of the time in which the busiest disk had something to do.
    DiskBusy,
    /// Received from the network.
    NetworkReceived,
    /// Sent to it.
    NetworkSent,
    /// Errors of receiving and sending.
    NetworkErrors,
    /// Open files.
    FilesOpen,
    /// As many may be open.
    FilesMost,
    /// Heap in use by JVMs.
    HeapUsed,
    /// The most heap that they may use.
    HeapMax,
    /// Seconds in garbage collectors, per second.
    Collectors,
}

impl Quantity {
    /// All of them, with their names for programs, in which the unit comes last, and what each is for people.
    pub const ALL: [(Self, &'static str, &'static str); 21] = [
        (
            Self::CpuBusy,
            "cpu_busy_share",
            "processor time in which cores had work: all but `idle` and `iowait`, as a part of 1",
        ),
        (
            Self::CpuSteal,
            "cpu_steal_share",
            "processor time that a hypervisor gave to others, as a part of 1",
        ),
        (Self::Cores, "cores", "cores"),
        (Self::Load, "load_1m", "what was ready to run or waited for a disk, over a minute"),
        (
            Self::MemoryAvailable,
            "memory_available_bytes",
            "memory that could be had without swapping",
        ),
        (Self::MemoryTotal, "memory_total_bytes", "all memory"),
        (Self::SwapUsed, "swap_used_bytes", "swap in use"),
        (Self::SwapTotal, "swap_total_bytes", "all swap"),
        (
            Self::DiskAvailable,
            "disk_available_bytes",
            "what may still be written to the fullest file system that is on a disk",
        ),
        (Self::DiskSize, "disk_size_bytes", "what that file system holds"),
        (Self::DiskRead, "disk_read_bytes_per_sec", "read from all disks"),
        (Self::DiskWritten, "disk_written_bytes_per_sec", "written to all disks"),
        (
            Self::DiskBusy,
            "disk_busy_share",
            "time in which the busiest disk had something to do, as a part of 1",
        ),
        (
            Self::NetworkReceived,
            "network_received_bytes_per_sec",
            "received by all network devices that are none of software",
        ),
        (Self::NetworkSent, "network_sent_bytes_per_sec", "sent by them"),
        (Self::NetworkErrors, "network_errors_per_sec", "errors of receiving and sending of them"),
        (Self::FilesOpen, "files_open", "open files of the whole machine"),
        (Self::FilesMost, "files_most", "as many may be open"),
        (Self::HeapUsed, "heap_used_bytes", "heap in use by the node's JVMs"),
        (Self::HeapMax, "heap_max_bytes", "the most heap that they may use"),
        (
            Self::Collectors,
            "collectors_secs_per_sec",
            "seconds in which their garbage collectors ran, per second",
        ),
    ];

    /// Its name for programs.
    pub fn name(self) -> &'static str {
        let of = |(quantity, ..): &&(Self, _, _)| *quantity == self;
        Self::ALL.iter().find(of).map_or("", |(_, name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Quantity::ALL.iter().map(|(one, ..)| one.name()).collect();
        assert_eq!(names.len(), Quantity::ALL.len());
        assert!(!names.contains(""));
    }
}
