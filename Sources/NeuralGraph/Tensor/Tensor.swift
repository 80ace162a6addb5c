/// A dense array of 32-bit floats in row-major order: a value, copied on write.
public struct Tensor: Sendable, Hashable {
    /// The axes' lengths.
    public let shape: TensorShape
    /// The elements in row-major order, `shape.count` of them.
    public private(set) var elements: [Float]

    /// Creates a tensor from its elements.
    /// - Throws: ``ShapeError`` if the shape has another number of elements.
    public init(_ elements: [Float], shape: TensorShape) throws(ShapeError) {
        guard elements.count == shape.count else {
            throw ShapeError(
                "tensor", "shape \(shape) holds \(shape.count) elements, but \(elements.count) were given")
        }
        self.shape = shape
        self.elements = elements
    }

    /// Creates a tensor with one value for all elements.
    public init(repeating value: Float, shape: TensorShape) {
        self.shape = shape
        self.elements = [Float](repeating: value, count: shape.count)
    }

    /// Creates a tensor whose elements `body` appends in row-major order.
    ///
    /// Elements that it leaves out are 0; more than `shape.count` do not fit.
    public init<Failure: Error>(
        shape: TensorShape, initializingWith body: (inout OutputSpan<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        self.shape = shape
        self.elements = try [Float](capacity: shape.count) { (span) throws(Failure) in
            try body(&span)
            span.append(repeating: 0, count: shape.count - span.count)
        }
    }

    /// Creates a tensor whose elements `body` writes, in any order; it must write all of them.
    package init(
        shape: TensorShape, writingElements body: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) rethrows {
        self.shape = shape
        self.elements = try [Float](unsafeUninitializedCapacity: shape.count) { buffer, count in
            try body(UnsafeMutableBufferPointer(rebasing: buffer[..<shape.count]))
            count = shape.count
        }
    }

    /// The number of elements.
    public var count: Int { elements.count }

    /// The element at a row-major position.
    public subscript(index: Int) -> Float {
        get { elements[index] }
        set { elements[index] = newValue }
    }

    /// Calls `body` with the elements' memory.
    package func withUnsafeElements<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try elements.withUnsafeBufferPointer { (buffer) throws(Failure) in try body(buffer) }
    }

    /// Calls `body` with the elements, which it may change.
    public mutating func withMutableElements<Result, Failure: Error>(
        _ body: (inout MutableSpan<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = elements.mutableSpan
        return try body(&span)
    }

    /// Returns the same elements under another shape.
    /// - Throws: ``ShapeError`` if the new shape has another number of elements.
    public func reshaped(to shape: TensorShape) throws(ShapeError) -> Tensor {
        try Tensor(elements, shape: shape)
    }

    /// Whether every element is a finite number.
    public var isFinite: Bool { elements.allSatisfy(\.isFinite) }

    /// Puts the axes into another order: axis `k` of the result is axis `order[k]` of this tensor.
    /// - Throws: ``ShapeError`` unless each axis is named once.
    public func transposed(_ order: [Int]) throws(ShapeError) -> Tensor {
        guard order.sorted() == Array(0..<shape.rank) else {
            throw ShapeError("tensor", "\(order) does not name each of the \(shape.rank) axes of \(shape) once")
        }
        return reordered(order)
    }

    /// As ``transposed(_:)``, for an order that is known to fit.
    func reordered(_ order: [Int]) -> Tensor {
        var strides = [Int](repeating: 1, count: shape.rank)
        for axis in (0..<max(0, shape.rank - 1)).reversed() {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        let result = TensorShape(order.map { shape[$0] })
        let steps = order.map { strides[$0] }
        // The last axis is a plain loop; the others count up like an odometer, carrying to the left.
        let length = result.channels
        let step = steps.last ?? 1
        return withUnsafeElements { source in
            Tensor(
                shape: result,
                writingElements: { target in
                    guard target.count > 0 else { return }
                    var index = [Int](repeating: 0, count: result.rank)
                    var offset = 0
                    var position = 0
                    while position < target.count {
                        for k in 0..<length { target[position + k] = source[offset + k * step] }
                        position += length
                        var axis = result.rank - 2
                        while axis >= 0 {
                            index[axis] += 1
                            offset += steps[axis]
                            if index[axis] < result[axis] { break }
                            offset -= steps[axis] * result[axis]
                            index[axis] = 0
                            axis -= 1
                        }
                    }
                })
        }
    }

    /// Converts a batch of images from PyTorch's layout `[N, C, H, W]` to `[N, H, W, C]`; other ranks stay as they are.
    public func channelsLast() -> Tensor { shape.rank == 4 ? reordered([0, 2, 3, 1]) : self }

    /// Converts a batch of images from `[N, H, W, C]` to PyTorch's layout `[N, C, H, W]`; other ranks stay as they are.
    public func channelsFirst() -> Tensor { shape.rank == 4 ? reordered([0, 3, 1, 2]) : self }
}
