/// How many numbers may be computed while a file is read. A few nodes could otherwise make constants that no memory
/// holds: each of them twice as long as the last.
final class ONNXBudget {
    private var left: Int

    /// Numbers in proportion to the file, which stands for its stored tensors, and some more.
    init(fileSize: Int) {
        left = fileSize + 1 << 22
    }

    /// Takes some for a node.
    func spend(_ count: Int, _ node: ONNXNode? = nil) throws {
        guard count <= left else {
            let message = "computes more numbers than the file has bytes; it is damaged or made to fill memory"
            throw node.map { ONNXProblem($0, message) } ?? ONNXProblem("the file \(message)")
        }
        left -= count
    }
}
