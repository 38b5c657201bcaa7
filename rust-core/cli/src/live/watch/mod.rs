//! `thalweg watch`: a screen that follows the scheduler and takes an operator's word.
//!
//! A thread asks the engine ([`looker`]); the screen's state ([`screen`]) is a value that keys and answers change, and what
//! is drawn ([`draw`]) is a function of it and of the time. So screens are tested without a terminal.

mod details;
mod draw;
mod log;
mod looker;
mod plan;
mod screen;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use thalweg_control::now_millis;

use self::looker::Looker;
use self::screen::Screen;
use super::ask::Live;
use super::show;
use crate::exit::Failure;

/// How long a key, an answer or a signal waits at most until it is seen.
const TICK: Duration = Duration::from_millis(100);
/// How often ages are drawn anew where nothing else happens.
const SECOND: Duration = Duration::from_secs(1);

/// Follows the scheduler on the whole terminal: topologies, components, the plan and its phase, what was decided; takes approvals and pauses
#[derive(Debug, Args)]
pub struct Watch {
    /// Seconds between two looks
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    #[command(flatten)]
    live: Live,
}

impl Watch {
    /// Runs the command until somebody quits it.
    pub fn run(self) -> Result<(), Failure> {
        let refuse = |text: &str| Err(Failure::Failed(anyhow::anyhow!(text.to_owned())));
        if self.live.json {
            return refuse("watch is for people; for programs there is thalweg status --json");
        }
        if !std::io::stdout().is_terminal() || show::is_dumb() {
            return refuse("watch needs a terminal; thalweg status tells the same once");
        }
        let place = self.live.place()?;
        let ended = ended_by_signals().context("signals cannot be listened to")?;
        let looker = Looker::start(self.live, Duration::from_secs(self.every))
            .context("no thread to be had")?;
        let mut terminal = TakenTerminal::take().context("the terminal cannot be taken")?;
        let screen = Screen::new(place, !show::colours_refused());
        follow(&mut terminal.0, screen, &looker, &ended).context("the terminal")?;
        Ok(())
    }
}

/// A flag that is up once this process is told to end. Without a terminal there is nothing to give back, and waiting for
/// keys would not end: then the process does so at once.
fn ended_by_signals() -> std::io::Result<Arc<AtomicBool>> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&ended))?;
    }
    let always = Arc::new(AtomicBool::new(true));
    signal_hook::flag::register_conditional_shutdown(SIGHUP, 128 + SIGHUP, always)?;
    Ok(ended)
}

/// The whole terminal, with keys as they are pressed; dropped, or in a panic, it is given back as it was.
struct TakenTerminal(DefaultTerminal);

impl TakenTerminal {
    fn take() -> std::io::Result<Self> {
        ratatui::try_init().map(Self).inspect_err(|_| ratatui::restore())
    }
}

impl Drop for TakenTerminal {
    fn drop(&mut self) {
        let _ = self.0.show_cursor();
        ratatui::restore();
    }
}

fn follow(
    terminal: &mut DefaultTerminal,
    mut screen: Screen,
    looker: &Looker,
    ended: &AtomicBool,
) -> std::io::Result<()> {
    let mut drawn: Option<Instant> = None;
    while !screen.is_over() && !ended.load(Ordering::Relaxed) {
        let mut changed = drawn.is_none_or(|at| at.elapsed() >= SECOND);
        for answer in looker.answers() {
            screen.take(answer, now_millis());
            changed = true;
        }
        if changed {
            terminal.draw(|frame| draw::draw(frame, &screen, now_millis()))?;
            drawn = Some(Instant::now());
        }
        if event::poll(TICK)? {
            if let Event::Key(key) = event::read()?
                && let Some(command) = screen.key(key, now_millis())
            {
                looker.send(command);
            }
            // A key or another size: both are to be seen at once.
            drawn = None;
        }
    }
    Ok(())
}
