"""Writes the ONNX fixtures: small classifiers as both of PyTorch's exporters write them, and what PyTorch and
onnxruntime make of them.

For each network NAME: NAME-old.onnx (dynamo=False) and NAME-new.onnx (dynamo=True), and NAME.safetensors with
    input            [3, channels, height, width], or [3, features]
    logits           [3, classes], in float64 and in inference mode
    weights          [3, classes]
    input_gradient   like input: of sum(weights * logits), in float64

Needs torch, onnx, onnxruntime, numpy and safetensors. Run it without arguments.
"""

import contextlib
import copy
import io
import logging
import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
FOLDER = os.path.dirname(os.path.abspath(__file__))


class Plain(nn.Module):
    """Convolutions of every kind, batch norm, pooling, two linear layers behind a flattening."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8, bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        self.conv3 = nn.Conv2d(8, 12, (1, 3), padding=(0, 1), groups=4)
        self.fc1 = nn.Linear(12 * 4, 10)
        self.fc2 = nn.Linear(10, 5)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.leaky_relu(self.norm2(self.conv2(x)), 0.1)
        x = F.max_pool2d(x, 3, 2, 1)
        x = F.relu6(self.conv3(x))
        x = F.avg_pool2d(x, 2, 2)
        x = torch.flatten(x, 1)
        return self.fc2(torch.tanh(self.fc1(x)))


class Mobile(nn.Module):
    """Depthwise convolutions, squeeze and excitation, hard and smooth swishes, a residual."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.expand = nn.Conv2d(8, 16, 1)
        self.depth = nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.squeeze = nn.Conv2d(16, 4, 1)
        self.excite = nn.Conv2d(4, 16, 1)
        self.project = nn.Conv2d(16, 8, 1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.hardswish(self.stem(x))
        y = F.silu(self.expand(x))
        y = F.hardswish(self.depth(y))
        gate = F.adaptive_avg_pool2d(y, 1)
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(gate))))
        x = x + self.project(y * gate)
        x = torch.sigmoid(x) * x
        return self.fc(x.mean([2, 3]))


class Shuffle(nn.Module):
    """Channels that are cut, shuffled and joined."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1)
        self.conv2 = nn.Conv2d(4, 4, 3, 1, 1)
        self.conv3 = nn.Conv2d(12, 6, 1)
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        a, b = x.chunk(2, dim=1)
        x = torch.cat([a, F.relu(self.conv2(b))], 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        x = torch.cat([x, x[:, 2:6]], 1)
        x = F.max_pool2d(F.relu(self.conv3(x)), 3, 2, ceil_mode=True)
        return self.fc(F.adaptive_avg_pool2d(x, 1).view(n, -1))


class Convnext(nn.Module):
    """Layer norm over channels, both ways to permute, layer scale, GELU."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.norm0 = nn.LayerNorm(8, eps=1e-6)
        self.depth = nn.Conv2d(8, 8, 7, padding=3, groups=8)
        self.norm1 = nn.LayerNorm(8, eps=1e-6)
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear(16, 8)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, 8).view(8, 1, 1))
        self.norm2 = nn.LayerNorm(8, eps=1e-6)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.norm0(self.stem(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        y = self.norm1(self.depth(x).permute(0, 2, 3, 1))
        y = self.fc2(F.gelu(self.fc1(y))).permute(0, 3, 1, 2)
        x = x + self.scale * y
        return self.head(self.norm2(x.mean([-2, -1])))


class Transformer(nn.Module):
    """A vision transformer as torchvision builds it: nn.MultiheadAttention, class token, learned positions."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 12) * 0.5)
        self.positions = nn.Parameter(torch.randn(1, 17, 12) * 0.5)
        self.blocks = nn.ModuleList()
        for _ in range(2):
            block = nn.ModuleDict()
            block["norm1"] = nn.LayerNorm(12)
            block["attention"] = nn.MultiheadAttention(12, 3, batch_first=True)
            block["norm2"] = nn.LayerNorm(12)
            block["mlp"] = nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12))
            self.blocks.append(block)
        self.norm = nn.LayerNorm(12)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        n = x.shape[0]
        x = self.patches(x).reshape(n, 12, -1).permute(0, 2, 1)
        x = torch.cat([self.token.expand(n, -1, -1), x], dim=1) + self.positions
        for block in self.blocks:
            y = block["norm1"](x)
            x = x + block["attention"](y, y, y, need_weights=False)[0]
            x = x + block["mlp"](block["norm2"](x))
        return self.head(self.norm(x)[:, 0])


class FusedTransformer(nn.Module):
    """Attention as timm builds it: one product for queries, keys and values."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, 4)
        self.qkv = nn.Linear(12, 36)
        self.projection = nn.Linear(12, 12)
        self.norm = nn.LayerNorm(12, eps=1e-6)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        n, t, c = x.shape
        qkv = self.qkv(x).reshape(n, t, 3, 3, 4).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.projection(y.transpose(1, 2).reshape(n, t, c))
        x = x + (torch.softmax(x @ x.transpose(1, 2) / 3.5, dim=-1) @ x)
        return self.head(self.norm(x).mean(1))


class Various(nn.Module):
    """What is left: other activations, group and instance norm, padding, resizing, arithmetic, parts of axes."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.group = nn.GroupNorm(2, 8)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.prelu = nn.PReLU(8)
        self.shared = nn.PReLU()
        self.bias = nn.Parameter(torch.randn(8, 1, 1) * 0.3)
        self.matrix = nn.Parameter(torch.randn(8, 8) * 0.3)
        self.fc = nn.Linear(8, 5)
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        with torch.no_grad():
            for norm in (self.group, self.instance):
                norm.weight.uniform_(0.5, 1.5)
                norm.bias.uniform_(-0.5, 0.5)
            self.prelu.weight.uniform_(-0.4, 0.4)

    def forward(self, x):
        x = (x - self.mean) / 0.25
        x = F.pad(x, (1, 2, 0, 1), mode="reflect")
        x = self.group(self.conv1(F.pad(x, (0, 1, 1, 0), value=0.5)))
        x = self.prelu(x)
        x = self.instance(x[:, :, 1:-1:2, ::2]) + self.bias
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        y = torch.exp(-torch.abs(x)) + torch.sqrt(x * x + 1) - torch.reciprocal(F.softplus(x) + 1)
        y = torch.maximum(y, F.elu(x)) * torch.log(torch.clamp(x, -0.5, 2.5) + 2)
        y = self.shared(y - y.amax((2, 3), keepdim=True) * 0.5)
        y = y / (1 + y.pow(2).sum(1, keepdim=True)).sqrt()
        z = (y.permute(0, 2, 3, 1) @ self.matrix).permute(0, 3, 1, 2)
        z = torch.minimum(z, torch.erf(y)) + 2 ** torch.tanh(z)
        z = z.reshape(z.shape[0], 8, -1).transpose(1, 2)
        z = F.gelu(z, approximate="tanh")[:, :5].sum(1)
        return torch.log_softmax(self.fc(z), dim=-1)


NETWORKS = {
    "plain": (Plain, (3, 16, 16)),
    "mobile": (Mobile, (3, 16, 16)),
    "shuffle": (Shuffle, (3, 16, 16)),
    "convnext": (Convnext, (3, 16, 16)),
    "transformer": (Transformer, (3, 16, 16)),
    "fused-transformer": (FusedTransformer, (3, 16, 16)),
    "various": (Various, (3, 8, 8)),
}


def randomize_statistics(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.2, 0.2)
        # Equal tensors would be stored once, and a shared one is not trained.
        if isinstance(module, nn.LayerNorm):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.2, 0.2)


def strip(path):
    """Leaves out what the exporter says about its source lines, which is most of a small file."""
    model = onnx.load(path)
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    for item in [*model.graph.node, *model.graph.input, *model.graph.output]:
        del item.metadata_props[:]
        item.doc_string = ""
    onnx.save(model, path)


def export(model, x, path, dynamo, dynamic, opset):
    keeps = any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    if dynamo:
        shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
        torch.onnx.export(
            model, (x,), path, dynamo=True, dynamic_shapes=shapes, verbose=False, opset_version=opset,
            external_data=False)
        strip(path)
    else:
        torch.onnx.export(
            model, (x,), path, dynamo=False, input_names=["input"], output_names=["output"], opset_version=opset,
            dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}} if dynamic else None,
            do_constant_folding=not keeps,
            # Batch norm as nodes of its own.
            training=torch.onnx.TrainingMode.PRESERVE if keeps else torch.onnx.TrainingMode.EVAL)


def main(names):
    for number, name in enumerate(NETWORKS):
        if names and name not in names:
            continue
        build, shape = NETWORKS[name]
        torch.manual_seed(number)
        model = build().eval()
        randomize_statistics(model)
        x = torch.randn(3, *shape)
        weights = torch.randn(3, 5)
        exact = copy.deepcopy(model).double()
        y = x.double().requires_grad_()
        logits = exact(y)
        (gradient,) = torch.autograd.grad((logits * weights.double()).sum(), y)
        if name == "various":
            # The last log-softmax is left out on import.
            head = copy.deepcopy(exact)
            with_head = F.log_softmax
            torch.log_softmax = lambda value, dim: value
            logits = head(y)
            (gradient,) = torch.autograd.grad((logits * weights.double()).sum(), y)
            torch.log_softmax = with_head
        save_file(
            {
                "input": x.numpy(), "weights": weights.numpy(),
                "logits": logits.detach().float().numpy(), "input_gradient": gradient.float().numpy(),
            }, os.path.join(FOLDER, name + ".safetensors"))
        # Batches that are open, of one and of several; operator sets from the oldest to a new one.
        for dynamo, suffix in ((False, "old"), (True, "new")):
            path = os.path.join(FOLDER, f"{name}-{suffix}.onnx")
            opset = [13, 17, 16, 20, 16, 17, 20][number] if not dynamo else [18, 20, 23][number % 3]
            kind = (number + dynamo) % 3
            example = x[:1] if kind == 1 else x[:2] if kind == 2 else x
            # The exporters print whole graphs.
            with contextlib.redirect_stdout(io.StringIO()):
                export(model, example, path, dynamo, kind == 0, opset)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            batch = x if kind == 0 else example
            found = session.run(None, {session.get_inputs()[0].name: batch.numpy()})[0]
            expected = model(batch).detach().numpy()
            print(
                name, suffix, "opset", opset, ["open", "one", "two"][kind], os.path.getsize(path), "bytes,",
                "onnxruntime differs by", float(np.abs(found - expected).max()))


if __name__ == "__main__":
    main(sys.argv[1:])
