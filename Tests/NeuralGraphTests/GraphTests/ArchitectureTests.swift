import NeuralGraph
import Testing

@Suite struct ArchitectureTests {
    private func build(_ name: String, _ options: [String: String] = [:]) throws(ArchitectureError) -> any Architecture
    {
        try Architectures.named(ArchitectureIdentifier(name: name, options: options))
    }

    @Test func identifiersBuildTheSameAgain() throws {
        let all: [any Architecture] = [
            ResNet18(stem: .imagenet), ResNet18(stem: .small), AllCNN(normalizes: true), AllCNN(normalizes: false),
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
        #expect(try build("ResNet18").identifier == ResNet18(stem: .imagenet).identifier)
    }

    private var narrowTransformer: VisionTransformer {
        var network = VisionTransformer(.tiny, patch: 4)
        (network.width, network.depth, network.heads) = (20, 3, 5)
        return network
    }

    @Test func otherLibrariesNamesAreKnown() throws {
        #expect(try build("vit_b_16").identifier == VisionTransformer(.base, names: .torchvision).identifier)
        #expect(try build("vit_tiny_patch16_224").identifier == VisionTransformer(.tiny).identifier)
        #expect(try build("vit_small_patch32_384").identifier == VisionTransformer(.small, patch: 32).identifier)
        #expect(
            try build("vit_tiny_patch16_224", ["patch": "4"]).identifier == build("vit-tiny", ["patch": "4"]).identifier
        )
    }

    /// timm's and torchvision's counts, for 224x224 pixels and 1000 classes.
    @Test(arguments: [("vit-tiny", 5_717_416), ("vit-small", 22_050_664), ("vit_b_16", 86_567_656)])
    func transformersHaveTheirSize(_ name: String, _ count: Int) throws {
        let graph = try build(name).graph(inputShape: [224, 224, 3], classes: 1000)
        #expect(graph.parameters.reduce(0) { $0 + $1.specification.shape.count } == count)
    }

    @Test func everyNameIsKnown() throws {
        for name in Architectures.names { #expect(try build(name).identifier.name == name) }
    }

    @Test func dimensionsFollowFromTheTensors() throws {
        for name in Architectures.names {
            let architecture = try build(name)
            let graph = try architecture.graph(inputShape: [32, 32, 5], classes: 7)
            var shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.key, $0.specification.shape) })
            let found = try architecture.dimensions(fromStateDictionary: shapes)
            #expect(found.channels == 5 && found.classes == 7)
            let head = graph.head.map { $0.key("weight") } ?? ""
            shapes[head] = [7]
            #expect(throws: ArchitectureError.notThisArchitecture(architecture: name, missing: head)) {
                try architecture.dimensions(fromStateDictionary: shapes)
            }
        }
    }

    @Test func unknownNamesAreAnswered() {
        let error = #expect(throws: ArchitectureError.self) { try build("resnet81") }
        #expect(error == .unknown(name: "resnet81", known: Architectures.names))
        #expect(error.map { "\($0)".contains("allcnn-bn") } == true)
    }

    @Test(
        arguments: [
            ("resnet18", ["stam": "small"], ["'stam'", "stem"]),
            ("resnet18", ["stem": "big"], ["'big'", "imagenet", "small"]),
            ("allcnn", ["stem": "small"], ["'stem'", "none"]),
            ("vit-tiny", ["patch": "0"], ["'0'", "1024"]), ("vit-tiny", ["depth": "-1"], ["'-1'", "0"]),
            ("vit-tiny", ["patch": "four"], ["'four'"]), ("vit_b_16", ["names": "keras"], ["'keras'", "timm"]),
            ("vit-base", ["stem": "small"], ["'stem'", "heads"]),
        ] as [(String, [String: String], [String])])
    func wrongOptionsAreNamed(_ name: String, _ options: [String: String], _ mentions: [String]) {
        let error = #expect(throws: ArchitectureError.self) { try build(name, options) }
        for mention in mentions { #expect(error.map { "\($0)".contains(mention) } == true, "\(mention)") }
    }
}
