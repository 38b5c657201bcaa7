//! `thalweg recording export`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use thalweg_core::explain::Decision;
use thalweg_engine::recording::Entry;

use super::{components, lines, nodes};
use crate::files;
use crate::parquet::Table;

/// Writes a recording as tables in Parquet: of components, of nodes, and of its lines
#[derive(Debug, Args)]
pub struct Export {
    /// The recording, as `thalweg.recording.file`, `simulate --record` or `advise … --record` wrote it
    recording: PathBuf,
    /// The folder for `components.parquet`, `nodes.parquet` and `lines.parquet`, which are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The tables while they are written.
struct Tables {
    components: Table,
    nodes: Table,
    lines: Table,
}

impl Export {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let recording = File::open(&self.recording)
            .with_context(|| format!("cannot read {}", self.recording.display()))?;
        std::fs::create_dir_all(&self.out).with_context(|| self.out.display().to_string())?;
        let path = |name: &str| self.out.join(name);
        let rows = files::whole(&path(components::FILE), |of_components| {
            files::whole(&path(nodes::FILE), |of_nodes| {
                files::whole(&path(lines::FILE), |of_lines| {
                    let mut tables = Tables {
                        components: components::table(of_components)?,
                        nodes: nodes::table(of_nodes)?,
                        lines: lines::table(of_lines)?,
                    };
                    self.copy(recording, &mut tables)?;
                    Ok([tables.components.end()?, tables.nodes.end()?, tables.lines.end()?])
                })
            })
        })?;
        let [of_components, of_nodes, of_lines] = rows;
        println!(
            "{of_lines} lines in {}: {of_components} rows of components, {of_nodes} of nodes",
            self.out.display()
        );
        Ok(())
    }

    fn copy(&self, recording: File, tables: &mut Tables) -> Result<()> {
        for (number, line) in (1..).zip(BufReader::new(recording).lines()) {
            let place = || format!("{}:{number}", self.recording.display());
            let line = line.with_context(place)?;
            let entry: Entry<'_> = serde_json::from_str(&line)
                .with_context(|| format!("{}: expected a line of a recording", place()))?;
            lines::write(&mut tables.lines, number, &entry, &line)?;
            if let Entry::Observed { observation, decisions, .. } = &entry {
                let decisions: Vec<Decision> = serde_json::from_str(decisions.get())
                    .with_context(|| format!("{}: decisions", place()))?;
                components::write(&mut tables.components, observation, &decisions)?;
                nodes::write(&mut tables.nodes, observation)?;
            }
        }
        Ok(())
    }
}
