"""The networks of the package's `Architectures` folder, in PyTorch and under the same names."""

import functools

import torchvision.models
from torch import nn
from torchvision.models._utils import _make_divisible
from torchvision.models.vgg import make_layers


def divisible(count):
    """MobileNet's rounding to whole eights, which the package uses for every narrow network."""
    return _make_divisible(count, 8)


def resnet(name, stem="imagenet", width=1.0, classes=10):
    """torchvision's ResNet, or a narrower one; the small stem keeps the full resolution of 32x32 images."""
    model = getattr(torchvision.models, name)(num_classes=classes)
    if width != 1:
        narrow(model, width, classes)
    if stem == "small":
        model.conv1 = nn.Conv2d(3, model.conv1.out_channels, 3, stride=1, padding=1, bias=False)
        model.maxpool = nn.Identity()
    elif stem != "imagenet":
        raise ValueError(f"unknown stem {stem}: choose imagenet or small")
    return model


def narrow(model, width, classes):
    """Gives a torchvision ResNet other numbers of channels."""
    block = type(model.layer1[0])
    model.inplanes = divisible(64 * width)
    model.conv1 = nn.Conv2d(3, model.inplanes, 7, stride=2, padding=3, bias=False)
    model.bn1 = nn.BatchNorm2d(model.inplanes)
    for stage in range(4):
        name = f"layer{stage + 1}"
        channels, count = divisible(64 * 2**stage * width), len(getattr(model, name))
        setattr(model, name, model._make_layer(block, channels, count, stride=2 if stage else 1))
    model.fc = nn.Linear(model.inplanes, classes)


def resnet18(stem="imagenet", classes=10):
    return resnet("resnet18", stem, classes=classes)


def mobilenet_v2(stem="imagenet", width=1.0, classes=10, dropout=0.2):
    """torchvision's MobileNetV2; the small stem has a stride of 1 at the start and in the second stage."""
    model = torchvision.models.mobilenet_v2(num_classes=classes, width_mult=width, dropout=dropout)
    if stem == "small":
        for convolution in (model.features[0][0], model.features[2].conv[1][0]):
            convolution.stride = (1, 1)
    return model


def vgg16_bn(width=1.0, classes=10, dropout=0.5):
    """torchvision's VGG-16 with batch norm, or a narrower one of the same layers."""
    if width == 1:
        return torchvision.models.vgg16_bn(num_classes=classes, dropout=dropout)

    channels = [layer if layer == "M" else divisible(layer * width) for layer in torchvision.models.vgg.cfgs["D"]]
    model = torchvision.models.VGG(make_layers(channels, batch_norm=True), classes, False, dropout)
    sizes = [49 * divisible(512 * width), divisible(4096 * width), divisible(4096 * width), classes]
    for index, layer in enumerate((0, 3, 6)):
        model.classifier[layer] = nn.Linear(sizes[index], sizes[index + 1])
    return model


def efficientnet_lite0(name="efficientnet_lite0", width=1.0, classes=10, dropout=0.2):
    """timm's EfficientNet-Lite0: `efficientnet_lite0`, or `tf_efficientnet_lite0` with TensorFlow's padding."""
    from timm.models.efficientnet import _gen_efficientnet_lite  # the benchmarks do without timm

    from_tensorflow = {"bn_eps": 1e-3, "pad_type": "same"} if name.startswith("tf_") else {}
    return _gen_efficientnet_lite(
        name, channel_multiplier=width, num_classes=classes, drop_rate=dropout, **from_tensorflow
    )


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
