/// A size or distance along the two axes of an image, such as a kernel's size, a stride or a dilation.
public struct Size2D: Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number of rows.
    public var height: Int
    /// The number of columns.
    public var width: Int

    /// Creates a size.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// The same number for both axes.
    public init(_ both: Int) { self.init(height: both, width: both) }

    /// The same number for both axes.
    public init(integerLiteral value: Int) { self.init(value) }

    /// Height and width joined by a cross.
    public var description: String { "\(height)x\(width)" }
}

/// Rows and columns added around an image.
public struct Padding: Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number of rows above.
    package var top: Int
    /// The number of columns on the left.
    package var left: Int
    /// The number of rows below.
    package var bottom: Int
    /// The number of columns on the right.
    package var right: Int

    /// Creates a padding.
    public init(top: Int, left: Int, bottom: Int, right: Int) {
        self.top = top
        self.left = left
        self.bottom = bottom
        self.right = right
    }

    /// The same number on every side.
    public init(_ all: Int) { self.init(top: all, left: all, bottom: all, right: all) }

    /// The same number on every side.
    public init(integerLiteral value: Int) { self.init(value) }

    /// TensorFlow's `SAME`: the smallest padding with which windows of stride `s` have `ceil(size / s)` positions.
    ///
    /// An odd row or column goes below or to the right. Sizes and strides below 1 get no padding.
    /// - Parameters:
    ///   - size: the image's size.
    ///   - kernelSize: the window's size.
    ///   - stride: the distance between windows, at least 1.
    package static func same(_ size: Size2D, kernelSize: Size2D, stride: Size2D) -> Padding {
        func total(_ size: Int, _ kernelSize: Int, _ stride: Int) -> Int {
            // Numbers that no image has are left for the convolution to refuse.
            let numbers = [size, kernelSize, stride]
            guard numbers.allSatisfy({ (1...TensorShape.largestCount).contains($0) }) else { return 0 }
            return max(0, ((size + stride - 1) / stride - 1) * stride + kernelSize - size)
        }
        let rows = total(size.height, kernelSize.height, stride.height)
        let columns = total(size.width, kernelSize.width, stride.width)
        return Padding(top: rows / 2, left: columns / 2, bottom: rows - rows / 2, right: columns - columns / 2)
    }

    /// Top, left, bottom and right.
    public var description: String { "(\(top), \(left), \(bottom), \(right))" }
}

/// A window that slides along one axis, as convolution and pooling use it.
struct SlidingWindow: Sendable, Hashable {
    let length: Int
    let kernelSize: Int
    let stride: Int
    let dilation: Int
    let paddingBefore: Int
    let outputLength: Int

    /// - Parameter roundsUp: whether a last window that starts inside the padded input but ends outside counts
    ///   (PyTorch's `ceil_mode`).
    init(
        length: Int, kernelSize: Int, stride: Int, dilation: Int = 1, paddingBefore: Int, paddingAfter: Int,
        roundsUp: Bool = false, node: String
    ) throws(ShapeError) {
        let largest = TensorShape.largestCount
        guard [kernelSize, stride, dilation].allSatisfy({ (1...largest).contains($0) }),
            [paddingBefore, paddingAfter].allSatisfy({ (0...largest).contains($0) }), length <= largest
        else {
            throw ShapeError(
                node,
                "kernel \(kernelSize), stride \(stride) and dilation \(dilation) must be at least 1, "
                    + "padding \(paddingBefore) and \(paddingAfter) at least 0, and none of them above \(largest)")
        }
        let reach = length + paddingBefore + paddingAfter - dilation * (kernelSize - 1) - 1
        guard length > 0, reach >= 0 else {
            throw ShapeError(
                node,
                "a window of \(dilation * (kernelSize - 1) + 1) does not fit into \(length) + padding "
                    + "\(paddingBefore + paddingAfter); use larger images or a smaller kernel")
        }
        var output = reach / stride + 1
        if roundsUp, reach % stride != 0, output * stride < length + paddingBefore { output += 1 }
        self.length = length
        self.kernelSize = kernelSize
        self.stride = stride
        self.dilation = dilation
        self.paddingBefore = paddingBefore
        self.outputLength = output
    }

    /// One position under a kernel of one tap.
    static let single = positions(1)

    /// A number of positions, each under a kernel of one tap.
    static func positions(_ count: Int) -> SlidingWindow { SlidingWindow(positions: count) }

    private init(positions: Int) {
        (length, kernelSize, stride, dilation, paddingBefore, outputLength) = (positions, 1, 1, 1, 0, positions)
    }

    /// The input position under a tap, which may lie in the padding.
    @inline(__always)
    func position(output: Int, tap: Int) -> Int { output * stride - paddingBefore + tap * dilation }

    /// The taps of an output position that touch the input rather than padding.
    @inline(__always)
    func liveTaps(at output: Int) -> Range<Int> {
        let start = output * stride - paddingBefore
        let first = start >= 0 ? 0 : (-start + dilation - 1) / dilation
        let end = start >= length ? 0 : min(kernelSize, (length - 1 - start) / dilation + 1)
        return first < end ? first..<end : 0..<0
    }
}
