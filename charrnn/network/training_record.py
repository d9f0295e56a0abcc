"""The record of its training that a model file carries: for people and scripts, never needed to compute."""

from dataclasses import dataclass
from typing import Annotated, Any

from charrnn.config import TrainingConfig
from charrnn.schema import Partial
from charrnn.schema_rules import Amount, Count, Loss, PathText, PlannedSteps


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """The schema of the record; each field may be missing, and later versions may add others."""

    corpus: str
    """name of the text"""
    from_: PathText | None
    """model file that the training started from"""
    characters: Count
    """length of the text"""
    train_characters: Count
    """how many of these, from the beginning, were trained on"""
    step: Count
    """step of the weights in the file"""
    steps: PlannedSteps | None
    """planned steps"""
    epoch: Amount
    """how often the text was read up to `step`"""
    val_nats: Loss | None
    """loss on held-out text, with carried state"""
    val_window256_nats: Loss | None
    """loss on held-out text, with the state zeroed every 256 characters"""
    val_characters: Count
    """held-out characters that the losses are means over"""
    stopped_early_at: Count | None
    """step at which the training ended before its plan did"""
    seconds: Amount
    """time spent"""
    settings: Annotated[dict[str, Any], Partial(TrainingConfig)]
    """all settings of the training"""
