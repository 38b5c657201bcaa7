//! What it takes to show an engine: its answer at its socket, a server that looks at it, and what that answers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use thalweg_control::{Command, Request, call};
use thalweg_policies::stats::summary;
use thalweg_serve::{Engine as Shown, Role, Settings, Socket, add_token, start};
use tokio::runtime::Runtime;

use crate::clients::Client;
use crate::rounds::settled;
use crate::{Figures, counted};

/// How long a server may take to see all topologies, and to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// As an engine is given to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two looks of the server: none comes while answers are measured.
const PAUSE: Duration = Duration::from_secs(3600);
/// Questions of each kind.
const TIMES: usize = 15;

/// Measures over an engine that answers at the socket in a folder; one of its topologies is asked for by its id. What has
/// a limit that is passed at this size is left out.
///
/// # Errors
/// When there is no server to be had.
pub fn measure(folder: &Path, topology: &str, topologies: u32) -> Result<Figures> {
    let mut figures = Figures::new();
    let socket = folder.join(thalweg_control::socket::NAME);
    let mut took = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        match call(&socket, &Request::of(Command::Status {}), ANSWER) {
            Ok(status) => drop(status),
            Err(error) => {
                eprintln!("the status is not answered: {error}");
                return Ok(figures);
            }
        }
        took.push(begun.elapsed().as_secs_f64());
    }
    figures.extend(summary(&took).map(|took| ("socket_s".to_owned(), took)));
    let before = settled();
    let runtime = Runtime::new()?;
    let tokens = folder.join("tokens.json");
    let token = add_token(&tokens, "ann", &[Role::Reader])?;
    let settings = Settings {
        listen: "127.0.0.1:0".parse()?,
        tokens: Some(tokens),
        tls: None,
        pause: PAUSE,
        patience: Settings::PATIENCE,
    };
    let engines: Vec<(String, Arc<dyn Shown>)> =
        vec![("storm".to_owned(), Arc::new(Socket::at(folder)))];
    let begun = Instant::now();
    let served = runtime.block_on(start(&settings, engines))?;
    let mut client = Client::of(served.address(), &token, PATIENCE);
    let known = runtime.block_on(async {
        loop {
            let page = client.get("/v1/topologies?limit=1").await?;
            let page: serde_json::Value = serde_json::from_slice(&page.body).unwrap_or_default();
            if page["total"] == topologies {
                return anyhow::Ok(begun.elapsed());
            }
            ensure!(begun.elapsed() < PATIENCE, "the server does not see all topologies: {page}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })?;
    figures.insert("server_look_s".to_owned(), counted(known.as_secs_f64()));
    // A first answer makes what all later ones share.
    let one = format!("/v1/engines/storm/topologies/{topology}");
    let asked = [
        ("overview_s", "/v1/topologies?limit=50"),
        ("busiest_s", "/v1/topologies?limit=50&sort=busy"),
        ("engines_s", "/v1/engines"),
        ("topology_s", one.as_str()),
        ("metrics_s", "/metrics"),
    ];
    for (name, path) in asked {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            // Without the tag of an earlier one, so that each is made.
            let mut client = Client::of(served.address(), &token, PATIENCE);
            let answer = runtime.block_on(client.get(path)).with_context(|| path.to_owned())?;
            ensure!(answer.status == 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
            took.push(answer.took.as_secs_f64());
            let bytes = name.replace("_s", "_answer_bytes");
            figures.insert(bytes, counted(answer.body.len() as f64));
        }
        figures.extend(summary(&took).map(|took| (name.to_owned(), took)));
    }
    drop(client);
    figures
        .insert("server_kept_bytes".to_owned(), counted(settled().saturating_sub(before) as f64));
    served.stop();
    Ok(figures)
}
