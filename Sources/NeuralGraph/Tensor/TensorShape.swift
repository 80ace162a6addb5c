/// The lengths of a tensor's axes, outermost first, in row-major order.
///
/// Activations are described without their batch axis and with channels last: an image is
/// `[height, width, channels]`, a feature vector `[features]`. Parameters have PyTorch's shapes.
public struct TensorShape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// The axes' lengths, none of them negative.
    public let dimensions: [Int]

    /// Creates a shape; an empty list is a scalar.
    ///
    /// Negative lengths become 0: such a shape has no elements, and every operation refuses it.
    public init(_ dimensions: [Int]) {
        self.dimensions = dimensions.contains { $0 < 0 } ? dimensions.map { max(0, $0) } : dimensions
    }

    /// Creates a shape from its axes' lengths.
    public init(arrayLiteral elements: Int...) {
        self.init(elements)
    }

    /// The number of axes.
    public var rank: Int { dimensions.count }

    /// The number of elements; 1 for a scalar, and `Int.max` where it is even larger.
    public var count: Int { Self.product(dimensions) }

    /// The length of one axis.
    public subscript(axis: Int) -> Int { dimensions[axis] }

    /// The length of the last axis: channels of an image, features of a vector. 1 for a scalar.
    public var channels: Int { dimensions.last ?? 1 }

    /// The number of positions that share the last axis: `height * width` of an image.
    public var positions: Int { Self.product(dimensions.dropLast()) }

    private static func product(_ lengths: some Sequence<Int>) -> Int {
        var product = 1
        var overflows = false
        for length in lengths {
            if length == 0 { return 0 }
            let (next, isLarger) = product.multipliedReportingOverflow(by: length)
            overflows = overflows || isLarger
            product = next
        }
        return overflows ? Int.max : product
    }

    /// The lengths joined by an x, as in `32x32x3`.
    public var description: String {
        dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "x")
    }
}

/// A shape that an operation cannot use; the message names the node, the value and the remedy.
public struct ShapeError: DescribedError, Equatable {
    /// The name of the node or other object that was given the shape.
    public let place: String
    /// The problem and the remedy.
    public let message: String

    /// Creates an error about the node or object called `place`.
    public init(_ place: String, _ message: String) {
        self.place = place
        self.message = message
    }

    /// The place and the message in one line.
    public var description: String { "\(place): \(message)" }
}
