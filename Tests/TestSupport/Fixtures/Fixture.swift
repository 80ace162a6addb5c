package import Foundation
import ModelFiles
package import NeuralGraph

/// A file of results below Tests/Fixtures; the README there says what the keys mean.
package struct Fixture: Sendable {
    private let file: SafetensorsFile

    /// Opens a fixture, such as `Networks/allcnn.safetensors`.
    package init(_ path: String) throws {
        file = try SafetensorsFile(contentsOf: Self.folder.appending(path: path))
    }

    /// Tests/Fixtures.
    package static var folder: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fixtures")
    }

    /// The tensors' names.
    package var names: [String] { file.names }

    /// A tensor in the layout that it was stored in, which is PyTorch's.
    package func tensor(_ name: String) throws -> Tensor { try file.tensor(name) }

    /// A tensor's elements.
    package func values(_ name: String) throws -> [Float] { try file.tensor(name).elements }

    /// The only element of a tensor.
    package func scalar(_ name: String) throws -> Double {
        let values = try values(name)
        guard values.count == 1 else { throw ShapeError(name, "holds \(values.count) numbers, not one") }
        return Double(values[0])
    }
}

/// A file of Tests/Fixtures.
package func fixture(_ path: String) -> URL {
    Fixture.folder.appending(path: path)
}
