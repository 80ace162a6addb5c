/// The places of all activations, gradients and kept buffers of a graph in one arena, by when kernels read them.
///
/// Steps are numbered 0, 1, ... for the forward passes in order and on for the backward passes in reverse order, so
/// that node `k` of `n` runs at step `k` and at step `2 n - 1 - k`.
///
/// With `Precision.bfloat16` a value that the backward pass reads waits for it in half of its memory, or is computed again from
/// one that does:
///
///     forward     written      read      read, then rounded
///                 [============ floats =============]
///                                             [============== rounded ==================]
///     backward                                restored, read      read      restored, read
///                                             [====== floats =======]       [== floats ==]
struct ActivationPlan {
    let readers: ValueReaders
    /// Where the forward pass finds each value.
    private(set) var valueOffsets: [Int] = []
    /// Where the backward pass of each node finds its inputs and its output.
    private(set) var backwardOffsets: [(inputs: [Int], output: Int)] = []
    private(set) var gradientOffsets: [Int] = []
    private(set) var savedOffsets: [Int] = []
    private(set) var packedOffsets: [Int] = []
    /// Working memory of each node's forward and backward pass, which lasts for the pass.
    private(set) var scratchOffsets: [(forward: Int, backward: Int)] = []
    /// Where a ``RoundedInputKernel`` rounds its first input to; nil for other nodes.
    private(set) var roundedInputOffsets: [Int?]
    /// The values to round after each node's forward pass, and those to restore before its backward pass.
    private(set) var rounded: [[WaitingValue]]
    private(set) var restored: [[WaitingValue]]
    private(set) var count = 0

    var needsGradient: [Bool] { readers.needsGradient }
    var runsBackward: [Bool] { readers.runsBackward }

    private let graph: Graph
    private let kernels: [any Kernel]
    private let capacity: Int
    private let precision: Precision
    private let kept: Set<Graph.Value>
    private let lastStep: Int

    /// - Parameters:
    ///   - precision: what values are rounded to while they wait for the backward pass.
    ///   - kept: values that callers read after a pass: nothing is put over them.
    init(
        graph: Graph, kernels: [any Kernel], capacity: Int, request: GradientRequest, precision: Precision,
        kept: Set<Graph.Value> = []
    ) {
        readers = ValueReaders(graph: graph, kernels: kernels, request: request)
        self.graph = graph
        self.kernels = kernels
        self.capacity = capacity
        self.precision = precision
        self.kept = kept
        lastStep = 2 * graph.nodes.count
        rounded = graph.nodes.map { _ in [] }
        restored = rounded
        roundedInputOffsets = graph.nodes.map { _ in nil }
        layOut()
    }

    private func backwardStep(_ node: Int) -> Int { 2 * graph.nodes.count - 1 - node }

    private mutating func layOut() {
        let nodes = graph.nodes
        var buffers = BufferList()
        var (values, saved, packed): ([Int?], [Int?], [Int?]) = ([], [], [])
        // The input keeps its memory throughout, so that callers can write the next batch at any time.
        values.append(buffers.add(capacity * size(0), first: 0, last: lastStep))
        for (index, kernel) in kernels.enumerated() {
            values.append(addValue(of: index, values, to: &buffers))
            let last = runsBackward[index] ? backwardStep(index) : index
            saved.append(buffers.add(kernel.savedCount, first: index, last: last))
            packed.append(buffers.add(kernel.packedCount, first: 0, last: lastStep))
        }
        let gradients = addGradients(to: &buffers)
        let scratch = kernels.enumerated().map { index, kernel in
            let steps = [index] + (runsBackward[index] ? [backwardStep(index)] : [])
            return steps.map { buffers.add(kernel.scratchCount, first: $0, last: $0) }
        }
        var halves = [Int?](repeating: nil, count: values.count)
        var places = [[Int?]](repeating: [], count: values.count)
        for value in values.indices where waits(value) {
            halves[value] = addHalves(of: value, halves, to: &buffers)
            guard readerOfRounded(value) == nil else { continue }
            places[value] = readers.backwardGroups(value).map {
                let (first, last) = (backwardStep($0.upperBound), backwardStep($0.lowerBound))
                return buffers.add(capacity * size(value), first: first, last: last)
            }
        }

        let plan = MemoryPlan(buffers.buffers)
        func offset(_ buffer: Int?) -> Int { buffer.map { plan.offsets[$0] } ?? 0 }
        valueOffsets = values.map(offset)
        gradientOffsets = gradients.map(offset)
        savedOffsets = saved.map(offset)
        packedOffsets = packed.map(offset)
        scratchOffsets = scratch.map { (offset($0[0]), offset($0[$0.count - 1])) }
        count = plan.count
        backwardOffsets = nodes.enumerated().map { index, node in
            (node.inputs.map { valueOffsets[$0.index] }, valueOffsets[index + 1])
        }
        for value in values.indices where waits(value) {
            connect(value, halves: offset(halves[value]), places[value].map(offset))
        }
    }

    // MARK: Values

    private func size(_ value: Int) -> Int { graph.shape(of: Graph.Value(index: value)).count }

    private func addValue(of node: Int, _ values: [Int?], to buffers: inout BufferList) -> Int? {
        let last = lastUse(ofValue: node + 1)
        guard sharesInput(node), let shared = values[graph.nodes[node].inputs[0].index] else {
            return buffers.add(capacity * size(node + 1), first: node, last: last)
        }
        buffers.extend(shared, to: last)
        return shared
    }

    /// The last step at which a value's floats are read.
    private func lastUse(ofValue index: Int) -> Int {
        if index == graph.nodes.count || kept.contains(Graph.Value(index: index)) { return lastStep }
        let last = readers.lastInForwardPass(index)
        guard !waits(index), let reader = readers.backward[index].last else { return last }
        return backwardStep(reader)
    }

    /// Whether a node may write its output over its first input: no other node reads that value, now or later.
    private func sharesInput(_ node: Int) -> Bool {
        guard kernels[node].worksInPlace, let input = graph.nodes[node].inputs.first, input.index > 0,
            readers.forward[input.index].count == 1, !kept.contains(input)
        else { return false }
        return readers.backward[input.index].isEmpty
    }

    // MARK: Values in bfloat16

    /// Whether a value is rounded after the forward pass: callers read the input, the output and kept values as they are.
    private func waits(_ value: Int) -> Bool {
        precision == .bfloat16 && value > 0 && value < graph.nodes.count && !readers.backward[value].isEmpty
            && !kept.contains(Graph.Value(index: value))
    }

    /// The only node whose backward pass reads a value, if it rounds the value itself.
    private func readerOfRounded(_ value: Int) -> Int? {
        guard waits(value), !isRepeated(value), readers.backward[value].count == 1,
            let reader = readers.backward[value].first, reader >= value, kernels[reader] is any RoundedInputKernel
        else { return nil }
        return reader
    }

    /// Whether a value is computed again from its node's first input, which waits.
    private func isRepeated(_ value: Int) -> Bool {
        // What a node saves is there for its own backward pass.
        guard waits(value), runsBackward[value - 1], let kernel = kernels[value - 1] as? any RoundedInputKernel,
            kernel.repeatsForward, let input = graph.nodes[value - 1].inputs.first?.index
        else { return false }
        return waits(input) && !isRepeated(input)
    }

    /// The buffer of rounded numbers from which a value is restored.
    private func addHalves(of value: Int, _ halves: [Int?], to buffers: inout BufferList) -> Int? {
        let last = readers.backwardGroups(value).last.map { backwardStep($0.upperBound) } ?? 0
        if isRepeated(value), let input = halves[graph.nodes[value - 1].inputs[0].index] {
            buffers.extend(input, to: last)
            return input
        }
        return buffers.add(
            WaitingValue.floats(for: capacity * size(value)),
            first: readerOfRounded(value) ?? readers.lastInForwardPass(value), last: last)
    }

    /// Tells the passes where a value waits, and where it is restored for each group of its readers.
    private mutating func connect(_ value: Int, halves: Int, _ places: [Int]) {
        if let reader = readerOfRounded(value) {
            roundedInputOffsets[reader] = halves
            return
        }
        let producer = isRepeated(value) ? value - 1 : nil
        func waiting(_ floats: Int) -> WaitingValue {
            WaitingValue(floats: floats, halves: halves, count: size(value), repeatedNode: producer)
        }
        if producer == nil { rounded[readers.lastInForwardPass(value)].append(waiting(valueOffsets[value])) }
        for (group, floats) in zip(readers.backwardGroups(value), places) {
            restored[group.upperBound].append(waiting(floats))
            for reader in readers.backward[value] where group.contains(reader) {
                for (position, input) in graph.nodes[reader].inputs.enumerated() where input.index == value {
                    backwardOffsets[reader].inputs[position] = floats
                }
                if reader + 1 == value { backwardOffsets[reader].output = floats }
            }
        }
    }

    // MARK: Gradients

    private func addGradients(to buffers: inout BufferList) -> [Int?] {
        let nodes = graph.nodes
        var gradients = [Int?](repeating: nil, count: nodes.count + 1)
        for index in (0...nodes.count).reversed() where needsGradient[index] {
            let consumers = readers.forward[index].filter { runsBackward[$0] }
            let first = consumers.map(backwardStep).min() ?? nodes.count
            let last = index == 0 ? lastStep : backwardStep(index - 1)
            if let reader = consumers.first, consumers.count == 1, readers.forward[index].count == 1, index > 0,
                kernels[reader].worksInPlace, nodes[reader].inputs[0].index == index,
                nodes[reader].inputs.filter({ $0.index == index }).count == 1,
                let shared = gradients[reader + 1]
            {
                buffers.extend(shared, to: last)
                gradients[index] = shared
            } else {
                gradients[index] = buffers.add(capacity * size(index), first: first, last: last)
            }
        }
        return gradients
    }
}

/// The buffers of a plan in the order in which they were added.
private struct BufferList {
    private(set) var buffers: [MemoryPlan.Buffer] = []

    /// Adds a buffer and returns its position; nil if there is nothing in it.
    mutating func add(_ count: Int, first: Int, last: Int) -> Int? {
        guard count > 0 else { return nil }
        buffers.append(MemoryPlan.Buffer(count: count, first: first, last: last))
        return buffers.count - 1
    }

    /// Keeps a buffer for longer.
    mutating func extend(_ buffer: Int, to last: Int) {
        buffers[buffer].last = max(buffers[buffer].last, last)
    }
}
