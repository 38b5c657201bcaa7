//! A program beside this one that is asked by lines and answers by lines.
//!
//! It never outlives its [`Program`]: when that is dropped its input is closed, which a well-behaved program takes as the end,
//! and any other is killed. Should this process be killed itself, the input is closed as well.

use std::io::{BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::error::StormError;
use super::lines::{Line, Said, next};

/// For so long a program may end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// How often it is looked whether it has.
const NAP: Duration = Duration::from_millis(10);

/// A running program.
#[derive(Debug)]
pub struct Program {
    process: Child,
    /// Nothing once it is closed.
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
    /// Ends when the program's error channel has.
    silence: Receiver<()>,
    said: Arc<Said>,
    longest: usize,
}

impl Program {
    /// Starts a program, whose answers have so many bytes at most.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command, longest: usize) -> Result<Self, StormError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let launch = |reason: String| StormError::Launch { program: program.clone(), reason };
        // A group of its own: what a terminal tells this process by a key, this process tells the other in its own way.
        let command = command.process_group(0);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|error| launch(error.to_string()))?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(launch("it has no pipes".to_owned()));
        };
        let said = Arc::new(Said::default());
        // A line that nobody has asked for waits, and whoever writes more has to wait as well.
        let (to_lines, lines) = sync_channel(1);
        let (to_silence, silence) = sync_channel(1);
        thread::spawn(move || forward(&mut BufReader::new(output), longest, &to_lines));
        let listener = Arc::clone(&said);
        thread::spawn(move || {
            // Dropped at the end, which is what is waited for.
            let _ended: SyncSender<()> = to_silence;
            // What cannot be read any more was not said.
            let _ = listener.listen(&mut BufReader::new(errors));
        });
        Ok(Self { process, input: Some(input), lines, silence, said, longest })
    }

    /// Says a line.
    ///
    /// # Errors
    /// When the program has ended.
    pub fn say(&mut self, line: &str) -> Result<(), StormError> {
        let Some(input) = self.input.as_mut() else { return Err(self.ended()) };
        let written = input.write_all(format!("{line}\n").as_bytes()).and_then(|()| input.flush());
        written.map_err(|_| self.ended())
    }

    /// Waits for the next line.
    ///
    /// # Errors
    /// When none comes in time, or none that can be read; then the program is of no more use.
    pub fn hear(&mut self, limit: Duration) -> Result<String, StormError> {
        match self.lines.recv_timeout(limit) {
            Ok(Line::Whole(bytes)) => String::from_utf8(bytes).map_err(|_| StormError::Garbled {
                line: String::new(),
                reason: "it is not utf-8".to_owned(),
            }),
            Ok(Line::TooLong) => {
                self.kill();
                Err(StormError::TooLong { limit: self.longest })
            }
            Ok(Line::End) | Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                Err(StormError::Silent { secs: limit.as_secs(), said: self.said.last() })
            }
        }
    }

    /// The process's id.
    #[cfg(test)]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends the program, and tells how it ended and what it said.
    fn ended(&mut self) -> StormError {
        let status = self.end();
        // What it said before it ended may still be on its way.
        let _ = self.silence.recv_timeout(GRACE);
        StormError::Ended { status, said: self.said.last() }
    }

    fn end(&mut self) -> String {
        self.input = None;
        let begun = Instant::now();
        while begun.elapsed() < GRACE {
            match self.process.try_wait() {
                Ok(Some(status)) => return words(status),
                Ok(None) => thread::sleep(NAP),
                Err(error) => return error.to_string(),
            }
        }
        self.kill()
    }

    /// Ends the program at once, with all that it has started.
    fn kill(&mut self) -> String {
        self.input = None;
        let group = Pid::from_child(&self.process);
        // Where there is none any more it has ended.
        let _ = kill_process_group(group, Signal::KILL);
        self.process.wait().map_or_else(|error| error.to_string(), words)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

fn words(status: ExitStatus) -> String {
    status.to_string()
}

/// Hands lines on until there are no more, or none that could be read, or nobody takes them.
fn forward(reader: &mut BufReader<impl std::io::Read>, longest: usize, to: &SyncSender<Line>) {
    loop {
        let line = next(reader, longest).unwrap_or(Line::End);
        let goes_on = matches!(line, Line::Whole(_));
        if to.send(line).is_err() || !goes_on {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
