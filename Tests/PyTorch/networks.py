"""The networks of the package's `Architectures` folder, in PyTorch and under the same names."""

import functools

from torch import nn
from torchvision.models import resnet18 as torchvision_resnet18


def resnet18(stem="imagenet", classes=10):
    """torchvision's ResNet-18; the small stem keeps the full resolution of 32x32 images."""
    model = torchvision_resnet18(num_classes=classes)
    if stem == "small":
        model.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
        model.maxpool = nn.Identity()
    elif stem != "imagenet":
        raise ValueError(f"unknown stem {stem}: choose imagenet or small")
    return model


class AllCNN(nn.Module):
    """All-CNN-C (Springenberg et al. 2015) with a linear classifier over the pooled features."""

    def __init__(self, batch_norm, classes=10, dropout=0.5):
        super().__init__()

        def convolution(inputs, outputs, kernel, stride=1):
            padding = (kernel - 1) // 2
            layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=not batch_norm)]
            if batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            return nn.Sequential(*layers, nn.ReLU())

        self.features = nn.Sequential(
            convolution(3, 96, 3),
            convolution(96, 96, 3),
            convolution(96, 192, 3, stride=2),
            nn.Dropout(dropout),
            convolution(192, 192, 3),
            convolution(192, 192, 3),
            convolution(192, 192, 3, stride=2),
            nn.Dropout(dropout),
            convolution(192, 192, 3),
            convolution(192, 192, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(nn.Linear(192, classes))

    def forward(self, images):
        return self.classifier(self.features(images))


def vit_tiny():
    """timm's ViT-tiny with patches of 4x4 on 32x32 images."""
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(img_size=32, patch_size=4, embed_dim=192, depth=12, num_heads=3, num_classes=10)


def vit_timm():
    """timm's Vision Transformer with 2 blocks of 24 features, patches of 8x8 on 32x32 images."""
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, num_classes=10)


def vit_torchvision():
    """The same by torchvision, whose names differ."""
    from torchvision.models import VisionTransformer

    norm = functools.partial(nn.LayerNorm, eps=1e-6)
    return VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=96, num_classes=10,
        norm_layer=norm)
