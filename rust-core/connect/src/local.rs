//! Whether a host is this machine: what is said to it goes over no network.

use std::net::IpAddr;

/// Whether a host, a name or an address perhaps in brackets, is always this machine.
pub fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether all of these servers, `host:port` with commas between, are this machine.
pub fn are_local(servers: &str) -> bool {
    servers.split(',').all(|server| {
        // A scheme may stand before it.
        let server = server.trim().rsplit("//").next().unwrap_or_default();
        is_local(server.rsplit_once(':').map_or(server, |(host, _)| host))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_never_leaves_the_machine_is_local() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1", "[::1]"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["", "kafka", "localhost.example", "10.0.0.1", "0.0.0.0", "::2"] {
            assert!(!is_local(host), "{host}");
        }
        assert!(are_local("127.0.0.1:9092, localhost:9093,SASL_PLAINTEXT://[::1]:9094"));
        assert!(!are_local("127.0.0.1:9092,kafka:9092"));
    }
}
