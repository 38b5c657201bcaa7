//! How a server of HTTP is spoken to: who asks, whom is trusted, how long is waited.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};
use thalweg_connect::http::{Access, Address, Authorization};

/// A name and a password, where no file holds them: on a command line others could read them.
const FLINK_SECRET: &str = "THALWEG_FLINK_AUTH";
/// The same for a Prometheus.
const PROMETHEUS_SECRET: &str = "THALWEG_PROMETHEUS_AUTH";
/// Bytes of an answer of an agent: some dozens of batches of some dozens of queries.
const MOST_OF_AN_AGENT: usize = 8 << 20;
/// The setting of the shell that names such a file.
const AUTH_FILE: &str = "thalweg.flink.rest.authorization.file";

/// Options of how to speak to Flink.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to speak to it")]
pub struct Speaking {
    /// A file with `user:password`, or with what the header `Authorization` is to say, as `Bearer …`; read anew for each
    /// request. The variable `THALWEG_FLINK_AUTH` may hold the same instead
    #[arg(long, value_name = "FILE", env = "THALWEG_FLINK_AUTH_FILE")]
    auth_file: Option<PathBuf>,
    /// The certificates of the authorities to trust, as PEM; without it those of this machine
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Our own certificate with its chain, as PEM, for a server that asks who comes
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The key of that certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// How long to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
}

impl Speaking {
    /// How to speak to this address, where settings name a file with what it takes if the command line does not.
    pub fn to(&self, address: Address, settings: &Map<String, Value>) -> Access {
        let set = settings.get(AUTH_FILE).and_then(Value::as_str).filter(|file| !file.is_empty());
        let file = self.auth_file.clone().or_else(|| set.map(PathBuf::from));
        Access {
            authorization: authorization(&address, file, FLINK_SECRET),
            authorities: self.ca_file.clone(),
            identity: self.cert_file.clone().zip(self.key_file.clone()),
            timeout: self.timeout(),
            ..Access::plain(address)
        }
    }

    /// How long to wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Options of how to speak to the agent in a driver of Spark.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to speak to it")]
pub struct SpeakingToSpark {
    /// The file with the token that the agent was started with; read anew for each request
    #[arg(long, value_name = "FILE", env = "THALWEG_SPARK_TOKEN_FILE")]
    token_file: PathBuf,
    /// The certificates of the authorities to trust, as PEM, where a proxy before the agent has TLS; without it those of this
    /// machine
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How long to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
}

impl SpeakingToSpark {
    /// How to speak to this address.
    pub fn to(&self, address: Address) -> Access {
        Access {
            authorization: said(&address, Authorization::Token(self.token_file.clone())),
            authorities: self.ca_file.clone(),
            timeout: Duration::from_secs(self.timeout),
            longest_answer: MOST_OF_AN_AGENT,
            ..Access::plain(address)
        }
    }
}

/// Options of how to speak to a Prometheus, or to a target.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to speak to Prometheus")]
pub struct SpeakingToPrometheus {
    /// As `--auth-file`, for Prometheus or the targets; the variable is `THALWEG_PROMETHEUS_AUTH`
    #[arg(long, value_name = "FILE", env = "THALWEG_PROMETHEUS_AUTH_FILE")]
    prometheus_auth_file: Option<PathBuf>,
    /// As `--ca-file`
    #[arg(long, value_name = "FILE")]
    prometheus_ca_file: Option<PathBuf>,
    /// As `--cert-file`
    #[arg(long, value_name = "FILE", requires = "prometheus_key_file")]
    prometheus_cert_file: Option<PathBuf>,
    /// As `--key-file`
    #[arg(long, value_name = "FILE", requires = "prometheus_cert_file")]
    prometheus_key_file: Option<PathBuf>,
}

impl SpeakingToPrometheus {
    /// How to speak to this address, with so much time for an answer.
    pub fn to(&self, address: Address, timeout: Duration) -> Access {
        Access {
            authorization: authorization(
                &address,
                self.prometheus_auth_file.clone(),
                PROMETHEUS_SECRET,
            ),
            authorities: self.prometheus_ca_file.clone(),
            identity: self.prometheus_cert_file.clone().zip(self.prometheus_key_file.clone()),
            timeout,
            ..Access::plain(address)
        }
    }
}

/// Who asks: as a file says, or a variable.
fn authorization(address: &Address, file: Option<PathBuf>, variable: &str) -> Authorization {
    let secret = || std::env::var(variable).ok().filter(|secret| !secret.is_empty());
    said(
        address,
        match file {
            Some(file) => Authorization::File(file),
            None => secret().map_or(Authorization::None, Authorization::Given),
        },
    )
}

/// The same; where others may listen to it, that is said.
fn said(address: &Address, authorization: Authorization) -> Authorization {
    let open = !address.is_encrypted() && !address.is_local();
    if open && !matches!(authorization, Authorization::None) {
        eprintln!(
            "thalweg: credentials for {address} go over the network unencrypted; https would protect them"
        );
    }
    authorization
}
