//! Asking a server step by step, each step resting on the one before.

use std::time::Duration;

use corral_contract::{
    ErrorCode, InstanceId, Timestamp, WireError,
    health::{Level, LevelFact, LevelState},
};
use tokio::{net::TcpStream, time::Instant};

use crate::{Core, Result, instances};

/// All five, not asked yet.
pub(super) fn fresh() -> Vec<LevelFact> {
    let fact = |level: &Level| LevelFact {
        level: *level,
        state: LevelState::NotAsked,
        ms: None,
        at: None,
        problem: None,
    };
    Level::ALL.iter().map(fact).collect()
}

/// The first step that an error of the API says has failed.
fn step_of(code: ErrorCode) -> Level {
    match code {
        ErrorCode::ConnectionRefused | ErrorCode::DnsFailed | ErrorCode::InstanceOffline => {
            Level::Tcp
        }
        // Something is there, and does not speak as it should.
        ErrorCode::TimedOut | ErrorCode::ConnectionLost | ErrorCode::TlsFailed => Level::Http,
        _ => Level::Version,
    }
}

/// Takes in an answer of the API: it tells about the first three steps.
pub(super) fn heard(
    levels: &mut [LevelFact],
    answer: std::result::Result<u32, &WireError>,
    at: Timestamp,
) {
    match answer {
        Ok(ms) => {
            for fact in levels.iter_mut() {
                match fact.level {
                    Level::Tcp | Level::Http => well(fact, None, at),
                    Level::Version => well(fact, Some(ms), at),
                    // What rested on a step that is well again has to be asked anew.
                    Level::Tags | Level::Inference if fact.state == LevelState::Skipped => {
                        fact.state = LevelState::NotAsked;
                    }
                    Level::Tags | Level::Inference => {}
                }
            }
        }
        Err(problem) => failed(levels, step_of(problem.code), problem, at),
    }
}

fn well(fact: &mut LevelFact, ms: Option<u32>, at: Timestamp) {
    // The time of an own measurement stays until there is another one.
    let ms = ms.or(fact.ms.filter(|_| fact.state == LevelState::Ok));
    *fact = LevelFact { level: fact.level, state: LevelState::Ok, ms, at: Some(at), problem: None };
}

fn failed(levels: &mut [LevelFact], level: Level, problem: &WireError, at: Timestamp) {
    for fact in levels.iter_mut() {
        if fact.level < level {
            well(fact, None, at);
        } else if fact.level == level {
            *fact = LevelFact {
                level,
                state: LevelState::Failed,
                ms: None,
                at: Some(at),
                problem: Some(problem.clone()),
            };
        } else if fact.state != LevelState::NotAsked || fact.level < Level::Inference {
            *fact = LevelFact {
                level: fact.level,
                state: LevelState::Skipped,
                ms: None,
                at: Some(at),
                problem: None,
            };
        }
    }
}

/// Asks the first four steps now. The fifth is kept as it was.
///
/// # Errors
/// `NOT_FOUND`.
pub(super) async fn probe(
    core: &Core,
    id: InstanceId,
    before: Vec<LevelFact>,
    limit: Duration,
) -> Result<Vec<LevelFact>> {
    let mut levels = before;
    let client = instances::client(core, id)?;
    let address = instances::address(core, id);
    let began = Instant::now();
    let tcp = match address {
        Some((host, port)) => {
            let opened = tokio::time::timeout(limit, TcpStream::connect((host.as_str(), port)));
            Some(matches!(opened.await, Ok(Ok(_))).then(|| passed(began)))
        }
        None => None,
    };
    let began = Instant::now();
    let version = in_time(limit, client.version()).await;
    let at = core.now();
    heard(&mut levels, version.as_ref().map(|_| passed(began)), at);
    // Behind a proxy no connection of our own can be opened, and the answer is what counts.
    if let (Some(Some(ms)), Some(fact)) = (tcp, levels.first_mut())
        && fact.state == LevelState::Ok
    {
        fact.ms = Some(ms);
    }
    if version.is_err() {
        return Ok(levels);
    }
    let began = Instant::now();
    match in_time(limit, client.tags()).await {
        Ok(_) => {
            let ms = passed(began);
            if let Some(fact) = levels.iter_mut().find(|fact| fact.level == Level::Tags) {
                well(fact, Some(ms), core.now());
            }
        }
        Err(problem) => failed(&mut levels, Level::Tags, &problem, core.now()),
    }
    Ok(levels)
}

/// What a test of a model brought.
pub(super) fn tried(
    levels: &mut [LevelFact],
    outcome: std::result::Result<Option<u32>, WireError>,
    at: Timestamp,
) {
    match outcome {
        Ok(ms) => {
            if let Some(fact) = levels.iter_mut().find(|fact| fact.level == Level::Inference) {
                well(fact, ms, at);
            }
        }
        Err(problem) => failed(levels, Level::Inference, &problem, at),
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(WireError::new(ErrorCode::TimedOut).with("seconds", limit.as_secs()))
    })
}

fn passed(began: Instant) -> u32 {
    u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use corral_contract::{
        ErrorCode, Timestamp, WireError,
        health::LevelState::{self, Failed, NotAsked, Ok as Well, Skipped},
    };

    use super::{fresh, heard, tried};

    fn states(levels: &[corral_contract::health::LevelFact]) -> Vec<LevelState> {
        levels.iter().map(|fact| fact.state).collect()
    }

    #[test]
    fn an_error_says_on_which_step_it_is() {
        let at = Timestamp(1);
        for (code, wanted) in [
            (ErrorCode::ConnectionRefused, [Failed, Skipped, Skipped, Skipped, NotAsked]),
            (ErrorCode::TimedOut, [Well, Failed, Skipped, Skipped, NotAsked]),
            (ErrorCode::NotOllama, [Well, Well, Failed, Skipped, NotAsked]),
        ] {
            let mut levels = fresh();
            heard(&mut levels, Err(&WireError::new(code)), at);
            assert_eq!(states(&levels), wanted, "{}", code.as_str());
        }
    }

    #[test]
    fn what_rests_on_a_failed_step_is_asked_anew() {
        let mut levels = fresh();
        heard(&mut levels, Ok(4), Timestamp(1));
        tried(&mut levels, Ok(Some(900)), Timestamp(2));
        assert_eq!(states(&levels), [Well, Well, Well, NotAsked, Well]);
        heard(&mut levels, Err(&WireError::new(ErrorCode::ConnectionRefused)), Timestamp(3));
        assert_eq!(states(&levels), [Failed, Skipped, Skipped, Skipped, Skipped]);
        heard(&mut levels, Ok(5), Timestamp(4));
        assert_eq!(states(&levels), [Well, Well, Well, NotAsked, NotAsked]);
        assert_eq!(levels[2].ms, Some(5));
    }
}
