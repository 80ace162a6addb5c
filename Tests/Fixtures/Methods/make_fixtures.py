#!/usr/bin/env python3
"""Writes what one to four steps of each forgetting method make of a small network, computed from the papers' equations.

Run from anywhere: python3 make_fixtures.py

Settings are the published ones, but for the rates of methods whose three steps would otherwise move the weights by no more
than float32's rounding (RATE). Everything is computed in float64. Each batch is all of its examples, so that no order is drawn; what a method draws
(labels, noise, a bad teacher's weights) is generated from names like all other numbers. The script refuses a method whose
result moves by more than a fifth of the tests' tolerance when it is computed in float32 instead.
"""

import copy
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from generator import fill, state_tensor, symmetric, uniform  # noqa: E402

CLASSES, FORGOTTEN = 4, 2
RETAIN_LABELS = [0, 1, 3] * 4
FORGET_LABELS = [FORGOTTEN] * 8
MEAN, DEVIATION = 0.5, 0.25
TOLERANCE = 1e-4
RATE = 0.01


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return self.fc(x.mean(dim=(2, 3)))


class Problem:
    """The network and both kinds of examples in one precision."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.model = fill(Network()).to(dtype).eval()
        # Pixels with 256 values, as prepared images have them; channels of different brightness from image to image.
        brightness = uniform("methods.brightness", (20, 3, 1, 1))
        pixels = ((0.4 * uniform("methods.input", (20, 3, 8, 8)) + 0.6 * brightness) * 255).round() / 255
        images = ((pixels - MEAN) / DEVIATION).to(dtype)
        self.forget, self.retain = images[:8], images[8:]
        self.forget_labels, self.retain_labels = torch.tensor(FORGET_LABELS), torch.tensor(RETAIN_LABELS)

    def student(self, frozen=False):
        student = copy.deepcopy(self.model)
        return student.eval() if frozen else student.train()

    def logits(self, model, images):
        with torch.no_grad():
            return model.eval()(images)


def step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def distillation(student, teacher, temperature):
    """T^2 KL(teacher || student), the mean over examples."""
    divergence = kl_div(
        log_softmax(student / temperature, dim=1), softmax(teacher / temperature, dim=1), reduction="batchmean"
    )
    return temperature**2 * divergence


def scrub(problem, alpha, gamma, temperature, epochs, maximizing, decays, optimizer):
    """Kurmanji et al., equation 3: a maximizing pass over the forget data, then a minimizing one over the retain data."""
    student = problem.student()
    optimizer = optimizer(student.parameters())
    rate = optimizer.param_groups[0]["lr"]
    teacher = {kind: problem.logits(problem.model, getattr(problem, kind)) for kind in ("forget", "retain")}
    for epoch in range(1, epochs + 1):
        optimizer.param_groups[0]["lr"] = rate * 0.1 ** sum(epoch > decay for decay in decays)
        if epoch <= maximizing:
            step(optimizer, -distillation(student(problem.forget), teacher["forget"], temperature))
        output = student(problem.retain)
        step(
            optimizer,
            gamma * cross_entropy(output, problem.retain_labels)
            + alpha * distillation(output, teacher["retain"], temperature),
        )
    return student


def scrub_large(problem):
    return scrub(
        problem, 0.001, 0.99, 4, 3, 2, [],
        lambda parameters: torch.optim.SGD(parameters, lr=RATE, momentum=0.9, weight_decay=5e-4),
    )


def scrub_small(problem):
    # The published settings shortened to three epochs, of which the last has a tenth of the rate.
    return scrub(
        problem, 0.5, 1, 2, 3, 1, [2], lambda parameters: torch.optim.Adam(parameters, lr=5e-4, weight_decay=0.1)
    )


def negative_gradient(problem):
    """Ascent on the forget data."""
    student = problem.student()
    optimizer = torch.optim.SGD(student.parameters(), lr=RATE, momentum=0.9, weight_decay=5e-4)
    for _ in range(3):
        step(optimizer, -cross_entropy(student(problem.forget), problem.forget_labels))
    return student


def negative_gradient_retain(problem):
    """NegGrad+: batches of both kinds, batch norm in inference mode, a penalty on the distance from the start."""
    student, beta, weight = problem.student(frozen=True), 0.95, 0.1
    start = [parameter.detach().clone() for parameter in student.parameters()]
    optimizer = torch.optim.SGD(student.parameters(), lr=0.01)
    for _ in range(3):
        distance = sum((a - b).pow(2).sum() for a, b in zip(student.parameters(), start))
        retain = cross_entropy(student(problem.retain), problem.retain_labels) + weight / 2 * distance
        step(optimizer, beta * retain - (1 - beta) * cross_entropy(student(problem.forget), problem.forget_labels))
    return student


def delete(problem, frozen=False):
    """Zhou et al.: towards the original with the own class's logit at minus infinity."""
    student = problem.student(frozen)
    teacher = problem.logits(problem.model, problem.forget)
    teacher[:, FORGOTTEN] = -1e10
    optimizer = torch.optim.SGD(student.parameters(), lr=RATE, momentum=0.9)
    for _ in range(3):
        divergence = kl_div(
            log_softmax(student(problem.forget), dim=1), softmax(teacher, dim=1), reduction="batchmean"
        )
        step(optimizer, divergence)
    return student


def delete_frozen(problem):
    return delete(problem, frozen=True)


def salun_labels():
    """Labels of the forget data for each of two epochs, from all classes."""
    return (uniform("methods.salun.labels", (2, 8)) * CLASSES).long()


def salun(problem):
    """Fan et al., equations 4 and 5: the half of the weights with the largest gradients of the forget loss move."""
    student = problem.student(frozen=True)
    cross_entropy(student(problem.forget), problem.forget_labels).backward()
    magnitudes = torch.cat([parameter.grad.abs().flatten() for parameter in student.parameters()])
    threshold = magnitudes.sort(descending=True).values[len(magnitudes) // 2 - 1]
    masks = [(parameter.grad.abs() >= threshold).to(problem.dtype) for parameter in student.parameters()]
    student = problem.student()
    start = [parameter.detach().clone() for parameter in student.parameters()]
    optimizer = torch.optim.SGD(student.parameters(), lr=0.013, momentum=0.9, weight_decay=5e-4)
    for labels in salun_labels():
        for images, targets in ((problem.forget, labels), (problem.retain, problem.retain_labels)):
            optimizer.zero_grad()
            cross_entropy(student(images), targets).backward()
            for parameter, mask in zip(student.parameters(), masks):
                parameter.grad *= mask
            optimizer.step()
            with torch.no_grad():
                for parameter, mask, old in zip(student.parameters(), masks, start):
                    parameter.copy_(torch.where(mask > 0, parameter, old))
    return student


def fisher(problem):
    """Golatkar et al., equation 8: means and variances of the weights' distribution for alpha 1e-6."""
    model = problem.student(frozen=True)
    squares = [torch.zeros_like(parameter) for parameter in model.parameters()]
    for image in problem.retain:
        output = model(image[None])
        probabilities = softmax(output, dim=1)[0].detach()
        for label in range(CLASSES):
            model.zero_grad()
            cross_entropy(output, torch.tensor([label])).backward(retain_graph=True)
            for square, parameter in zip(squares, model.parameters()):
                square += probabilities[label] * parameter.grad.pow(2) / len(problem.retain)
    result = {}
    for (name, parameter), square in zip(model.named_parameters(), squares):
        is_head = name.startswith("fc.")
        variance = 1e-6 * (1 / (square + 1e-8)).clamp(max=1e2 if is_head else 1e3)
        mean = parameter.detach().clone()
        if parameter.ndim > 1:
            variance = variance.mean(dim=1, keepdim=True).expand_as(parameter).clone()
        if is_head:
            mean[FORGOTTEN], variance[FORGOTTEN] = 0, 1e-4
        if is_head or parameter.ndim == 1:
            variance *= 10
        result[f"mean.{name}"], result[f"variance.{name}"] = mean, variance
    return result


def boundary_labels(problem):
    """Chen et al., equations 2 and 3: the incorrect class beyond a step of 0.1 in pixels, clamped and with 256 values."""
    # Biases that make all classes likely.
    model = copy.deepcopy(problem.model).eval()
    with torch.no_grad():
        model.fc.bias += torch.tensor([0.6, 0.9, 0, -0.6])
    images = problem.forget.clone().requires_grad_()
    cross_entropy(model(images), problem.forget_labels).backward()
    pixels = problem.forget * DEVIATION + MEAN + 0.1 * images.grad.sign()
    moved = (((pixels.clamp(0, 1) * 255).round() / 255) - MEAN) / DEVIATION
    logits = problem.logits(model, moved)
    logits[:, FORGOTTEN] = -torch.inf
    return logits.argmax(dim=1)


def boundary_shrink(problem):
    labels = boundary_labels(problem)
    student = problem.student()
    optimizer = torch.optim.SGD(student.parameters(), lr=RATE, momentum=0.9)
    for _ in range(3):
        step(optimizer, cross_entropy(student(problem.forget), labels))
    return student


def bad_teacher(problem):
    """Chundawat et al., equation 5; the divergence's mean is over examples and classes."""
    bad = Network()
    bad.load_state_dict(
        {name: state_tensor(f"methods.bad.{name}", tuple(old.shape)) for name, old in bad.state_dict().items()}
    )
    bad = bad.to(problem.dtype)
    student = problem.student()
    images = torch.cat([problem.forget, problem.retain])
    teacher = torch.cat([problem.logits(bad, problem.forget), problem.logits(problem.model, problem.retain)])
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-4)
    for _ in range(2):
        divergences = kl_div(log_softmax(student(images), dim=1), softmax(teacher, dim=1), reduction="none")
        step(optimizer, divergences.mean())
    return student


def relabeled(problem, labels, rate, steps):
    student = problem.student()
    images = torch.cat([problem.forget, problem.retain])
    targets = torch.cat([labels, problem.retain_labels])
    optimizer = torch.optim.Adam(student.parameters(), lr=rate)
    for _ in range(steps):
        step(optimizer, cross_entropy(student(images), targets))
    return student


def amnesiac_labels():
    """Labels other than the forgotten class."""
    labels = (uniform("methods.amnesiac.labels", (8,)) * (CLASSES - 1)).long()
    return labels + (labels >= FORGOTTEN)


def amnesiac(problem):
    """Graves et al., section 4, as Chundawat et al. run it: incorrect labels, mixed with the retain data."""
    return relabeled(problem, amnesiac_labels(), 1e-4, 3)


def last_stages(problem, reset=False):
    """Goel et al., CF-k: the last convolution, its norm and the head go on, the rest is frozen in inference mode.

    EU-k, with reset: the same from new weights.
    """
    student = problem.student()
    if reset:
        fresh = {
            name: state_tensor(f"methods.reset.{name}", tuple(old.shape)).to(old.dtype)
            for name, old in student.state_dict().items()
            if name.split(".")[0] in ("conv2", "bn2", "fc")
        }
        student.load_state_dict(fresh, strict=False)
    start = copy.deepcopy(student.state_dict())
    optimizer = torch.optim.SGD(
        [*student.conv2.parameters(), *student.bn2.parameters(), *student.fc.parameters()], lr=0.01, momentum=0.9
    )
    for _ in range(3):
        student.bn1.eval()
        step(optimizer, cross_entropy(student(problem.retain), problem.retain_labels))
    if reset:
        # Seen from the new weights: the way to them is the longest part.
        return {f"moved.{name}": value - start[name] for name, value in student.state_dict().items()}
    return student


def last_stages_reset(problem):
    return last_stages(problem, reset=True)


def dampening(problem):
    """Foster et al., equations 7 and 8, for batches of 4 in the order of classes, alpha 1.5 and lambda 0.5."""
    model = problem.student(frozen=True)

    def importance(images, labels):
        sums = [torch.zeros_like(parameter) for parameter in model.parameters()]
        for start in range(0, len(images), 4):
            model.zero_grad()
            cross_entropy(model(images[start : start + 4]), labels[start : start + 4]).backward()
            for total, parameter in zip(sums, model.parameters()):
                total += parameter.grad.pow(2)
        return [total / (len(images) / 4) for total in sums]

    order = problem.retain_labels.sort(stable=True).indices
    everything = importance(
        torch.cat([problem.retain[order], problem.forget]),
        torch.cat([problem.retain_labels[order], problem.forget_labels]),
    )
    special = importance(problem.forget, problem.forget_labels)
    with torch.no_grad():
        for parameter, common, own in zip(model.parameters(), everything, special):
            factor = (0.5 * common / own).clamp(max=1)
            parameter.copy_(torch.where(own > 1.5 * common, parameter * factor, parameter))
    return model


def unsir(problem):
    """Tarun et al., section IV: three steps of noise, one of impairing, one of repairing, at the published rates."""
    noise = symmetric("methods.noise", (4, 3, 8, 8), 1.7).to(problem.dtype).requires_grad_()
    labels = torch.full((4,), FORGOTTEN)
    optimizer = torch.optim.Adam([noise], lr=0.1)
    for _ in range(3):
        model = problem.student(frozen=True)
        loss = -cross_entropy(model(noise), labels) + 0.1 * noise.pow(2).sum(dim=(1, 2, 3)).mean()
        step(optimizer, loss)
    student = problem.student()
    images = torch.cat([problem.retain, noise.detach(), noise.detach()])
    targets = torch.cat([problem.retain_labels, labels, labels])
    step(torch.optim.Adam(student.parameters(), lr=0.02), cross_entropy(student(images), targets))
    impaired = copy.deepcopy(student.state_dict())
    step(torch.optim.Adam(student.parameters(), lr=0.01), cross_entropy(student(problem.retain), problem.retain_labels))
    return {
        "noise": noise.detach().clone(),
        **{f"impaired.{name}": value for name, value in impaired.items()},
        **{f"repaired.{name}": value for name, value in student.state_dict().items()},
    }


def layer_vectors(problem, images):
    """The vectors that each layer's weight multiplies, [examples, positions, width]."""
    model = problem.model.eval()
    with torch.no_grad():
        first = torch.relu(model.bn1(model.conv1(images)))
        second = torch.relu(model.bn2(model.conv2(first)))
    unfold = nn.functional.unfold
    return {
        "conv1": unfold(images, 3, padding=1).transpose(1, 2),
        "conv2": unfold(first, 3, padding=1, stride=2).transpose(1, 2),
        "fc": second.mean(dim=(2, 3))[:, None],
    }


def svd(problem):
    """Kodge et al.: importance of singular vectors for alpha 100 on retain data and 3 on forget data."""
    student = problem.student(frozen=True)
    retain, forget = (layer_vectors(problem, images) for images in (problem.retain, problem.forget))

    def important(vectors, alpha):
        columns = vectors.reshape(-1, vectors.shape[-1]).T
        u, sigma, _ = torch.linalg.svd(columns, full_matrices=False)
        share = sigma**2 / (sigma**2).sum()
        return u @ torch.diag(alpha * share / ((alpha - 1) * share + 1)) @ u.T

    with torch.no_grad():
        for name, layer in (("conv1", student.conv1), ("conv2", student.conv2), ("fc", student.fc)):
            kept, special = important(retain[name], 100), important(forget[name], 3)
            projection = torch.eye(len(kept), dtype=problem.dtype) - (special - special @ kept)
            layer.weight.copy_((layer.weight.flatten(1) @ projection.T).view_as(layer.weight))
    return student


def damp(problem):
    """Hatami et al.: two stages, whose probes are right about 0.9 and all of the examples."""
    student = problem.student(frozen=True)
    retain, forget = (layer_vectors(problem, images) for images in (problem.retain, problem.forget))
    with torch.no_grad():
        for stage, (name, accuracy) in enumerate([("conv2", 0.9), ("fc", 1.0)], start=1):
            means = retain[name].mean(dim=1)
            others = [label for label in range(CLASSES) if label != FORGOTTEN]
            span = torch.stack([means[problem.retain_labels == label].mean(dim=0) for label in others], dim=1)
            own = forget[name].mean(dim=(0, 1))
            residual = own - span @ (torch.linalg.pinv(span) @ own)
            direction = residual / residual.norm()
            alpha = min(1, max(0, 2 * accuracy - 1)) * stage / 2
            layer = getattr(student, name)
            weight = layer.weight.flatten(1)
            layer.weight.copy_((weight - alpha * torch.outer(weight @ direction, direction)).view_as(layer.weight))
    return student


def trew_targets(problem, components=None):
    """Ebrahimpour-Boroojeny et al.: the original without the class, tilted by beta 10 to similar rows of the head."""
    rows = problem.model.fc.weight.detach() - problem.model.fc.weight.detach().mean(dim=0)
    if components:
        _, _, right = torch.linalg.svd(rows, full_matrices=False)
        rows = rows @ right[:components].T
    similarities = nn.functional.cosine_similarity(rows, rows[FORGOTTEN : FORGOTTEN + 1], dim=1)
    similarities[FORGOTTEN] = -torch.inf
    tilt = 10 * softmax(similarities, dim=0)
    probabilities = softmax(problem.logits(problem.model, problem.forget), dim=1) * tilt.exp()
    probabilities[:, FORGOTTEN] = 0
    return probabilities / probabilities.sum(dim=1, keepdim=True)


def trew(problem):
    targets = trew_targets(problem)
    student = problem.student()
    images = torch.cat([problem.forget, problem.retain])
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-3)
    for _ in range(3):
        logits = student(images)
        count = len(problem.forget)
        step(
            optimizer,
            cross_entropy(logits[:count], targets) + cross_entropy(logits[count:], problem.retain_labels),
        )
    return student


METHODS = [
    scrub_large, scrub_small, negative_gradient, negative_gradient_retain, delete, delete_frozen, salun, fisher,
    boundary_shrink, bad_teacher, amnesiac, last_stages, last_stages_reset, dampening, unsir, svd, damp, trew,
]


def tensors(result):
    items = result if isinstance(result, dict) else result.state_dict()
    return {name: value.detach().double() for name, value in items.items() if "tracked" not in name}


def check(name, exact, rounded, start):
    """Refuses a result that hangs on rounding."""
    for key, value in exact.items():
        before = start.get(key.removeprefix("impaired.").removeprefix("repaired."))
        moved = value if before is None else value - before
        if moved.norm() == 0:
            continue
        difference = ((value - rounded[key]).norm() / moved.norm()).item()
        # What float32 cannot store of the result itself is no sign of a bad condition.
        stored = 6e-8 * (value.norm() / moved.norm()).item()
        if difference > TOLERANCE / 5 + 4 * stored:
            sys.exit(f"{name}: {key} moves by {difference:.1e} with the precision")


def main():
    exact, rounded = Problem(torch.float64), Problem(torch.float32)
    start = tensors(exact.model)
    result = {
        "salun.labels": salun_labels().float(),
        "amnesiac.labels": amnesiac_labels().float(),
        "boundary_shrink.labels": boundary_labels(exact).float(),
        "trew.targets": trew_targets(exact).float(),
        "trew.targets.components": trew_targets(exact, components=2).float(),
    }
    for method in METHODS:
        name = method.__name__
        values = tensors(method(exact))
        check(name, values, tensors(method(rounded)), start)
        for key, value in values.items():
            # The change is stored where there is one, so that float32 has it to seven digits.
            place = key.removeprefix("impaired.").removeprefix("repaired.")
            moves = place in start and name != "fisher"
            result[f"{name}.{key}"] = (value - start[place] if moves else value).float().contiguous()
    save_file(result, HERE / "methods.safetensors")


if __name__ == "__main__":
    main()
