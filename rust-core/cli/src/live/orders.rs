//! Commands that change something: each is answered with an id, or refused with the field that is wrong.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;
use thalweg_control::{Command, Scale as Wanted, now_millis};

use super::ask::Live;
use super::show::{list, order, pairs, text};
use crate::exit::Failure;

/// How often an order's state is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(500);

/// What all orders have in common.
#[derive(Debug, Args)]
#[command(next_help_heading = "The order")]
pub struct Given {
    /// Why, for those who read it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Waits so many seconds for its end; without, it is only accepted
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u32>,
}

/// How far an order for a topology may go, and until when.
#[derive(Debug, Args)]
pub struct Bounds {
    /// Allows that the topology is stopped once to give its sources workers of their own
    #[arg(long)]
    pub adopt: bool,
    /// Seconds after which it is not to be begun any more
    #[arg(long, value_name = "SECONDS")]
    pub expires: Option<u32>,
}

/// Changes executor counts, memory or hosts of a topology, whatever the policy thinks of it
#[derive(Debug, Args)]
pub struct Scale {
    /// The topology's name or id
    topology: String,
    /// New executor counts, as `split=4`
    #[arg(value_name = "COMPONENT=COUNT", value_parser = pair)]
    counts: Vec<(String, u32)>,
    /// New memory of each executor in MiB, where the engine can change it
    #[arg(long, value_name = "COMPONENT=MIB", value_parser = pair)]
    memory: Vec<(String, u32)>,
    /// Hosts that it is to leave
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    leave: Vec<String>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    live: Live,
}

fn pair(text: &str) -> Result<(String, u32), String> {
    let (name, number) = text.rsplit_once('=').ok_or("expected NAME=NUMBER")?;
    let number = number.parse().map_err(|error| format!("{number}: {error}"))?;
    Ok((name.to_owned(), number))
}

/// Once for each name; the last word counts.
fn map(pairs: Vec<(String, u32)>) -> BTreeMap<String, u32> {
    pairs.into_iter().collect()
}

impl Scale {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let Self { topology, counts, memory, leave, bounds, given, live } = self;
        let wanted = Wanted {
            topology,
            counts: map(counts),
            memory_mib: map(memory),
            leave,
            adopt: bounds.adopt,
            expires_secs: bounds.expires,
        };
        send(&live, Command::Scale(wanted), &given)
    }
}

/// Goes back to the executor counts from before a topology's last plan
#[derive(Debug, Args)]
pub struct Rollback {
    /// The topology's name or id
    topology: String,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    live: Live,
}

impl Rollback {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        send(&self.live, Command::Rollback { topology: self.topology }, &self.given)
    }
}

/// Takes an order back that is still waiting
#[derive(Debug, Args)]
pub struct Cancel {
    /// The order's id
    order: String,
    #[command(flatten)]
    live: Live,
}

impl Cancel {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let answer = self.live.ask(Command::Cancel { order: self.order.clone() })?;
        if !self.live.printed(&answer)? {
            println!("{} is taken back", self.order);
        }
        Ok(())
    }
}

/// Has everything leave a host, one topology after the other; without a host, lists the drained ones
#[derive(Debug, Args)]
pub struct Drain {
    /// The host, as the engine names it
    host: Option<String>,
    /// Why, for those who read it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    #[command(flatten)]
    live: Live,
}

impl Drain {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self.host {
            Some(host) => {
                hosts(&self.live, &self.live.ask_because(Command::Drain { host }, &self.why)?)
            }
            None => {
                let mut status = self.live.ask(Command::Status {})?;
                let names: Vec<&String> =
                    pairs(&status, "/drained").map(|(host, _)| host).collect();
                let names = serde_json::json!({ "drained": names });
                status = names;
                hosts(&self.live, &status)
            }
        }
    }
}

/// Lets a host be used again
#[derive(Debug, Args)]
pub struct Undrain {
    /// The host
    host: String,
    #[command(flatten)]
    live: Live,
}

impl Undrain {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        hosts(&self.live, &self.live.ask(Command::Undrain { host: self.host })?)
    }
}

fn hosts(live: &Live, answer: &Value) -> Result<(), Failure> {
    if live.printed(answer)? {
        return Ok(());
    }
    let mut drained = list(answer, "/drained").filter_map(Value::as_str).peekable();
    if drained.peek().is_none() {
        println!("no host is drained");
    }
    drained.for_each(|host| println!("{host}"));
    Ok(())
}

/// Gives an order, and waits for its end where that is wanted.
pub fn send(live: &Live, command: Command, given: &Given) -> Result<(), Failure> {
    let accepted = live.ask_because(command, &given.why)?;
    let id = text(&accepted, "/order").to_owned();
    let Some(secs) = given.wait else {
        if !live.printed(&accepted)? {
            let undoes = text(&accepted, "/undoes");
            let what = if undoes.is_empty() {
                String::new()
            } else {
                format!(", which undoes plan {undoes}")
            };
            println!("accepted as {id}{what}; thalweg status and thalweg history tell its fate");
        }
        return Ok(());
    };
    let end = Instant::now() + Duration::from_secs(u64::from(secs));
    loop {
        let status = live.ask(Command::Status {})?;
        let found = list(&status, "/orders").find(|order| text(order, "/id") == id);
        let Some(found) = found else {
            return Err(Failure::GivenUp(format!("{id} is not known any more")));
        };
        let state = text(found, "/state");
        if !matches!(state, "waiting" | "acting") {
            if !live.printed(found)? {
                println!("{}", order(found, now_millis()));
            }
            return match state {
                "done" => Ok(()),
                state => {
                    Err(Failure::GivenUp(format!("{id} is {state}: {}", text(found, "/text"))))
                }
            };
        }
        if Instant::now() >= end {
            let text = format!("{id} is still {state} after {secs} s: {}", text(found, "/text"));
            return Err(Failure::Failed(anyhow::anyhow!(text)));
        }
        std::thread::sleep(LOOK);
    }
}
