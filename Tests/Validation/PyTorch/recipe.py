"""The recipe of "Fast Yet Effective Machine Unlearning" (Tarun et al., arXiv 2111.08947): `--preset paper`.

Unlike the authors' notebook, noise carries the label of its own class, all of its copies are used, and batch norm
stays in inference mode while the noise is learned.
"""

import copy
import time

import torch
from torch.nn.functional import cross_entropy

BATCH = 256
COPIES = 20
NOISE_STEPS = 40


def batch_of(images, indices, layout):
    return images[indices].contiguous(memory_format=layout)


def learn_noise(model, label, shape, layout=torch.contiguous_format, steps=NOISE_STEPS, rate=0.1, penalty=0.1):
    """Inputs that maximize the model's loss for `label`; the model itself stays as it is."""
    model.eval().requires_grad_(False)
    noise = torch.randn(BATCH, *shape).contiguous(memory_format=layout).requires_grad_()
    labels = torch.full((BATCH,), label)
    optimizer = torch.optim.Adam([noise], lr=rate, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = -cross_entropy(model(noise), labels) + penalty * noise.square().sum((1, 2, 3)).mean()
        loss.backward()
        optimizer.step()
    model.requires_grad_(True)
    return noise.detach()


def train_epoch(model, images, labels, order, rate, layout=torch.contiguous_format):
    """One shuffled epoch with a new Adam over the images that `order` names; repeated indices are copies.

    Returns the number of steps."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    batches = order[torch.randperm(len(order))].split(BATCH)
    for batch in batches:
        optimizer.zero_grad()
        cross_entropy(model(batch_of(images, batch, layout)), labels[batch]).backward()
        optimizer.step()
    return len(batches)


def forget(original, classes, images, labels, layout=torch.contiguous_format):
    """A copy of `original` that forgot `classes`, given retained images only, and each phase's steps and seconds."""
    model = copy.deepcopy(original)
    phases, start = [], time.perf_counter()

    def finish(name, steps):
        nonlocal start
        now = time.perf_counter()
        phases.append({"name": name, "steps": steps, "seconds": now - start})
        start = now

    noise = [learn_noise(model, label, images.shape[1:], layout) for label in classes]
    noise_labels = torch.tensor(classes).repeat_interleave(BATCH)
    finish("noise", NOISE_STEPS)

    retained = torch.arange(len(images))
    copies = len(images) + torch.arange(len(noise_labels)).repeat(COPIES)
    mixed, mixed_labels = torch.cat([images, *noise]), torch.cat([labels, noise_labels])
    finish("impair", train_epoch(model, mixed, mixed_labels, torch.cat([retained, copies]), 0.02, layout))
    finish("repair", train_epoch(model, images, labels, retained, 0.01, layout))
    return model, phases
