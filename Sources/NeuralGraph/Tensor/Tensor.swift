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

    /// Creates a tensor that holds one value everywhere.
    public init(repeating value: Float, shape: TensorShape) {
        self.shape = shape
        self.elements = [Float](repeating: value, count: shape.count)
    }

    /// Creates a tensor whose elements `body` writes; it must write them all.
    public init(
        shape: TensorShape, initializingWith body: (UnsafeMutableBufferPointer<Float>) throws -> Void
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
    public func withUnsafeElements<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try elements.withUnsafeBufferPointer { (buffer) throws(Failure) in try body(buffer) }
    }

    /// Calls `body` with the elements' memory, to be changed in place.
    public mutating func withUnsafeMutableElements<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try elements.withUnsafeMutableBufferPointer { (buffer) throws(Failure) in try body(buffer) }
    }

    /// The same elements under another shape.
    /// - Throws: ``ShapeError`` if the new shape has another number of elements.
    public func reshaped(to shape: TensorShape) throws(ShapeError) -> Tensor {
        try Tensor(elements, shape: shape)
    }

    /// Whether every element is a finite number.
    public var isFinite: Bool { elements.allSatisfy(\.isFinite) }

    /// The axes in another order: axis `k` of the result is axis `order[k]` of this tensor.
    public func transposed(_ order: [Int]) -> Tensor {
        precondition(order.sorted() == Array(0..<shape.rank), "\(order) does not order the axes of \(shape)")
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
            Tensor(shape: result) { target in
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
            }
        }
    }

    /// A batch of images `[N, H, W, C]` from one in PyTorch's layout `[N, C, H, W]`. Other ranks stay as they are.
    public func channelsLast() -> Tensor { shape.rank == 4 ? transposed([0, 2, 3, 1]) : self }

    /// A batch of images in PyTorch's layout `[N, C, H, W]` from `[N, H, W, C]`. Other ranks stay as they are.
    public func channelsFirst() -> Tensor { shape.rank == 4 ? transposed([0, 3, 1, 2]) : self }
}
