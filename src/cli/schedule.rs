//! `--schedule`: a name, or the file of one's own.

use std::error::Error;
use std::path::Path;

use clap::Command;

use super::say_notices;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::schedule_file::{self, ScheduleFileError};

/// The subcommands that take the settings of an experiment.
const WITH_SCHEDULE: [&str; 1] = ["train"];

/// With files beside names for `--schedule`, wherever it is.
pub fn with_files(command: Command) -> Command {
    let take = |command: Command| {
        command.mut_arg("schedule", |argument| {
            argument.value_name("NAME|FILE.csv").value_parser(parse)
        })
    };
    WITH_SCHEDULE
        .into_iter()
        .fold(take(command), |command, name| {
            command.mut_subcommand(name, take)
        })
}

/// What is wrong with the file that a command line names for a schedule, if that is what stops it.
pub fn fault(error: &clap::Error) -> Option<&ScheduleFileError> {
    error.source()?.downcast_ref()
}

/// A schedule by its name, or else by its file: what ends in `.csv`, or is there.
fn parse(text: &str) -> Result<Schedule, Box<dyn Error + Send + Sync>> {
    let path = Path::new(text);
    let is_file = || {
        let extension = path.extension();
        extension.is_some_and(|name| name.eq_ignore_ascii_case("csv")) || path.exists()
    };
    match text.parse() {
        Err(_) if is_file() => {
            let file = schedule_file::read(path)?;
            say_notices(text, &file.notices);
            Ok(Schedule::Custom(file.schedule))
        }
        named => Ok(named?),
    }
}
