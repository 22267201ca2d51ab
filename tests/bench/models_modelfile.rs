//! Reading a long Modelfile, as the window does with every key and the core before a create.

use std::{fmt::Write as _, hint::black_box, time::Instant};

use corral_contract::modelfile;

use crate::{rows::Rows, times::percentile};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const SIZE: usize = 1 << 20;
const ROUNDS: usize = 50;
/// Milliseconds.
const LIMIT: f64 = 20.0;

pub(crate) fn measure(rows: &mut Rows) -> Outcome<()> {
    let texts = [
        ("a bit of everything", of(everything)),
        ("messages", of(|text, at| writeln!(text, "MESSAGE user Is {at} \"prime\", or 'not'?"))),
        ("one system prompt", format!("FROM a\nSYSTEM \"\"\"{}\"\"\"\n", of(prose))),
    ];
    for (name, text) in texts {
        let problems = modelfile::parse(&text).problems;
        if let Some(problem) = problems.iter().find(|problem| !problem.why.is_warning()) {
            return Err(format!("{name}: {problem:?}").into());
        }
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            black_box(modelfile::parse(black_box(&text)));
            times.push(began.elapsed());
        }
        let slow = percentile(&times, 95).as_secs_f64() * 1000.0;
        rows.limit(&format!("1 MB Modelfile p95: {name}"), slow, "ms", LIMIT, ROUNDS);
    }
    Ok(())
}

/// Pieces until the text is long enough.
fn of(piece: impl Fn(&mut String, usize) -> std::fmt::Result) -> String {
    let mut text = "FROM a\n".to_owned();
    for at in 0.. {
        if text.len() >= SIZE || piece(&mut text, at).is_err() {
            break;
        }
    }
    text
}

fn prose(text: &mut String, at: usize) -> std::fmt::Result {
    writeln!(text, "{at}. 请用中文回答，and keep \"quotes\" as they are.")
}

fn everything(text: &mut String, at: usize) -> std::fmt::Result {
    match at % 5 {
        0 => writeln!(text, "# paragraph {at}"),
        1 => writeln!(text, "PARAMETER stop \"<|stop {at}|>\""),
        2 => writeln!(text, "MESSAGE assistant \"\"\"line {at}\nand one more\n\"\"\""),
        3 => writeln!(text, "LICENSE \"\"\"Licence {at}\n\nPermission is granted.\n\"\"\""),
        _ => writeln!(text, "MESSAGE user 第 {at} 个问题"),
    }
}
