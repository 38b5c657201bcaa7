//! The metrics that are read, by the names that node_exporter, exporters of JVMs and Flink's reporter give them.

/// Time in each mode, of each core.
pub const CPU: &str = "node_cpu_seconds_total";
/// Says what the machine calls itself.
pub const UNAME: &str = "node_uname_info";
/// What is ready to run, on average over a minute.
pub const LOAD: &str = "node_load1";
/// Memory that could be had without swapping.
pub const MEMORY_AVAILABLE: &str = "node_memory_MemAvailable_bytes";
/// All memory.
pub const MEMORY_TOTAL: &str = "node_memory_MemTotal_bytes";
/// Swap that nobody uses.
pub const SWAP_FREE: &str = "node_memory_SwapFree_bytes";
/// All swap.
pub const SWAP_TOTAL: &str = "node_memory_SwapTotal_bytes";
/// Open files of the whole machine.
pub const FILES_OPEN: &str = "node_filefd_allocated";
/// As many may be open.
pub const FILES_MOST: &str = "node_filefd_maximum";
/// What a user who is not root may still write.
pub const DISK_AVAILABLE: &str = "node_filesystem_avail_bytes";
/// What a file system holds.
pub const DISK_SIZE: &str = "node_filesystem_size_bytes";
/// Read from a disk.
pub const DISK_READ: &str = "node_disk_read_bytes_total";
/// Written to a disk.
pub const DISK_WRITTEN: &str = "node_disk_written_bytes_total";
/// Time in which a disk had something to do.
pub const DISK_BUSY: &str = "node_disk_io_time_seconds_total";
/// Received by a network device.
pub const RECEIVED: &str = "node_network_receive_bytes_total";
/// Sent by one.
pub const SENT: &str = "node_network_transmit_bytes_total";
/// Errors of receiving.
pub const RECEIVE_ERRORS: &str = "node_network_receive_errs_total";
/// Errors of sending.
pub const SEND_ERRORS: &str = "node_network_transmit_errs_total";

/// Heap in use: as Flink's reporter, Prometheus's client up to 0.16, and Prometheus's client from 1.0 on and Micrometer say it.
pub const HEAP_USED: [&str; 3] = [
    "flink_taskmanager_Status_JVM_Memory_Heap_Used",
    "jvm_memory_bytes_used",
    "jvm_memory_used_bytes",
];
/// The most heap, in the same words.
pub const HEAP_MAX: [&str; 3] = [
    "flink_taskmanager_Status_JVM_Memory_Heap_Max",
    "jvm_memory_bytes_max",
    "jvm_memory_max_bytes",
];
/// Seconds in garbage collectors: of Prometheus's clients and of Micrometer.
pub const COLLECTORS: [&str; 2] = ["jvm_gc_collection_seconds_sum", "jvm_gc_pause_seconds_sum"];
/// Milliseconds in them, of each one's own name or of all, as Flink's reporter says it.
pub const FLINK_COLLECTORS: &str = "flink_taskmanager_Status_JVM_GarbageCollector_.+_Time";
/// Of all of them, in newer lines of Flink.
pub const FLINK_ALL_COLLECTORS: &str = "flink_taskmanager_Status_JVM_GarbageCollector_All_Time";

/// What is asked for together, so that no answer grows too large: alternatives of a regular expression.
pub const GROUPS: [&[&str]; 5] = [
    &[CPU],
    &[UNAME, LOAD, MEMORY_AVAILABLE, MEMORY_TOTAL, SWAP_FREE, SWAP_TOTAL, FILES_OPEN, FILES_MOST],
    &[DISK_AVAILABLE, DISK_SIZE, DISK_READ, DISK_WRITTEN, DISK_BUSY],
    &[RECEIVED, SENT, RECEIVE_ERRORS, SEND_ERRORS],
    &[
        HEAP_USED[0],
        HEAP_USED[1],
        HEAP_USED[2],
        HEAP_MAX[0],
        HEAP_MAX[1],
        HEAP_MAX[2],
        COLLECTORS[0],
        COLLECTORS[1],
        FLINK_COLLECTORS,
    ],
];

/// Whether a metric is one of these.
pub fn is_read(name: &str) -> bool {
    GROUPS.iter().flat_map(|group| group.iter()).any(|pattern| fits(pattern, name))
}

/// Whether a metric has this name, in which `.+` stands for anything.
pub fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once(".+") {
        None => pattern == name,
        Some((begin, end)) => {
            let rest = name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
            rest.is_some_and(|rest| !rest.is_empty())
        }
    }
}

/// Whether it tells of the machine, and not of a process on it.
pub fn is_of_machine(name: &str) -> bool {
    name.starts_with("node_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_and_no_other() {
        assert!(is_read("node_load1") && is_read("jvm_memory_used_bytes"));
        assert!(is_read("flink_taskmanager_Status_JVM_GarbageCollector_G1_Young_Generation_Time"));
        assert!(is_read(FLINK_ALL_COLLECTORS));
        for other in ["node_load15", "flink_taskmanager_Status_JVM_GarbageCollector_Time", "up", ""]
        {
            assert!(!is_read(other), "{other}");
        }
    }
}
