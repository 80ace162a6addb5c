/// A node or a pass that cannot be used as requested; the message names it and the remedy.
public enum GraphError: DescribedError, Equatable {
    /// The network has no node of this name.
    case unknownNode(name: String, known: [String])
    /// The executor was not created to keep this node's output.
    case notKept(node: String)
    /// The network cannot be cut at this node, since another one reads a value from before it.
    case bypassed(node: String, reader: String, source: String)
    /// The network's output does not depend on this node.
    case leadsNowhere(node: String)
    /// The node is the network's output.
    case isOutput(node: String)
    /// A pass was asked for a batch that the executor has no memory for.
    case batchOutOfRange(Int, capacity: Int)
    /// A pass was asked for a mode that the executor was not created for.
    case modeNotPlanned(Mode)
    /// A backward pass was asked of an executor that was created to compute no gradients.
    case gradientsNotPlanned
    /// A backward pass was asked for before the first forward pass.
    case backwardWithoutForward

    /// The problem and the remedy in one line.
    public var description: String {
        switch self {
        case .unknownNode(let name, let known):
            let shown = known.prefix(12).joined(separator: ", ") + (known.count > 12 ? ", ..." : "")
            return "the network has no node '\(name)'; its nodes are: \(shown)"
        case .notKept(let node):
            return "the output of node '\(node)' is not kept; name it when you create the executor"
        case .bypassed(let node, let reader, let source):
            return "the network cannot be cut at node '\(node)': '\(reader)' reads \(source), which lies before it; "
                + "choose a node that every path passes"
        case .leadsNowhere(let node):
            return "the network cannot be cut at node '\(node)', which has no part in its output; "
                + "choose a node that every path passes"
        case .isOutput(let node):
            return "the network cannot be cut at node '\(node)', which is its output; choose an earlier node"
        case .batchOutOfRange(let batch, let capacity):
            return "a batch of \(batch) does not fit the executor, which holds 1 to \(capacity) examples; "
                + "create it with a larger batchCapacity"
        case .modeNotPlanned(let mode):
            return "the executor was not created for \(mode); name the mode when you create it"
        case .gradientsNotPlanned:
            return "the executor computes no gradients; name them when you create it, as in computing: .parameters"
        case .backwardWithoutForward:
            return "a backward pass needs the values of a forward pass; call forward first"
        }
    }
}
