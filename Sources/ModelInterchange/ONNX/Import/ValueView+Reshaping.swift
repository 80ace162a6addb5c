extension ValueView {
    /// The view with its axes regrouped; nil if the elements would have to move.
    /// - Parameter target: lengths whose product is the view's.
    func regrouped(_ target: [AxisLength]) -> ValueView? {
        var rest = Self.joined(axes.flatMap { $0 })[...]
        var result: [[Factor]] = []
        for length in target {
            guard let axis = Self.take(length, from: &rest) else { return nil }
            result.append(axis)
        }
        return rest.isEmpty ? ValueView(source, axes: result) : nil
    }

    /// Removes factors from the front whose product is a length, splitting one where needed.
    private static func take(_ length: AxisLength, from rest: inout ArraySlice<Factor>) -> [Factor]? {
        var remaining = length
        var taken: [Factor] = []
        while remaining != .one {
            guard let factor = rest.popFirst() else { return nil }
            if let quotient = remaining.divided(by: factor.length) {
                taken.append(factor)
                remaining = quotient
            } else if let (outer, inner) = factor.cut(outer: remaining) {
                taken.append(outer)
                rest = [inner] + rest
                remaining = .one
            } else {
                return nil
            }
        }
        return taken
    }

    /// Merges neighboring factors that step through memory as one.
    private static func joined(_ factors: [Factor]) -> [Factor] {
        var result: [Factor] = []
        for factor in factors {
            switch (result.last, factor) {
            case (.strided(let outer, let stride), .strided(let inner, let step)) where stride == inner * step:
                result[result.count - 1] = .strided(outer * inner, stride: step)
            default: result.append(factor)
            }
        }
        return result
    }

    /// Both views with their axes split into factors of the same lengths; nil if elements would have to move.
    ///
    /// An axis that one of them lacks, or has with length 1, is left as it is. nil also if lengths differ.
    /// - Precondition: both have the same number of axes.
    static func aligned(_ first: ValueView, _ second: ValueView) -> (ValueView, ValueView)? {
        var (first, second) = (first, second)
        for axis in first.axes.indices where !first.axes[axis].isEmpty && !second.axes[axis].isEmpty {
            var (left, right) = (joined(first.axes[axis])[...], joined(second.axes[axis])[...])
            var (cutLeft, cutRight): ([Factor], [Factor]) = ([], [])
            while let a = left.popFirst(), let b = right.popFirst() {
                if a.length == b.length {
                    guard a.isBatch == b.isBatch else { return nil }
                    cutLeft.append(a)
                    cutRight.append(b)
                } else if let (outer, inner) = a.cut(outer: b.length) {
                    cutLeft.append(outer)
                    cutRight.append(b)
                    left = [inner] + left
                } else if let (outer, inner) = b.cut(outer: a.length) {
                    cutLeft.append(a)
                    cutRight.append(outer)
                    right = [inner] + right
                } else {
                    return nil
                }
            }
            guard left.isEmpty, right.isEmpty else { return nil }
            first.axes[axis] = cutLeft
            second.axes[axis] = cutRight
        }
        return (first, second)
    }

    /// The view with leading axes of length 1 added.
    func padded(toRank rank: Int) -> ValueView {
        ValueView(source, axes: [[Factor]](repeating: [], count: max(0, rank - axes.count)) + axes)
    }
}

extension ValueView.Factor {
    /// Splits a factor into an outer one of a given length and an inner one; nil if the length does not divide it.
    fileprivate func cut(outer: AxisLength) -> (ValueView.Factor, ValueView.Factor)? {
        guard !outer.hasBatch, outer.count > 1, let inner = length.divided(by: outer), inner != .one else { return nil }
        switch self {
        case .batch: return nil
        case .strided(_, let stride):
            return (.strided(outer.count, stride: stride * inner.count), .strided(inner.count, stride: stride))
        case .repeated: return (.repeated(outer.count), .repeated(inner.count))
        }
    }
}
