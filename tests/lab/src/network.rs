//! Addresses for the nodes: on the loopback interface, or namespaces joined by a bridge whose links can be slowed.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::Site;

/// How the nodes of a cluster reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// Addresses 127.0.0.11, .12, ... of this machine.
    #[default]
    Loopback,
    /// A network namespace for each node; needs root, and lets links be slowed.
    Namespaces,
}

impl Network {
    /// Whether this machine lets the lab make such a network, and if not, why.
    ///
    /// # Errors
    /// The reason, in the words of `ip`.
    pub fn available(self) -> Result<()> {
        if self == Self::Namespaces {
            let probe = format!("thalweg-probe-{}", std::process::id());
            ip(&["netns", "add", &probe])?;
            ip(&["netns", "del", &probe])?;
        }
        Ok(())
    }
}

/// Sites for the master daemons and for each node.
#[derive(Debug)]
pub struct Sites {
    /// Where ZooKeeper, Nimbus, Kafka and Redis run.
    pub hub: Site,
    /// Where each node's supervisor and workers run.
    pub nodes: Vec<Site>,
    bridge: Option<Bridge>,
}

/// Namespaces of one lab, deleted when dropped.
#[derive(Debug)]
struct Bridge {
    id: u16,
    nodes: usize,
}

impl Sites {
    /// Lays out addresses for `nodes` nodes, and makes the namespaces if asked to; `id` keeps labs apart.
    ///
    /// # Errors
    /// When namespaces cannot be made.
    pub fn create(network: Network, base: &Site, nodes: usize, id: u16) -> Result<Self> {
        let bridge = match network {
            Network::Loopback => None,
            Network::Namespaces => Some(Bridge::create(id, nodes)?),
        };
        let site = |node: String, last: usize| Site {
            host: match network {
                Network::Loopback => format!("127.0.0.{last}"),
                Network::Namespaces => format!("10.77.{id}.{last}"),
            },
            namespace: bridge.as_ref().map(|bridge| bridge.namespace(&node)),
            node,
            ..base.clone()
        };
        Ok(Self {
            hub: site("hub".to_owned(), 1),
            nodes: (1..=nodes).map(|n| site(node_name(n), 10 + n)).collect(),
            bridge,
        })
    }

    /// Limits what a node sends, in kilobits per second, or lifts the limit.
    ///
    /// # Errors
    /// On the loopback network, which has no links, or when `tc` refuses.
    pub fn limit(&self, node: usize, kilobits: Option<u32>) -> Result<()> {
        let Some(bridge) = &self.bridge else {
            bail!("a loopback network has no links to slow: use namespaces");
        };
        let namespace = bridge.namespace(&node_name(node));
        let tc = ["netns", "exec", &namespace, "tc", "qdisc"];
        match kilobits {
            Some(kilobits) => {
                let rate = format!("{kilobits}kbit");
                let limit = [
                    "replace", "dev", "eth0", "root", "tbf", "rate", &rate, "burst", "16kb",
                    "latency", "200ms",
                ];
                ip(&[&tc[..], &limit].concat())
            }
            None => ip(&[&tc[..], &["replace", "dev", "eth0", "root", "pfifo"]].concat()),
        }
    }

    /// Pulls the plug of the n-th machine, or puts it in again.
    ///
    /// # Errors
    /// On the loopback network, which has no links.
    pub fn plug(&self, n: usize, plugged: bool) -> Result<()> {
        let Some(bridge) = &self.bridge else {
            bail!("a loopback network has no links to cut: use namespaces");
        };
        let state = if plugged { "up" } else { "down" };
        ip(&["-n", &bridge.namespace("hub"), "link", "set", &format!("v{n}"), state])
    }
}

/// The name of the n-th node, counted from 1.
pub fn node_name(n: usize) -> String {
    format!("n{n}")
}

impl Bridge {
    fn create(id: u16, nodes: usize) -> Result<Self> {
        remove_namespaces(id, nodes);
        let bridge = Self { id, nodes };
        let hub = bridge.namespace("hub");
        ip(&["netns", "add", &hub])?;
        ip(&["-n", &hub, "link", "set", "lo", "up"])?;
        ip(&["-n", &hub, "link", "add", "br0", "type", "bridge"])?;
        ip(&["-n", &hub, "addr", "add", &format!("10.77.{id}.1/24"), "dev", "br0"])?;
        ip(&["-n", &hub, "link", "set", "br0", "up"])?;
        for n in 1..=nodes {
            bridge.add_node(n, &hub)?;
        }
        bridge.join_machine(&hub)?;
        Ok(bridge)
    }

    fn add_node(&self, n: usize, hub: &str) -> Result<()> {
        let space = self.namespace(&node_name(n));
        let port = format!("v{n}");
        ip(&["netns", "add", &space])?;
        ip(&["-n", &space, "link", "set", "lo", "up"])?;
        ip(&[
            "link", "add", &port, "netns", hub, "type", "veth", "peer", "name", "eth0", "netns",
            &space,
        ])?;
        ip(&["-n", hub, "link", "set", &port, "master", "br0"])?;
        ip(&["-n", hub, "link", "set", &port, "up"])?;
        ip(&[
            "-n",
            &space,
            "addr",
            "add",
            &format!("10.77.{}.{}/24", self.id, 10 + n),
            "dev",
            "eth0",
        ])?;
        ip(&["-n", &space, "link", "set", "eth0", "up"])
    }

    /// This process stays outside the namespaces and has to reach Kafka and Nimbus within.
    fn join_machine(&self, hub: &str) -> Result<()> {
        let outside = format!("thalweg{}", self.id);
        ip(&["link", "add", &outside, "type", "veth", "peer", "name", "v0", "netns", hub])?;
        ip(&["-n", hub, "link", "set", "v0", "master", "br0"])?;
        ip(&["-n", hub, "link", "set", "v0", "up"])?;
        ip(&["addr", "add", &format!("10.77.{}.254/24", self.id), "dev", &outside])?;
        ip(&["link", "set", &outside, "up"])
    }

    fn namespace(&self, node: &str) -> String {
        namespace(self.id, node)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        remove_namespaces(self.id, self.nodes);
    }
}

fn namespace(id: u16, node: &str) -> String {
    format!("thalweg{id}{node}")
}

/// Deletes the namespaces of a lab, with the links in them; absent ones are no error.
pub fn remove_namespaces(id: u16, nodes: usize) {
    for node in (1..=nodes).map(node_name).chain(["hub".to_owned()]) {
        let _ = ip(&["netns", "del", &namespace(id, &node)]);
    }
    // A deleted namespace lets go of its links a moment later.
    let _ = ip(&["link", "del", &format!("thalweg{id}")]);
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).output().context("cannot run ip")?;
    if !output.status.success() {
        bail!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
