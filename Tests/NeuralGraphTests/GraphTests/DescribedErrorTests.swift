import Foundation
import ModelFiles
import NeuralGraph
import TestSupport
import Testing

/// An app shows `localizedDescription`: it must be the message and not the type's name and a number.
@Suite("Described error", .tags(.graphs)) struct DescribedErrorTests {
    private static let errors: [any DescribedError] = [
        ShapeError("conv1", "takes one image"),
        OptimizationError("momentum", "-1.0 is out of range; use 0 or more"),
        FileError("model.onnx", "does not exist; check the path"),
        GraphError.unknownNode(name: "fc1", known: ["conv", "fc"]),
        GraphError.notKept(node: "fc"),
        GraphError.bypassed(node: "conv1", reader: "add", source: "the network's input"),
        GraphError.leadsNowhere(node: "aux"),
        GraphError.isOutput(node: "fc"),
        StateDictionaryError.missing(name: "fc.weight"),
        StateDictionaryError.unexpected(name: "head.weight", others: 2),
        StateDictionaryError.wrongShape(name: "fc.bias", expected: [10], found: [11]),
        ArchitectureError.unknown(name: "resnet81", known: ["resnet18"]),
        ArchitectureError.unknownOption(architecture: "allcnn", option: "stem", known: []),
        ArchitectureError.badOption(architecture: "resnet18", option: "stem", value: "big", known: ["small"]),
        ArchitectureError.badText("a:b"),
        ArchitectureError.notThisArchitecture(architecture: "resnet18", missing: "fc.weight"),
        LinearAlgebraError.notFinite(matrix: "features"),
        LinearAlgebraError.singular(matrix: "gram", order: 3),
        LinearAlgebraError.notConverged(matrix: "covariance"),
    ]

    @Test("localized description is the message", arguments: errors.indices) func localizedDescriptionIsTheMessage(
        _ index: Int
    ) {
        let error: any Error = Self.errors[index]
        #expect(error.localizedDescription == "\(error)")
        #expect(error.localizedDescription.count > 20)
    }
}
