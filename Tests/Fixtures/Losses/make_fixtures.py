"""Writes PyTorch's losses with their gradients, optimizer trajectories and learning-rate schedules.

Run from anywhere: python3 make_fixtures.py
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, StepLR

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from generator import symmetric  # noqa: E402

STEPS = 10


def losses():
    shape = (6, 5)
    logits, teacher = symmetric("logits", shape, 3), symmetric("teacher", shape, 3)
    targets = softmax(symmetric("targets", shape, 3).double(), dim=1).float()
    labels = torch.tensor([(2 * i + 1) % 5 for i in range(6)])

    def distillation(student, temperature=4):
        # T squared keeps the gradient's size independent of the temperature (Hinton et al. 2015).
        divergence = kl_div(
            log_softmax(student / temperature, dim=1),
            softmax(teacher.double() / temperature, dim=1),
            reduction="batchmean",
        )
        return temperature**2 * divergence

    functions = {
        "cross_entropy.hard": lambda x: cross_entropy(x, labels),
        "cross_entropy.smoothed": lambda x: cross_entropy(x, labels, label_smoothing=0.1),
        "cross_entropy.soft": lambda x: cross_entropy(x, targets.double()),
        "distillation": distillation,
    }
    result = {"logits": logits, "teacher": teacher, "targets": targets}
    for name, function in functions.items():
        student = logits.double().requires_grad_()
        value = function(student)
        value.backward()
        result[f"{name}.value"] = value.detach().reshape(1)
        result[f"{name}.gradient"] = student.grad
    return result


def trajectory(optimizer_type, **configuration):
    """The parameters after each step; the gradient depends on them, so that errors add up."""
    parameters = symmetric("parameters", (16,)).requires_grad_()
    optimizer = optimizer_type([parameters], **configuration)
    rows = []
    for step in range(STEPS):
        parameters.grad = parameters.detach() * 0.5 + symmetric(f"gradient.{step}", (16,))
        optimizer.step()
        rows.append(parameters.detach().clone())
    return torch.stack(rows)


def learning_rates(schedule_type, count, **configuration):
    """The rate that each step uses, from the first one on."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = schedule_type(optimizer, **configuration)
    rates = []
    for step in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < count:
            schedule.step()
    return torch.tensor(rates, dtype=torch.float64)


def main():
    result = losses()
    result["sgd.trajectory"] = trajectory(SGD, lr=0.1, momentum=0.9, weight_decay=0.01)
    result["sgd_nesterov.trajectory"] = trajectory(
        SGD, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True
    )
    result["adam.trajectory"] = trajectory(Adam, lr=0.01, weight_decay=0.01)
    result["adamw.trajectory"] = trajectory(AdamW, lr=0.01, weight_decay=0.1)
    result["schedule.step"] = learning_rates(StepLR, STEPS + 1, step_size=3, gamma=0.5)
    result["schedule.cosine"] = learning_rates(CosineAnnealingLR, STEPS + 1, T_max=STEPS)
    # PyTorch defines one-cycle for exactly `total_steps` rates.
    result["schedule.one_cycle"] = learning_rates(
        OneCycleLR, STEPS, max_lr=0.1, total_steps=STEPS, cycle_momentum=False
    )
    tensors = {name: tensor.float().contiguous().clone() for name, tensor in result.items()}
    save_file(tensors, HERE / "losses.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
