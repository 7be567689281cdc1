//! A trading engine in Rust: it posts its candles, listens to `/ws`, and says of each signal whether it would act.
//!
//!     cargo run -- BTCUSDT 1h candles.csv
//!
//! The file has the columns timestamp, open, high, low, close and volume, as `cli.py candles convert` writes them.

mod signal;

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use reqwest::header::{HeaderMap, AUTHORIZATION, RETRY_AFTER};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signal::{Plan, Signal};
use tokio::sync::mpsc::{channel, Sender};
use tokio::time::{interval, sleep};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::Message;

type Failure = Box<dyn Error + Send + Sync>;

const CANDLES: usize = 250;
const DAY_MS: i64 = 86_400_000;
const PING: Duration = Duration::from_secs(30);

#[derive(Serialize)]
struct AnalyzeRequest {
    symbol: String,
    timeframe_data: HashMap<String, Vec<Candle>>,
    current_price: f64,
    volume_24h: f64,
    timestamp: i64,
    strategy_context: StrategyContext,
}

#[derive(Serialize)]
struct StrategyContext {
    /// None: all. With `active_strategies` instead, and one timeframe, the answer would be BUY, SELL or HOLD.
    selected_strategies: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Candle {
    /// When it opened, epoch ms.
    timestamp: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    AISignalReceived {
        data: Box<Signal>,
    },
    Error {
        data: Mistake,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Mistake {
    message: String,
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis() as i64
}

fn newest_candles(path: &str) -> Result<Vec<Candle>, Failure> {
    let text = std::fs::read_to_string(path)?;
    let rows: Vec<&str> = text.lines().skip(1).collect();
    let newest = rows[rows.len().saturating_sub(CANDLES)..].iter().map(|row| {
        let numbers = row.split(',').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        let [timestamp, open, high, low, close, volume] = numbers[..] else {
            return Err(format!("{row}: needs timestamp,open,high,low,close,volume").into());
        };
        Ok(Candle { timestamp: timestamp as i64, open, high, low, close, volume })
    });
    newest.collect()
}

/// Asks for the analysis of the candles; a refusal says why, and when to ask again.
async fn analyze(url: &str, headers: &HeaderMap, request: &AnalyzeRequest) -> Result<Signal, Failure> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    let response = client.post(format!("{url}/ai/analyze")).headers(headers.clone()).json(request).send().await?;
    if response.status().is_success() {
        return Ok(response.json().await?);
    }
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status();
    let problem: Problem = response.json().await?;
    let again = wait.map(|seconds| format!("; Retry-After: {seconds}")).unwrap_or_default();
    Err(format!("{status}: {}{again}", problem.detail).into())
}

/// Passes each signal of the symbol on, until the socket ends or a ping is not answered before the next one.
async fn listen(url: &str, headers: &HeaderMap, symbol: &str, signals: &Sender<Signal>) -> Result<(), Failure> {
    let mut request = format!("{}/ws", url.replacen("http", "ws", 1)).into_client_request()?;
    request.headers_mut().extend(headers.clone());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    socket.send(Message::text(json!({"type": "subscribe", "symbols": [symbol]}).to_string())).await?;
    let (mut ping, mut answered) = (interval(PING), true);
    loop {
        tokio::select! {
            _ = ping.tick() => {
                if !answered {
                    return Err("the service does not answer".into());
                }
                answered = false;
                socket.send(Message::text(json!({"type": "Ping"}).to_string())).await?;
            }
            message = socket.next() => {
                answered = true;
                if let Message::Text(text) = message.ok_or("the service closed it")?? {
                    match serde_json::from_str(text.as_str())? {
                        Event::AISignalReceived { data } => signals.send(*data).await?,
                        Event::Error { data } => return Err(data.message.into()),
                        Event::Other => {}
                    }
                }
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [symbol, timeframe, path] = &arguments[..] else {
        return Err("needs SYMBOL TIMEFRAME FILE, such as BTCUSDT 1h candles.csv".into());
    };
    let url = env::var("SIGNALS_URL").unwrap_or("http://127.0.0.1:8000".into());
    let mut headers = HeaderMap::new();
    if let Some(token) = env::var("SIGNALS_TOKEN").ok().filter(|token| !token.is_empty()) {
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
    }
    let candles = newest_candles(path)?;
    let last = candles.last().ok_or("the file has no candles")?;
    let of_the_day = candles.iter().filter(|candle| candle.timestamp > last.timestamp - DAY_MS);
    let request = AnalyzeRequest {
        symbol: symbol.clone(),
        current_price: last.close,
        volume_24h: of_the_day.map(|candle| candle.volume).sum(),
        timestamp: now_ms(),
        strategy_context: StrategyContext { selected_strategies: None },
        timeframe_data: HashMap::from([(timeframe.clone(), candles)]),
    };

    let (sender, mut signals) = channel(16);
    let answers = sender.clone();
    let (socket_url, socket_headers, socket_symbol) = (url.clone(), headers.clone(), symbol.clone());
    tokio::spawn(async move {
        loop {
            if let Err(error) = listen(&socket_url, &socket_headers, &socket_symbol, &sender).await {
                eprintln!("socket: {error}; opened again in 5 s");
            }
            sleep(Duration::from_secs(5)).await;
        }
    });
    answers.send(analyze(&url, &headers, &request).await?).await?;

    // The answer comes by the socket too: each signal counts once, and an older one no more.
    let mut newest = 0;
    while let Some(signal) = signals.recv().await {
        if signal.timestamp > newest {
            newest = signal.timestamp;
            let evidence = signal.evidence.as_ref().map_or("none", |evidence| &evidence.verdict);
            match signal.decide(now_ms()) {
                Ok(Plan { side, stop, target, size }) => println!(
                    "{symbol}: would enter {side:?}, stop {stop}, target {target}, size {size}; evidence {evidence}"
                ),
                Err(reason) => println!("{symbol}: not acted on: {reason}"),
            }
        }
    }
    Ok(())
}
