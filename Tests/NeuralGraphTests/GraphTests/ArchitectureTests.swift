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
            let head = name == "resnet18" ? "fc.weight" : "classifier.0.weight"
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
        ] as [(String, [String: String], [String])])
    func wrongOptionsAreNamed(_ name: String, _ options: [String: String], _ mentions: [String]) {
        let error = #expect(throws: ArchitectureError.self) { try build(name, options) }
        for mention in mentions { #expect(error.map { "\($0)".contains(mention) } == true, "\(mention)") }
    }
}
