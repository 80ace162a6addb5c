import NeuralGraph
import TestSupport
import Testing

@Suite("Architecture", .tags(.graphs)) struct ArchitectureTests {
    private func build(_ name: String, _ options: [String: String] = [:]) throws(ArchitectureError) -> any Architecture
    {
        try Architectures.named(ArchitectureIdentifier(name: name, options: options))
    }

    @Test("identifiers build the same again") func identifiersBuildTheSameAgain() throws {
        let all: [any Architecture] = [
            ResNet(.resnet18, stem: .imagenet), ResNet(.resnet34, stem: .small), ResNet(.resnet50, width: 0.5),
            MobileNetV2(stem: .imagenet), MobileNetV2(width: 0.35, stem: .small), VGG16(width: 0.25),
            EfficientNetLite0(origin: .pytorch), EfficientNetLite0(origin: .tensorflow, width: 1.5),
            AllCNN(normalizes: true), AllCNN(normalizes: false),
            VisionTransformer(.small, patch: 8), VisionTransformer(.base, names: .torchvision),
            narrowTransformer,
        ]
        for architecture in all {
            let graph = try architecture.graph(inputShape: [32, 32, 3], classes: 10)
            let again = try Architectures.named(architecture.identifier).graph(inputShape: [32, 32, 3], classes: 10)
            #expect(again.nodes.map(\.name) == graph.nodes.map(\.name))
            #expect(again.parameters.map(\.specification) == graph.parameters.map(\.specification))
            #expect(Architectures.names.contains(architecture.identifier.name))
        }
        for name in ["ResNet50", "MobileNet-V2", "mobilenetv2", "VGG16-BN", "TF-EfficientNet-Lite0", "allcnn_bn"] {
            let plain = name.lowercased().replacing(/[-_]/, with: "")
            #expect(try build(name).identifier.name.replacing(/[-_]/, with: "") == plain)
        }
    }

    private var narrowTransformer: VisionTransformer {
        var network = VisionTransformer(.tiny, patch: 4)
        (network.width, network.depth, network.heads) = (20, 3, 5)
        return network
    }

    @Test("other libraries names are known") func otherLibrariesNamesAreKnown() throws {
        #expect(try build("vit_b_16").identifier == VisionTransformer(.base, names: .torchvision).identifier)
        #expect(try build("vit_tiny_patch16_224").identifier == VisionTransformer(.tiny).identifier)
        #expect(try build("vit_small_patch32_384").identifier == VisionTransformer(.small, patch: 32).identifier)
        #expect(
            try build("vit_tiny_patch16_224", ["patch": "4"]).identifier == build("vit-tiny", ["patch": "4"]).identifier
        )
    }

    /// timm's and torchvision's counts, for 224x224 pixels and 1000 classes.
    @Test(
        "transformers have their size",
        arguments: [("vit-tiny", 5_717_416), ("vit-small", 22_050_664), ("vit_b_16", 86_567_656)])
    func transformersHaveTheirSize(_ name: String, _ count: Int) throws {
        let graph = try build(name).graph(inputShape: [224, 224, 3], classes: 1000)
        #expect(graph.parameters.reduce(0) { $0 + $1.specification.shape.count } == count)
    }

    @Test("every name is known") func everyNameIsKnown() throws {
        for name in Architectures.names { #expect(try build(name).identifier.name == name) }
    }

    @Test("dimensions follow from the tensors") func dimensionsFollowFromTheTensors() throws {
        for name in Architectures.names {
            let architecture = try build(name)
            let graph = try architecture.graph(inputShape: [32, 32, 5], classes: 7)
            var shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.key, $0.specification.shape) })
            let found = try architecture.dimensions(fromStateDictionary: shapes)
            #expect(found.channels == 5 && found.classes == 7)
            let head = try #require(graph.head).key("weight")
            shapes[head] = [7]
            #expect(throws: ArchitectureError.notThisArchitecture(architecture: name, missing: head)) {
                try architecture.dimensions(fromStateDictionary: shapes)
            }
        }
    }

    @Test("unknown names are answered") func unknownNamesAreAnswered() {
        let error = #expect(throws: ArchitectureError.self) { try build("resnet81") }
        #expect(error == .unknown(name: "resnet81", known: Architectures.names))
        #expect(error.map { "\($0)".contains("allcnn-bn") } == true)
    }

    @Test(
        "wrong options are named",
        arguments: [
            ("resnet18", ["stam": "small"], ["'stam'", "stem"]),
            ("resnet18", ["stem": "big"], ["'big'", "imagenet", "small"]),
            ("mobilenet_v2", ["width": "nan"], ["'nan'", "from 0.1 to 4.0"]),
            ("vgg16_bn", ["width": "1e300"], ["'1e300'", "from 0.1 to 4.0"]),
            ("resnet50", ["width": ""], ["''", "from 0.1 to 4.0"]),
            ("allcnn", ["stem": "small"], ["'stem'", "none"]),
            ("vit-tiny", ["patch": "0"], ["'0'", "1024"]), ("vit-tiny", ["depth": "-1"], ["'-1'", "0"]),
            ("vit-tiny", ["patch": "four"], ["'four'"]), ("vit_b_16", ["names": "keras"], ["'keras'", "timm"]),
            ("vit-base", ["stem": "small"], ["'stem'", "heads"]),
        ] as [(String, [String: String], [String])])
    func wrongOptionsAreNamed(_ name: String, _ options: [String: String], _ mentions: [String]) {
        let error = #expect(throws: ArchitectureError.self) { try build(name, options) }
        for mention in mentions { #expect(error.map { "\($0)".contains(mention) } == true, "\(mention)") }
    }

    @Test(
        "texts name architectures",
        arguments: [
            ("resnet18", "resnet18", [:]), ("mobilenet_v2:width=0.5", "mobilenet_v2", ["width": "0.5"]),
            ("mobilenet_v2:width=0.5,stem=small", "mobilenet_v2", ["width": "0.5", "stem": "small"]),
        ] as [(String, String, [String: String])])
    func textsNameArchitectures(_ text: String, _ name: String, _ options: [String: String]) throws {
        let identifier = try ArchitectureIdentifier(parsing: text)
        #expect(identifier == ArchitectureIdentifier(name: name, options: options))
        #expect(try ArchitectureIdentifier(parsing: identifier.description) == identifier)
    }

    @Test(
        "texts that name nothing",
        arguments: ["", ":", ":stem=small", "a:", "a:b", "a:=b", "a:b=", "a:b=c=d", "a:b=c,", "a:b=c,b=c", "a:,b=c"])
    func textsThatNameNothing(_ text: String) {
        #expect(throws: ArchitectureError.badText(text)) { try ArchitectureIdentifier(parsing: text) }
    }

    @Test("widths have limits", arguments: [0, -1, 5, .nan, .infinity] as [Double])
    func widthsHaveLimits(_ width: Double) {
        let all: [any Architecture] = [
            ResNet(.resnet18, width: width), MobileNetV2(width: width), VGG16(width: width),
            EfficientNetLite0(width: width),
        ]
        for architecture in all {
            let error = #expect(throws: ShapeError.self) {
                try architecture.graph(inputShape: [32, 32, 3], classes: 10)
            }
            #expect(error?.place == architecture.identifier.name)
        }
    }

    /// Parameters of torchvision 0.29's and timm 1.0's networks of 10 classes.
    @Test(
        "sizes are PyTorch's",
        arguments: [
            ("resnet18", 11_181_642), ("resnet34", 21_289_802), ("resnet50", 23_528_522), ("mobilenet_v2", 2_236_682),
            ("mobilenet_v2:width=0.5", 700_490), ("mobilenet_v2:width=1.4", 4_333_706), ("vgg16_bn", 134_309_962),
            ("efficientnet_lite0", 3_383_818),
        ] as [(String, Int)])
    func sizesArePyTorchs(_ text: String, _ parameters: Int) throws {
        let architecture = try Architectures.named(ArchitectureIdentifier(parsing: text))
        let graph = try architecture.graph(inputShape: [224, 224, 3], classes: 10)
        #expect(graph.parameters.reduce(0) { $0 + $1.specification.shape.count } == parameters)
    }

    /// TensorFlow's SAME: an odd row or column goes to the end.
    @Test(
        "same padding",
        arguments: [
            (8, 3, 1, 1, 1), (8, 3, 2, 0, 1), (7, 3, 2, 1, 1), (224, 5, 2, 1, 2), (5, 2, 1, 0, 1), (6, 1, 2, 0, 0),
        ])
    func samePadding(_ size: Int, _ kernel: Int, _ stride: Int, _ before: Int, _ after: Int) {
        let padding = Padding.same(Size2D(height: size, width: 1), kernelSize: Size2D(kernel), stride: Size2D(stride))
        #expect(padding.top == before && padding.bottom == after)
        #expect(padding.left + padding.right == kernel - 1)
    }
}
