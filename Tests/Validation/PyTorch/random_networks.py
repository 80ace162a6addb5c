"""torchvision's classifiers with random weights, as the checks of the file formats use them."""

import torch
import torchvision


def random_network(name, classes, image_size):
    """A network in evaluation mode; the same weights every time."""
    torch.manual_seed(0)
    options = {"image_size": image_size} if name.startswith("vit") else {}
    model = getattr(torchvision.models, name)(weights=None, num_classes=classes, **options).eval()
    if name.startswith("vit"):
        # It starts at 0, and so would every score.
        torch.nn.init.normal_(model.heads.head.weight, std=0.1)
    # Statistics and scales that differ, as after training; equal tensors would be stored once.
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.LayerNorm)):
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return model
