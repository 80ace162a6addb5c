/// A limit on the elements that are computed while a file is read.
///
/// Without it, a few nodes could make constants larger than any memory, each twice as long as the last.
package final class ONNXBudget {
    private var left: Int

    /// A budget in proportion to the size of the file, plus a constant.
    package init(fileSize: Int) {
        left = fileSize + 1 << 22
    }

    /// Spends elements on a node.
    func spend(_ count: Int, _ node: ONNXNode? = nil) throws {
        guard count <= left else {
            let message = "computes more numbers than the file has bytes; it is damaged or made to fill memory"
            throw node.map { ONNXProblem($0, message) } ?? ONNXProblem("the file \(message)")
        }
        left -= count
    }
}
