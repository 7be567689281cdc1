//! A signal as the service sends it, and whether to act on it.

use serde::Deserialize;

/// A plan of this confidence pays its costs and no more.
const PAYS_ITS_COSTS: f64 = 0.5;
const MAX_AGE_SECONDS: f64 = 1800.0;
/// Clocks of two machines differ by less.
const CLOCK_SKEW_SECONDS: f64 = 60.0;

/// What an engine reads of an answer of `/ai/analyze` and of a signal of the socket; both have more keys.
#[derive(Deserialize)]
pub struct Signal {
    pub signal: Side,
    pub confidence: f64,
    /// When it was made, epoch ms.
    pub timestamp: i64,
    /// Of answers alone: the moment that a replay replays, epoch ms.
    pub as_of: Option<i64>,
    pub source_data: String,
    pub risk_assessment: RiskAssessment,
    pub gates: Vec<Gate>,
    pub abstention: Option<String>,
    pub evidence: Option<Evidence>,
}

/// The socket writes it in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Side {
    #[serde(alias = "long")]
    Long,
    #[serde(alias = "short")]
    Short,
    #[serde(alias = "neutral")]
    Neutral,
}

#[derive(Deserialize)]
pub struct RiskAssessment {
    pub recommended_position_size: f64,
    pub stop_loss_suggestion: Option<f64>,
    pub take_profit_suggestion: Option<f64>,
}

#[derive(Deserialize)]
pub struct Gate {
    pub name: String,
    pub passed: bool,
}

#[derive(Deserialize)]
pub struct Evidence {
    pub verdict: String,
}

/// What to enter: stop and target in quote currency, the size as a share of the capital.
pub struct Plan {
    pub side: Side,
    pub stop: f64,
    pub target: f64,
    pub size: f64,
}

impl Signal {
    /// Decides as `decide()` of the Python client does: the plan to enter, or why there is none.
    pub fn decide(&self, now_ms: i64) -> Result<Plan, String> {
        let age_seconds = (now_ms - self.as_of.unwrap_or(self.timestamp)) as f64 / 1000.0;
        if self.source_data == "synthetic" {
            return Err("the market is invented (source_data: synthetic)".into());
        }
        if age_seconds > MAX_AGE_SECONDS {
            return Err(format!("the signal is {:.0} minutes old", age_seconds / 60.0));
        }
        if age_seconds < -CLOCK_SKEW_SECONDS {
            return Err(format!("the signal is dated {:.0} s after this machine's clock", -age_seconds));
        }
        if self.signal == Side::Neutral {
            return Err(format!("Neutral: {}", self.why_neutral()));
        }
        if self.confidence <= PAYS_ITS_COSTS {
            return Err(format!("the confidence {:.3} is too low: 0.5 pays the costs", self.confidence));
        }
        let risk = &self.risk_assessment;
        let (Some(stop), Some(target)) = (risk.stop_loss_suggestion, risk.take_profit_suggestion) else {
            return Err("the signal has no stop and target".into());
        };
        Ok(Plan { side: self.signal, stop, target, size: risk.recommended_position_size })
    }

    fn why_neutral(&self) -> String {
        let failed: Vec<&str> = self.gates.iter().filter(|gate| !gate.passed).map(|gate| gate.name.as_str()).collect();
        match self.abstention.as_deref() {
            Some("refused") if !failed.is_empty() => format!("refused by {}", failed.join(", ")),
            Some(abstention) => abstention.into(),
            None => "no reason given".into(),
        }
    }
}
