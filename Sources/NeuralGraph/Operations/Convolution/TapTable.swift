/// Along one axis: which source positions each target position draws from, and through which taps of the kernel.
///
/// Positions that see the same taps at the same distances form a class; there are few of them, such as the first, the
/// inner and the last positions of a 3x3 kernel's output, or the even and odd ones of a gradient at stride 2.
struct TapTable: Sendable {
    /// A tap, and how far its source position is from the target position's base.
    struct Tap: Sendable, Hashable {
        let tap: Int
        let offset: Int
    }

    /// For each target position the source position that offsets count from.
    let bases: [Int]
    /// For each target position the number of its class.
    let classOf: [Int]
    /// The taps of each class, in rising order.
    let classes: [[Tap]]

    /// An output position draws from the input under its window, padding left out.
    init(outputsOf window: SlidingWindow) {
        self.init(count: window.outputLength) { output in
            let taps = window.liveTaps(at: output).map { Tap(tap: $0, offset: $0 * window.dilation) }
            return (window.position(output: output, tap: 0), taps)
        }
    }

    /// An input's gradient draws from the gradients of the outputs whose windows reach it.
    init(inputsOf window: SlidingWindow) {
        self.init(count: window.length) { input in
            let reach = input + window.paddingBefore
            let base = reach / window.stride
            let taps: [Tap] = (0..<window.kernelSize).compactMap { tap in
                let distance = reach - tap * window.dilation
                guard distance >= 0, distance % window.stride == 0, distance / window.stride < window.outputLength
                else { return nil }
                return Tap(tap: tap, offset: distance / window.stride - base)
            }
            return (base, taps)
        }
    }

    private init(count: Int, _ describe: (Int) -> (base: Int, taps: [Tap])) {
        var bases: [Int] = []
        var classOf: [Int] = []
        var numbers: [[Tap]: Int] = [:]
        var classes: [[Tap]] = []
        for position in 0..<count {
            let (base, taps) = describe(position)
            bases.append(base)
            if let number = numbers[taps] {
                classOf.append(number)
            } else {
                numbers[taps] = classes.count
                classOf.append(classes.count)
                classes.append(taps)
            }
        }
        self.bases = bases
        self.classOf = classOf
        self.classes = classes
    }

    /// Positions of one class at even distances, whose bases are at even distances too.
    struct Span: Sendable {
        let position: Int
        let positionStep: Int
        let base: Int
        let baseStep: Int
        let count: Int
        let classNumber: Int
    }

    /// One position alone.
    func span(at position: Int) -> Span {
        Span(
            position: position, positionStep: 1, base: bases[position], baseStep: 1, count: 1,
            classNumber: classOf[position])
    }

    /// All positions in spans, class by class.
    var spans: [Span] { classes.indices.flatMap(spans(of:)) }

    /// The positions of one class, cut where their distances change.
    private func spans(of number: Int) -> [Span] {
        let positions = classOf.indices.filter { classOf[$0] == number }
        var spans: [Span] = []
        var start = 0
        while start < positions.count {
            let first = positions[start]
            var (count, step, baseStep) = (1, 0, 0)
            while start + count < positions.count {
                let (last, next) = (positions[start + count - 1], positions[start + count])
                let distances = (next - last, bases[next] - bases[last])
                guard count == 1 || distances == (step, baseStep) else { break }
                (step, baseStep) = distances
                count += 1
            }
            spans.append(
                Span(
                    position: first, positionStep: step, base: bases[first], baseStep: baseStep, count: count,
                    classNumber: number))
            start += count
        }
        return spans
    }

    /// Every tap that some position uses, in rising order.
    var usedTaps: [Int] { Set(classes.joined().map(\.tap)).sorted() }
}
