"""Its steps are those of torch's own AdamW, each kind of weight at its rate, and a held one changes nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from charrnn.config import NetworkConfig
from charrnn.network.char_rnn import CharRNN
from charrnn.training.optimizer import BETAS, EPSILON, AdamW

DECAY = 0.3
RATES = {
    4: {"embedding.weight": 5.0, "rnn.weight_ih_l0": 0.5, "output.weight": 3.3},
    0: {"rnn.weight_ih_l0": 5.0, "output.weight": 3.3},
}
"""of the weights that have one of their own, times the learning rate, by the embedding's width"""
VECTORS = {4: "embedding.weight", 0: "rnn.weight_ih_l0"}


def make_network(embedding: int) -> CharRNN:
    """Make the same network each time, of two layers."""
    torch.manual_seed(1)
    return CharRNN(NetworkConfig(layers=2, hidden=6, embedding=embedding), 5)


def learn(network: CharRNN, seed: int) -> None:
    """Give every parameter a gradient."""
    ids = torch.randint(0, 5, (8, 3), generator=torch.Generator().manual_seed(seed))
    logits, _ = network(ids[:-1], network.initial_state(3))
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[1:].flatten()).backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("embedding", [4, 0])
def test_its_steps_are_those_of_torchs_own(embedding: int) -> None:
    """To the last bit, with a group for each parameter; vectors and biases are not decayed."""
    ours, theirs = make_network(embedding), make_network(embedding)
    rates = RATES[embedding]
    assert rates.keys() <= dict(theirs.named_parameters()).keys()
    groups = [
        {
            "params": [parameter],
            "times": rates.get(name, 1.0),
            "weight_decay": DECAY if "weight" in name and name != VECTORS[embedding] else 0.0,
        }
        for name, parameter in theirs.named_parameters()
    ]
    reference = torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON, fused=True)
    optimizer = AdamW(ours, DECAY)
    for step, rate in enumerate((0.01, 0.02, 0.005)):
        learn(ours, step)
        learn(theirs, step)
        for group in reference.param_groups:
            group["lr"] = rate * group["times"]
        reference.step()
        reference.zero_grad()
        optimizer.step(rate)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.grad is None


def test_a_held_step_changes_nothing() -> None:
    """Neither weights nor running means nor the count; the next one is as if it had never been."""
    held, plain = make_network(4), make_network(4)
    one, other = AdamW(held, DECAY), AdamW(plain, DECAY)
    one.skip_update = torch.ones(())
    learn(held, 0)
    one.step(0.1)
    assert not any(
        mean.any() for mean in (*one.first_moments.values(), *one.second_moments.values(), *one.counts.values())
    )
    one.skip_update.zero_()
    for network, optimizer in ((held, one), (plain, other)):
        learn(network, 1)
        optimizer.step(0.1)
    assert all(torch.equal(a, b) for a, b in zip(held.parameters(), plain.parameters(), strict=True))


def test_training_does_not_import_a_compiler(tmp_path: Path) -> None:
    """Which would take longer than everything else at a start."""
    text = tmp_path / "text.txt"
    text.write_text("so it goes on and on, " * 100)
    program = f"import sys, charrnn; charrnn.train({str(text)!r}, out={str(tmp_path / 'run')!r}, steps=2, hidden=8)"
    told = "print('torch' in sys.modules, 'torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", f"{program}; {told}"], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
