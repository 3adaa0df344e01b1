"""A recipe's settings: what is out of range is refused."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from ganbench.settings import Recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("steps", 1.5),
        ("batch_size", 0),
        ("n_critic", 0),
        ("n_critic_boost", -1),
        ("n_generator", 0),
        ("penalty_every", 0),
        ("g_penalty_every", 0),
        ("penalty_final", -0.1),
        ("penalty_final", math.inf),
        ("penalty_decay_steps", -1),
        ("boost_first", -1),
        ("boost_every", 1.5),
        ("latent", "gaussian"),
        ("optimizer", "adamw"),
        ("g_lr", 0),
        ("g_lr", -1e-4),
        ("g_lr", math.nan),
        ("d_lr", math.inf),
        ("beta1", 1),
        ("beta1", math.nan),
        ("beta2", -0.1),
        ("adam_eps", 0),
        ("adam_eps", math.inf),
        ("lr_schedule", "exponential"),
        ("lr_decay_steps", -1),
        ("lr_final", 1),
        ("lr_final", -0.1),
        ("ema_decay", 1),
        ("ema_start", -1),
        ("standing_batches", -1),
        ("smoothing_real", 1.1),
        ("smoothing_fake", math.nan),
        ("replay", -1),
        ("replay_share", 2),
        ("init", "he"),
        ("divergence_limit", math.inf),
        ("precision", "float16"),
        ("n_critic", True),
        ("g_lr", True),
    ],
)
def test_a_setting_out_of_range_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Recipe(**{field: value})
