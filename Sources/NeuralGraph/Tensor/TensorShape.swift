/// The lengths of a tensor's axes, outermost first, in row-major order.
///
/// Activations are described without their batch axis and with channels last: an image is
/// `[height, width, channels]`, a feature vector `[features]`. Parameters have PyTorch's shapes.
public struct TensorShape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// The axes' lengths, none of them negative.
    public let dimensions: [Int]

    /// Creates a shape. An empty list is a scalar.
    public init(_ dimensions: [Int]) {
        precondition(dimensions.allSatisfy { $0 >= 0 }, "an axis cannot be shorter than 0: \(dimensions)")
        self.dimensions = dimensions
    }

    /// Creates a shape from its axes' lengths.
    public init(arrayLiteral elements: Int...) {
        self.init(elements)
    }

    /// The number of axes.
    public var rank: Int { dimensions.count }

    /// The number of elements; 1 for a scalar.
    public var count: Int { dimensions.reduce(1, *) }

    /// The length of one axis.
    public subscript(axis: Int) -> Int { dimensions[axis] }

    /// The length of the last axis: channels of an image, features of a vector. 1 for a scalar.
    public var channels: Int { dimensions.last ?? 1 }

    /// The number of positions that share the last axis: `height * width` of an image.
    public var positions: Int { dimensions.dropLast().reduce(1, *) }

    /// The lengths joined by a cross, as in `32x32x3`.
    public var description: String {
        dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "x")
    }
}

/// A shape that an operation cannot work on. The message names the node, the value and the remedy.
public struct ShapeError: DescribedError, Equatable {
    /// The node's name, or the name of whatever else was given the shape.
    public let place: String
    /// What is wrong, and what would be right.
    public let message: String

    /// Creates an error about the node or object called `place`.
    public init(_ place: String, _ message: String) {
        self.place = place
        self.message = message
    }

    /// The place and the message in one line.
    public var description: String { "\(place): \(message)" }
}
