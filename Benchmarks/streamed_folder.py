#!/usr/bin/env python3
"""Forgets a class with a folder of 100,000 pictures of 224 x 224, and prints time and peak memory.

    swift build -c release --product unlearn
    python3 Benchmarks/streamed_folder.py --work streamed

The pictures are Fashion-MNIST's, every pixel 8 x 8 (Scripts/fashion-mnist-folder --enlarge 8; 0.5 GB, minutes). They are read
from the folder when they are needed, so that memory does not grow with their number: the same is done with a folder of
1,000, which is to take as much. The network, a ResNet-18 with inputs of 224 x 224, is trained on these 1,000 for an epoch;
what is measured does not depend on how good it is. 'forget' draws --samples-per-class of each class; with --all
every picture is decoded and classified too. A step at 224 x 224 takes fifty times one at 32 x 32, and so does its memory: hence the
smaller batches, which --batch-size sets. What is finished stays in the folder of --work, and the same command goes on from
there. --dataset takes a folder of your own (ImageNet's classes) in place of the 100,000 pictures, and the first thousand of it
in place of the 1,000. --docs writes the table into Docs/Benchmarks.md.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "PyTorch"))
import running  # noqa: E402
import tables  # noqa: E402


class Runner(running.Runner):
    def __init__(self, arguments):
        self.arguments = arguments
        super().__init__(arguments.work, arguments.unlearn)

    def run(self, result, *command):
        """What a command took: seconds, the peak of its resident memory in MiB, and its JSON; kept in a file."""
        path = self.folder / f"{result}.json"
        if path.exists():
            return json.loads(path.read_text())
        try:
            measured = running.measured(self.command(*command))
        except running.ProgramFailed as failure:
            sys.exit(str(failure))
        running.write(path, measured)
        return measured


def pictures(arguments, name, train):
    folder = arguments.work / name
    subprocess.run(
        [HERE.parent / "Scripts/fashion-mnist-folder", folder, "--enlarge", "8", "--train", str(train // 10), "--test", "10"],
        check=True, stdout=sys.stderr)
    return f"folder:{folder}"


def first(folder, target, train):
    """A folder of the first pictures of every class of another one, as links to the same files."""
    if target.exists():
        return f"folder:{target}"
    part = target.with_suffix(".part")
    splits = [split for split in sorted(folder.iterdir()) if split.name in ("train", "test", "val", "validation")] or [folder]
    for split in splits:
        classes = [place for place in sorted(split.iterdir()) if place.is_dir()]
        limit = max(1, (train if split in (folder, folder / "train") else train // 10) // len(classes))
        for place in classes:
            own = part / place.relative_to(folder)
            own.mkdir(parents=True, exist_ok=True)
            for file in sorted(place.iterdir())[:limit]:
                if not (own / file.name).exists():
                    os.symlink(file.resolve(), own / file.name)
    os.replace(part, target)
    return f"folder:{target}"


def table(runner):
    arguments = runner.arguments
    if arguments.dataset:
        folder = Path(arguments.dataset.removeprefix("folder:")).resolve()
        few, many = first(folder, arguments.work / "few-own", 1000), f"folder:{folder}"
        arguments.pictures = sum(len(names) for _, _, names in os.walk(folder / "train" if (folder / "train").exists() else folder))
    else:
        few, many = pictures(arguments, "few", 1000), pictures(arguments, "many", arguments.pictures)
    model = arguments.work / "model.safetensors"
    runner.run(
        "train", "train", "--dataset", few, "--architecture", arguments.architecture, "--image-size", 224, "--epochs", 1,
        "--batch-size", arguments.batch_size, "--output", model)
    lines = [["pictures", "command", "seconds", "peak MiB", "steps"]]
    for count, data in ((1000, few), (arguments.pictures, many)):
        forgotten = arguments.work / f"forgotten-{count}.safetensors"
        forget = runner.run(
            f"forget-{count}", "forget", model, "--classes", 0, "--retain", data, "--samples-per-class",
            arguments.samples_per_class, "--set", f"training.batchSize={arguments.batch_size}", "--set",
            f"damage.impair.training.batchSize={arguments.batch_size}", "--keep-ruined", "--output", forgotten)
        lines.append([
            f"{count:,}", f"`forget`, {arguments.samples_per_class} of each class", f"{forget['seconds']:.0f}",
            f"{forget['peak']:.0f}", str(forget["report"]["steps"])])
        if arguments.all:
            seen = runner.run(f"all-{count}", "evaluate", model, "--dataset", data, "--split", "train")
            lines.append([f"{count:,}", "`evaluate`, all", f"{seen['seconds']:.0f}", f"{seen['peak']:.0f}", "-"])
    return tables.markdown(lines, (1,))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unlearn", type=Path, default=running.UNLEARN)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--dataset", help="folder:DIR in place of Fashion-MNIST's pictures")
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--pictures", type=int, default=100_000, help="at most 120,000")
    parser.add_argument("--samples-per-class", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--all", action="store_true", help="decode and classify all pictures too, which takes long")
    parser.add_argument("--docs", action="store_true")
    arguments = parser.parse_args()
    text = table(Runner(arguments))
    print(text)
    if arguments.docs:
        tables.write_block("streamed_folder.py", [text])


if __name__ == "__main__":
    main()
