"""Checks the command line against PyTorch, end to end, on a classifier that PyTorch trained.

    python3 Tests/Validation/PyTorch/check_against_pytorch.py --work /tmp/check

Run by hand: training takes minutes. The trained model is kept in --work and used again.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import fashion_mnist
import recipe
from networks import resnet18

ROOT = Path(__file__).resolve().parents[3]
ARCHITECTURE = ["--architecture", "resnet18", "--stem", "imagenet", "--image-size", "32"]
POINTS = 0.05  # percentage points: five of 10,000 images may sit on the boundary between two classes
RELATIVE = 1e-4


class CommandFailure(Exception):
    pass


@dataclass
class Report:
    failed: bool = False
    rows: list = field(default_factory=list)

    def check(self, name, ours, reference, difference, limit):
        passed = difference <= limit  # false for NaN
        self.failed |= not passed
        self.rows.append((name, ours, reference, f"{difference:.2g}", f"{limit:g}", "PASS" if passed else "FAIL"))

    def points(self, name, ours, reference):
        """Compares a share of 1, as the command line's JSON has it, with percent."""
        self.check(name, f"{100 * ours:.2f} %", f"{reference:.2f} %", abs(100 * ours - reference), POINTS)

    def failure(self, name, reason):
        self.failed = True
        self.rows.append((name, "-", "-", "-", "-", f"FAIL: {reason}"))

    def print(self):
        print_table(("check", "unlearn", "PyTorch", "difference", "limit", "result"), self.rows)


def print_table(header, rows):
    lines = [header, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def unlearn(arguments, *words):
    """Runs the command line and returns its JSON object."""
    command = [str(arguments.unlearn), *map(str, words), "--threads", str(arguments.threads), "--json"]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode != 0:
        last = finished.stderr.strip().splitlines()[-1:] or ["nothing on standard error"]
        raise CommandFailure(f"`{words[0]}` ended with status {finished.returncode}: {last[0]}")
    try:
        return json.loads(finished.stdout)
    except json.JSONDecodeError as failure:
        raise CommandFailure(f"`{words[0]}` printed no JSON object: {failure}") from failure


def value(report, *path):
    for key in path:
        if not isinstance(report, dict) or key not in report:
            raise CommandFailure(f"the JSON object has no {'.'.join(path)}")
        report = report[key]
    return report


@torch.inference_mode()
def predict(model, images):
    model.eval()
    return torch.cat([model(batch) for batch in images.split(500)])


def accuracy(logits, labels, selected=None):
    """Percent of the selected images, or of all of them."""
    correct = logits.argmax(1) == labels
    return 100 * (correct if selected is None else correct[selected]).float().mean().item()


def split_accuracy(logits, labels, forgotten):
    """Accuracy on forgotten and on retained classes."""
    is_forgotten = torch.isin(labels, torch.tensor(forgotten))
    return accuracy(logits, labels, is_forgotten), accuracy(logits, labels, ~is_forgotten)


def trained_model(arguments, seed, train):
    """The classifier of one seed, trained or read again, and its file."""
    amount = f"-{arguments.training_images}" if arguments.training_images else ""
    path = arguments.work / f"resnet18-epochs{arguments.epochs}-seed{seed}{amount}.safetensors"
    torch.manual_seed(seed)
    model = resnet18()
    if path.exists():
        model.load_state_dict(load_file(path), strict=True)
        return model, path
    images, labels = (tensor[: arguments.training_images] for tensor in train)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(arguments.epochs):
        print(f"seed {seed}: training epoch {epoch + 1} of {arguments.epochs}", file=sys.stderr)
        for batch in torch.randperm(len(images)).split(256):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    save_file(model.state_dict(), path)
    return model, path


def check_evaluate(arguments, path, logits, labels, report):
    result = unlearn(arguments, "evaluate", path, *ARCHITECTURE, "--dataset", arguments.dataset)
    report.points("evaluate: test accuracy", value(result, "accuracy", "all"), accuracy(logits, labels))


def check_predict(arguments, path, images, logits, report):
    """Logits of the test set as the command line prepares it, and of images that PyTorch prepared."""
    input_file = arguments.work / "input.safetensors"
    some = 500
    save_file({"input": images[:some].contiguous()}, input_file)
    sources = {"dataset": (arguments.dataset, logits), "input": (input_file, logits[:some])}
    for source, (place, expected) in sources.items():
        output = arguments.work / f"logits-{source}.safetensors"
        output.unlink(missing_ok=True)  # a file of an earlier run must not pass for this one's
        unlearn(arguments, "predict", path, *ARCHITECTURE, f"--{source}", place, "--logits", output)
        name = f"predict --{source}: logits"
        ours = load_file(output)["logits"]
        if ours.shape != expected.shape:
            report.failure(name, f"shape {list(ours.shape)} in place of {list(expected.shape)}")
            continue
        difference = ((ours - expected).norm() / expected.norm()).item()
        report.check(name, str(list(ours.shape)), str(list(expected.shape)), difference, RELATIVE)


def forget(arguments, path, classes, seed):
    """Runs `unlearn forget`; the new model as PyTorch reads it, and the reported JSON object."""
    names = ",".join(map(str, classes))
    output = arguments.work / f"{path.stem}-without-{names.replace(',', '-')}.safetensors"
    output.unlink(missing_ok=True)
    words = ["--classes", names, "--retain", arguments.dataset, "--validation", arguments.dataset]
    words += ["--preset", "paper", "--seed", seed, "--output", output]
    result = unlearn(arguments, "forget", path, *ARCHITECTURE, *words)
    model = resnet18()
    model.load_state_dict(load_file(output), strict=True)
    return model, result


def check_forget(arguments, path, test, classes, report):
    model, result = forget(arguments, path, classes, arguments.seeds[0])
    images, labels = test
    forgotten, retained = split_accuracy(predict(model, images), labels, classes)
    report.points(f"forget {classes}: forgotten", value(result, "accuracy", "forgotten"), forgotten)
    report.points(f"forget {classes}: retained", value(result, "accuracy", "retained"), retained)


def compare_recipes(arguments, train, test, report):
    """The paper's recipe here and there, from the same models: both end where a random run may end."""
    rows = []
    images, labels = test
    for seed in arguments.seeds:
        model, path = trained_model(arguments, seed, train)
        before = predict(model, images)
        for classes in ([0], [0, 2]):
            print(f"seed {seed}: forgetting {classes} on both sides", file=sys.stderr)
            torch.manual_seed(seed)
            reference, phases = recipe.forget(model, classes, *fashion_mnist.retained(*train, classes))
            models = {"before": before, "PyTorch": predict(reference, images)}
            took = {"PyTorch": sum(phase["seconds"] for phase in phases)}
            try:
                ours, result = forget(arguments, path, classes, seed)
                models["unlearn"] = predict(ours, images)
                took["unlearn"] = value(result, "seconds")
            except (CommandFailure, OSError, KeyError, RuntimeError) as failure:
                report.failure(f"recipe, seed {seed}, {classes}", failure)
            for name, logits in models.items():
                forgotten, retained = split_accuracy(logits, labels, classes)
                time = f"{took[name]:.1f}" if name in took else "-"
                rows.append((str(seed), str(classes), name, f"{forgotten:.2f}", f"{retained:.2f}", time))
    print_table(("seed", "classes", "model", "forgotten %", "retained %", "seconds"), rows)
    print()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unlearn", type=Path, default=ROOT / ".build" / "release" / "unlearn")
    parser.add_argument("--data", type=Path, default=fashion_mnist.FOLDER, help="folder of Fashion-MNIST")
    parser.add_argument("--work", type=Path, required=True, help="folder for models and results")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--training-images", type=int, help="train on the first images only, for a quick try")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="the first one serves all checks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--recipe", action="store_true", help="run the paper's recipe in PyTorch too")
    arguments = parser.parse_args()
    arguments.dataset = f"fashion-mnist:{arguments.data}"
    return arguments


def main():
    arguments = parse_arguments()
    if not arguments.unlearn.is_file():
        sys.exit(f"{arguments.unlearn} is missing: run `swift build -c release`, or name it with --unlearn PATH")
    torch.set_num_threads(arguments.threads)
    arguments.work.mkdir(parents=True, exist_ok=True)
    try:
        train, test = (fashion_mnist.load(arguments.data, split) for split in ("train", "test"))
    except FileNotFoundError as failure:
        sys.exit(str(failure))

    model, path = trained_model(arguments, arguments.seeds[0], train)
    images, labels = test
    logits = predict(model, images)
    report = Report()
    checks = {
        "evaluate": lambda: check_evaluate(arguments, path, logits, labels, report),
        "predict": lambda: check_predict(arguments, path, images, logits, report),
        "forget": lambda: check_forget(arguments, path, test, [0], report),
    }
    for name, check in checks.items():
        try:
            check()
        except (CommandFailure, OSError, KeyError, RuntimeError) as failure:
            # One failure must not hide the others; RuntimeError is what strict loading raises.
            report.failure(name, " ".join(str(failure).split()))
    if arguments.recipe:
        compare_recipes(arguments, train, test, report)
    report.print()
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
