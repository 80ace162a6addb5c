extension MutableSpan where Element: BitwiseCopyable {
    /// Copies all elements of another span to the beginning of this one, which must have room for them.
    package mutating func copy(_ source: Span<Element>) {
        precondition(source.count <= count, "\(source.count) elements do not fit the \(count) of the target")
        source.withUnsafeBufferPointer { source in
            withUnsafeMutableBufferPointer { target in
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                to.update(from: from, count: source.count)
            }
        }
    }
}
