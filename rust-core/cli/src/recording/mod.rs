//! `thalweg recording`: what was recorded as tables, and back.

mod components;
mod export;
mod import;
mod lines;
mod nodes;

use clap::{Args, Subcommand};

use crate::exit::Failure;

/// Copies recordings into tables for other programs, and back
#[derive(Debug, Args)]
pub struct Recording {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Export(export::Export),
    Import(import::Import),
}

impl Recording {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Export(export) => Ok(export.run()?),
            Command::Import(import) => Ok(import.run()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{components, lines, nodes};
    use crate::parquet::Column;

    #[test]
    fn the_page_tells_the_columns_of_each_table_in_their_order() {
        let page = include_str!("../../../../docs/operating/nodes.md");
        let tables: [(&str, &[Column]); 3] = [
            (components::FILE, &components::COLUMNS),
            (nodes::FILE, &nodes::COLUMNS),
            (lines::FILE, &lines::COLUMNS),
        ];
        for (file, columns) in tables {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{file}` |")));
            let names: Vec<String> =
                columns.iter().map(|column| format!("`{}`", column.name)).collect();
            let names = names.join(", ");
            assert!(
                row.is_some_and(|row| row.contains(&names)),
                "docs/operating/nodes.md: {names}"
            );
        }
    }
}
