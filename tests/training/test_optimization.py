"""AdamW agrees with torch's own, with a learning rate per kind of weight, and a skipped step changes nothing."""

import pytest
import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.char_rnn import CharRNN
from charrnn.training.optimization import BETAS, EPSILON, AdamW, forward_backward

DECAY = 0.3
LR_MULTIPLIERS = {
    4: {"embedding.weight": 5.0, "rnn.weight_ih_l0": 0.5, "output.weight": 3.3},
    0: {"rnn.weight_ih_l0": 5.0, "output.weight": 3.3},
}
"""learning rate multipliers that are not 1, by the width of the embedding"""
UNDECAYED_WEIGHTS = {4: "embedding.weight", 0: "rnn.weight_ih_l0"}


def make_network(embedding: int) -> CharRNN:
    """Return a network of two layers, the same at each call."""
    torch.manual_seed(1)
    return CharRNN(NetworkConfig(layers=2, hidden=6, embedding=embedding), 5)


def backpropagate(network: CharRNN, seed: int) -> None:
    """Give every parameter a gradient."""
    ids = torch.randint(0, 5, (8, 3), generator=torch.Generator().manual_seed(seed))
    logits, _ = network(ids[:-1], network.initial_state(3))
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[1:].flatten()).backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("embedding", [4, 0])
def test_steps_agree_with_torchs_adamw(embedding: int) -> None:
    """Bit for bit, with one parameter group per parameter; embeddings and biases have no weight decay."""
    network, reference_network = make_network(embedding), make_network(embedding)
    multipliers = LR_MULTIPLIERS[embedding]
    assert multipliers.keys() <= dict(reference_network.named_parameters()).keys()
    groups = [
        {
            "params": [parameter],
            "times": multipliers.get(name, 1.0),
            "weight_decay": DECAY if "weight" in name and name != UNDECAYED_WEIGHTS[embedding] else 0.0,
        }
        for name, parameter in reference_network.named_parameters()
    ]
    reference = torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON, fused=True)
    optimizer = AdamW(network, DECAY)
    for step, rate in enumerate((0.01, 0.02, 0.005)):
        backpropagate(network, step)
        backpropagate(reference_network, step)
        for group in reference.param_groups:
            group["lr"] = rate * group["times"]
        reference.step()
        reference.zero_grad()
        optimizer.step(rate)
    for actual, expected in zip(network.parameters(), reference_network.parameters(), strict=True):
        assert torch.equal(actual, expected)
        assert actual.grad is None


def test_a_skipped_step_changes_nothing() -> None:
    """Weights, moments and step counts are unchanged, and so is the next step."""
    skipped_network, plain_network = make_network(4), make_network(4)
    skipping, plain = AdamW(skipped_network, DECAY), AdamW(plain_network, DECAY)
    skipping.skip_update = torch.ones(())
    backpropagate(skipped_network, 0)
    skipping.step(0.1)
    assert not any(
        mean.any()
        for mean in (*skipping.first_moments.values(), *skipping.second_moments.values(), *skipping.counts.values())
    )
    skipping.skip_update.zero_()
    for trained, optimizer in ((skipped_network, skipping), (plain_network, plain)):
        backpropagate(trained, 1)
        optimizer.step(0.1)
    assert all(
        torch.equal(a, b) for a, b in zip(skipped_network.parameters(), plain_network.parameters(), strict=True)
    )


def test_tar_penalizes_the_mean_squared_change_of_the_outputs() -> None:
    """The gradient is that of loss + tar · mean((h[t] - h[t-1])²); the reported loss is without the penalty."""
    network, reference, tar = make_network(4), make_network(4), 3.0
    ids = torch.randint(0, 5, (8, 3), generator=torch.Generator().manual_seed(2))
    config = TrainingConfig(batch=3, length=7, lr=0.1, clip=0, tar=tar)
    result = forward_backward(network, ids, network.initial_state(3), config)

    outputs, _ = reference.recurrent_outputs(ids[:-1], reference.initial_state(3))
    loss = torch.nn.functional.cross_entropy(reference.output(outputs).flatten(0, 1), ids[1:].flatten())
    (loss + tar * (outputs[1:] - outputs[:-1]).square().mean()).backward()  # type: ignore[no-untyped-call]
    assert torch.equal(result.nats, loss)
    for actual, expected in zip(network.parameters(), reference.parameters(), strict=True):
        assert actual.grad is not None
        torch.testing.assert_close(actual.grad, expected.grad)


def test_tar_of_a_window_of_one_character_is_0() -> None:
    """There is no change within the window, so the gradient is that of the loss."""
    gradients = []
    for tar in (0.0, 5.0):
        network = make_network(4)
        config = TrainingConfig(batch=3, length=1, lr=0.1, tar=tar)
        forward_backward(network, torch.ones(2, 3, dtype=torch.long), network.initial_state(3), config)
        gradients.append([parameter.grad for parameter in network.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=0)
