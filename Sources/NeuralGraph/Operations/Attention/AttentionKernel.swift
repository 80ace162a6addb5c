import CNeuralKernels

/// One task for each head of each example; the probabilities are kept for the backward pass.
///
///     p [queries x keys]  = softmax(scale · q [queries x width] · kᵀ [width x keys])
///     y [queries x width] = p [queries x keys] · v [keys x width]
struct AttentionKernel: Kernel {
    let queries: Int
    /// The first token of a packed input that has a query.
    let firstQuery: Int
    let keys: Int
    let heads: Int
    let width: Int
    let isPacked: Bool
    let scale: Float
    let request: KernelRequest

    /// Where one head's queries, keys or values of an example lie.
    private struct Part {
        let start: Int
        let rowStride: Int
    }

    private var columns: Int { heads * width }
    private var kernel: MatrixKernel {
        MatrixKernel(request.algorithms, request.precision, size: max(queries, keys, width))
    }
    private var scores: Int { queries * keys }
    /// Whether the probabilities wait for the backward pass in bfloat16, to which its products round them anyway.
    private var savesPairs: Bool { request.runsBackward && request.precision == .bfloat16 }
    /// The floats that one head's saved probabilities take.
    private var savedScores: Int { savesPairs ? WaitingValue.floats(for: scores) : scores }

    var backwardReads: BackwardReads { .inputs }
    var savedCount: Int { request.runsBackward ? request.batchCapacity * heads * savedScores : 0 }
    /// A worker's gradients by the scores, or its probabilities, where they aren't saved as they are.
    var scratchCount: Int { request.workers * scores * (savesPairs ? 2 : 1) }
    var algorithm: String { "products by head" }

    private func part(_ index: Int, example: Int, head: Int) -> Part {
        let rowStride = isPacked ? 3 * columns : columns
        let tokens = index == 0 && !isPacked ? queries : keys
        let row = example * tokens + (index == 0 ? firstQuery : 0)
        return Part(
            start: row * rowStride + (isPacked ? index * columns : 0) + head * width, rowStride: rowStride)
    }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEach(pass.batch * heads) { task, worker in
            let (example, head) = task.quotientAndRemainder(dividingBy: heads)
            let (q, k, v) = matrices(pass.inputs, example: example, head: head)
            let saved = pass.saved + task * savedScores
            let p = request.runsBackward && !savesPairs ? saved : pass.scratch + worker * scores
            multiply(
                rows: queries, columns: keys, inner: width, q,
                Matrix(k.pointer, rowStride: k.rowStride, transposed: true), into: p, rowStride: keys,
                accumulates: false, by: kernel)
            cnk_softmax(p, p, queries, keys, scale)
            if savesPairs { cnk_pair_columns(p, 1, scores, saved) }
            multiply(
                rows: queries, columns: width, inner: keys, Matrix(p, rowStride: keys), v,
                into: pass.output + example * queries * columns + head * width, rowStride: columns,
                accumulates: false, by: kernel)
        }
    }

    private func matrices(
        _ inputs: [UnsafeMutablePointer<Float>], example: Int, head: Int
    ) -> (q: Matrix, k: Matrix, v: Matrix) {
        func matrix(_ index: Int) -> Matrix {
            let part = part(index, example: example, head: head)
            return Matrix(inputs[isPacked ? 0 : index] + part.start, rowStride: part.rowStride)
        }
        return (matrix(0), matrix(1), matrix(2))
    }

    /// With ds = scale · p (dp - the row's sum of p dp):
    ///
    ///     dp [queries x keys]  = dy [queries x width] · vᵀ [width x keys]
    ///     dq [queries x width] = ds [queries x keys] · k [keys x width]
    ///     dk [keys x width]    = dsᵀ [keys x queries] · q [queries x width]
    ///     dv [keys x width]    = pᵀ [keys x queries] · dy [queries x width]
    func backward(_ pass: BackwardPass) {
        pass.threads.forEach(pass.batch * heads) { task, worker in
            let (example, head) = task.quotientAndRemainder(dividingBy: heads)
            let (q, k, v) = matrices(pass.forward.inputs, example: example, head: head)
            let saved = pass.forward.saved + task * savedScores
            let ds = pass.scratch + worker * scores
            let p = savesPairs ? pass.scratch + (request.workers + worker) * scores : saved
            if savesPairs { cnk_widen(saved, p, scores) }
            let dy = Matrix(
                pass.outputGradient + example * queries * columns + head * width, rowStride: columns)
            multiply(
                rows: queries, columns: keys, inner: width, dy,
                Matrix(v.pointer, rowStride: v.rowStride, transposed: true), into: ds, rowStride: keys,
                accumulates: false, by: kernel)
            cnk_softmax_backward(p, ds, ds, queries, keys, scale, 0)
            if let (dq, stride, accumulates) = target(pass, 0, example: example, head: head) {
                multiply(
                    rows: queries, columns: width, inner: keys, Matrix(ds, rowStride: keys), k, into: dq,
                    rowStride: stride, accumulates: accumulates, by: kernel)
                if !accumulates { clearOtherQueries(dq - firstQuery * stride, rowStride: stride) }
            }
            if let (dk, stride, accumulates) = target(pass, 1, example: example, head: head) {
                multiply(
                    rows: keys, columns: width, inner: queries, Matrix(ds, rowStride: keys, transposed: true), q,
                    into: dk, rowStride: stride, accumulates: accumulates, by: kernel)
            }
            if let (dv, stride, accumulates) = target(pass, 2, example: example, head: head) {
                multiply(
                    rows: keys, columns: width, inner: queries, Matrix(p, rowStride: keys, transposed: true), dy,
                    into: dv, rowStride: stride, accumulates: accumulates, by: kernel)
            }
        }
    }

    /// Tokens without a query have no gradient by it.
    private func clearOtherQueries(_ gradient: UnsafeMutablePointer<Float>, rowStride: Int) {
        guard isPacked, queries < keys else { return }
        for token in 0..<keys where !(firstQuery..<firstQuery + queries).contains(token) {
            (gradient + token * rowStride).update(repeating: 0, count: width)
        }
    }

    /// Where a part's gradient goes; nil if none is wanted.
    private func target(
        _ pass: BackwardPass, _ index: Int, example: Int, head: Int
    ) -> (UnsafeMutablePointer<Float>, rowStride: Int, accumulates: Bool)? {
        guard let target = pass.inputGradients[isPacked ? 0 : index] else { return nil }
        let part = part(index, example: example, head: head)
        return (target.pointer + part.start, part.rowStride, target.accumulates)
    }
}
