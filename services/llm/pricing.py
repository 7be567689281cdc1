"""Cost of a call: tokens times the dated prices of the configuration, in whole nano-dollars.

Prices are USD per 1 M tokens, so a token's price is a whole number of nano-dollars where the price has at most
three decimals; with more, a call is rounded up.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from config.llm_settings import LlmSettings
from services.llm.calling.calls import CallEstimate, TokenUsage

NANO = 1_000_000_000
_NANO_PER_TOKEN = Decimal(NANO) / 1_000_000


def cost_nano_usd(settings: LlmSettings, model: str, usage: TokenUsage | None) -> int | None:
    """Return the cost of a call, None when its tokens or the model's prices are not known."""
    prices = settings.model_settings(model).prices
    if prices is None or usage is None:
        return None
    return _nano(
        (usage.input - usage.cached_input) * prices.input
        + usage.cached_input * prices.cached_input
        + usage.output * prices.output
    )


def most_nano_usd(settings: LlmSettings, estimate: CallEstimate) -> int | None:
    """Return the greatest cost of a call, None when the model's prices are not known."""
    return cost_nano_usd(settings, estimate.model, TokenUsage(estimate.input_tokens, 0, estimate.output_tokens))


def usd(nano: int) -> Decimal:
    """Return nano-dollars as dollars, exactly."""
    return Decimal(nano) / NANO


def _nano(per_million: Decimal) -> int:
    return int((per_million * _NANO_PER_TOKEN).to_integral_value(ROUND_CEILING))
