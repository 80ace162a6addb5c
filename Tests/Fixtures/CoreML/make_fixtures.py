"""Writes the Core ML fixtures: small classifiers as coremltools writes them, and what PyTorch makes of them.

For each network NAME: NAME-32.mlpackage and NAME-16.mlpackage (ML programs with 32- and 16-bit floats), NAME.mlmodel (a
neural network of layers, where coremltools can), and NAME.safetensors with
    input            [3, channels, height, width], prepared as the network takes it, channels red, green, blue
    logits           [3, classes], in float64 and in inference mode
    weights          [3, classes]
    input_gradient   like input: of sum(weights * logits), in float64

"five-axes.mlmodel" is a network of Core ML's first versions, whose blobs have five axes; its weights are 16-bit floats.

The networks are those of the ONNX fixtures and one of its own. Needs torch 2.7, coremltools 9, numpy, safetensors, and
onnx and onnxruntime for that script. Run it without arguments, or with networks' names.
"""

import copy
import importlib.util
import json
import logging
import os
import shutil
import sys
import uuid
import warnings

import coremltools as ct
import torch
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder
from coremltools.models.neural_network.quantization_utils import quantize_weights
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
FOLDER = os.path.dirname(os.path.abspath(__file__))
_source = importlib.util.spec_from_file_location(
    "onnx_fixtures", os.path.join(FOLDER, "..", "ONNX", "make_fixtures.py"))
onnx_fixtures = importlib.util.module_from_spec(_source)
_source.loader.exec_module(onnx_fixtures)

MEAN, DEVIATION = [0.4, 0.45, 0.5], 0.25


class Preactivation(nn.Module):
    """Batch norm that no convolution takes in, every padding of pooling, SiLU, split and stack, a softmax at the end."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding="same")
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, 2, (1, 0), bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.norm1(F.relu(self.conv1(x)))
        x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        x = self.norm2(F.silu(self.conv2(x)))
        a, b = torch.split(F.max_pool2d(x, 2, 2, ceil_mode=True), [4, 4], dim=1)
        x = torch.stack([a, b * 0.5], dim=2).flatten(1, 2)
        x = torch.cat([x.amax((2, 3)), x.mean((2, 3))], 1)
        return torch.softmax(self.fc(x), -1)


NETWORKS = {**onnx_fixtures.NETWORKS, "preactivation": (Preactivation, (3, 16, 16))}
# Networks that take pictures, and the order of their channels.
PICTURES = {"mobile": ct.colorlayout.RGB, "shuffle": ct.colorlayout.BGR, "preactivation": ct.colorlayout.RGB}
LABELS = ["ankle boot", "bag", "coat", "dress", "shirt"]
ENDS_IN_SOFTMAX = ["various", "preactivation"]


def input_type(name, shape):
    if name not in PICTURES:
        return ct.TensorType("images", (1, *shape))
    mean = MEAN if PICTURES[name] == ct.colorlayout.RGB else MEAN[::-1]
    return ct.ImageType(
        "picture", (1, *shape), scale=1 / (255 * DEVIATION), bias=[-value / DEVIATION for value in mean],
        color_layout=PICTURES[name])


def convert(name, model, shape, form, precision):
    options = {}
    if name in PICTURES:
        labels = LABELS if name != "preactivation" else list(range(1, 6))
        options["classifier_config"] = ct.ClassifierConfig(labels)
    if form == "mlprogram":
        options |= {"compute_precision": precision, "minimum_deployment_target": ct.target.iOS16}
    traced = torch.jit.trace(model, torch.zeros(1, *shape), check_trace=False)
    return ct.convert(traced, inputs=[input_type(name, shape)], convert_to=form, **options)


def save(model, path):
    """Saves a package with the same identifiers each time."""
    shutil.rmtree(path, ignore_errors=True)
    spec = model.get_spec()
    for key in list(spec.description.metadata.userDefined):
        del spec.description.metadata.userDefined[key]
    if spec.WhichOneof("Type") == "mlProgram":
        spec.mlProgram.attributes.clear()
    if not path.endswith(".mlpackage"):
        ct.models.utils.save_spec(spec, path)
        return
    ct.models.utils.save_spec(spec, path, weights_dir=model.weights_dir)
    manifest = os.path.join(path, "Manifest.json")
    text = open(manifest).read()
    for number, identifier in enumerate(json.loads(text)["itemInfoEntries"]):
        text = text.replace(identifier, str(uuid.UUID(int=number)))
    open(manifest, "w").write(text)


def results(model, x, weights, ends_in_softmax):
    exact = copy.deepcopy(model).double()
    y = x.double().requires_grad_()
    logits = exact(y)
    if ends_in_softmax:
        # The last softmax or log-softmax is left out on import.
        head = next(module for module in [*exact.modules()][::-1] if isinstance(module, nn.Linear))
        kept = []
        handle = head.register_forward_hook(lambda module, inputs, output: kept.append(output))
        exact(y)
        handle.remove()
        logits = kept[0]
    (gradient,) = torch.autograd.grad((logits * weights.double()).sum(), y)
    return {
        "input": x.numpy(), "weights": weights.numpy(), "logits": logits.detach().float().numpy(),
        "input_gradient": gradient.float().numpy(),
    }


class Reversed(nn.Module):
    """A network whose pictures come in the order blue, green, red, given red, green, blue."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x.flip(1))


def make(name):
    build, shape = NETWORKS[name]
    torch.manual_seed(list(NETWORKS).index(name))
    model = build().eval()
    onnx_fixtures.randomize_statistics(model)
    x, weights = torch.randn(3, *shape), torch.randn(3, 5)
    seen = Reversed(model) if PICTURES.get(name) == ct.colorlayout.BGR else model
    save_file(results(seen, x, weights, name in ENDS_IN_SOFTMAX), os.path.join(FOLDER, name + ".safetensors"))
    forms = [("mlprogram", ct.precision.FLOAT32, "-32.mlpackage"), ("mlprogram", ct.precision.FLOAT16, "-16.mlpackage"),
             ("neuralnetwork", None, ".mlmodel")]
    for form, precision, suffix in forms:
        path = os.path.join(FOLDER, name + suffix)
        try:
            save(convert(name, model, shape, form, precision), path)
        except Exception as error:  # What coremltools cannot write is not read either.
            print(name, suffix, "is left out:", str(error)[:200])
            continue
        size = sum(os.path.getsize(os.path.join(base, file)) for base, _, files in os.walk(path) for file in files)
        print(name, suffix, size or os.path.getsize(path), "bytes")


class FiveAxes(nn.Module):
    """The PyTorch twin of what ``make_five_axes`` builds layer by layer."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, 2)
        self.norm = nn.BatchNorm2d(6, eps=1e-3)
        self.scale = nn.Parameter(torch.rand(6, 1, 1) + 0.5)
        self.fc = nn.Linear(12 * 4, 5)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        x = x * self.scale
        x = torch.cat([x, torch.tanh(x)], 1)
        x = F.max_pool2d(x, 3, 2, 0, ceil_mode=True)
        x = F.avg_pool2d(x, 2)
        x = x.flatten(1)
        return torch.softmax(self.fc(x), -1)


def make_five_axes():
    torch.manual_seed(20)
    model = FiveAxes().eval()
    onnx_fixtures.randomize_statistics(model)
    for parameter in [*model.parameters(), *model.buffers()]:
        if parameter.dtype == torch.float32:
            # The file has 16 bits.
            parameter.data.copy_(parameter.data.half().float())
    x, weights = torch.randn(3, 3, 17, 17), torch.randn(3, 5)
    save_file(results(model, x, weights, True), os.path.join(FOLDER, "five-axes.safetensors"))
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    builder = NeuralNetworkBuilder(
        [("picture", datatypes.Array(3, 17, 17))], [("scores", datatypes.Array(5))], mode="classifier")
    builder.set_pre_processing_parameters(
        image_input_names=["picture"], is_bgr=False, image_scale=1 / (255 * DEVIATION),
        red_bias=-MEAN[0] / DEVIATION, green_bias=-MEAN[1] / DEVIATION, blue_bias=-MEAN[2] / DEVIATION)
    builder.add_convolution(
        "conv", 3, 6, 3, 3, 2, 2, "valid", 1, state["conv.weight"].transpose(2, 3, 1, 0), state["conv.bias"], True,
        input_name="picture", output_name="conv")
    builder.add_batchnorm(
        "norm", 6, state["norm.weight"], state["norm.bias"], state["norm.running_mean"], state["norm.running_var"],
        input_name="conv", output_name="norm", epsilon=1e-3)
    builder.add_activation("relu", "RELU", "norm", "relu")
    builder.add_scale("scale", state["scale"], None, False, "relu", "scaled", shape_scale=[6])
    builder.add_activation("tanh", "TANH", "scaled", "curve")
    builder.add_elementwise("join", ["scaled", "curve"], "joined", "CONCAT")
    builder.add_pooling(
        "pool", 3, 3, 2, 2, "MAX", "INCLUDE_LAST_PIXEL", "joined", "pooled", padding_top=0, padding_left=0)
    builder.add_pooling("mean", 2, 2, 2, 2, "AVERAGE", "VALID", "pooled", "means", exclude_pad_area=False)
    builder.add_flatten("flatten", 0, "means", "flat")
    builder.add_inner_product("fc", state["fc.weight"], state["fc.bias"], 48, 5, True, "flat", "rows")
    builder.add_softmax("softmax", "rows", "scores")
    builder.set_class_labels(LABELS, predicted_feature_name="label")
    # This is how coremltools writes 16-bit weights of a neural network.
    half = quantize_weights(ct.models.MLModel(builder.spec), 16)
    spec = half.get_spec() if hasattr(half, "get_spec") else half
    ct.models.utils.save_spec(spec, os.path.join(FOLDER, "five-axes.mlmodel"))
    print("five-axes", os.path.getsize(os.path.join(FOLDER, "five-axes.mlmodel")), "bytes")


def main(names):
    for name in NETWORKS:
        if not names or name in names:
            make(name)
    if not names or "five-axes" in names:
        make_five_axes()


if __name__ == "__main__":
    main(sys.argv[1:])
