/// Which gradients a plan computes. What nobody asked for costs neither time nor memory.
public struct GradientRequest: Sendable, Hashable {
    /// The gradient by the network's input.
    public var input: Bool
    /// The gradients by the parameters that are not frozen.
    public var parameters: Bool
    /// Names of parameters, or of nodes for all of theirs, that stay as they are.
    public var frozen: Set<String>

    /// Creates a request.
    public init(input: Bool, parameters: Bool, frozen: Set<String> = []) {
        self.input = input
        self.parameters = parameters
        self.frozen = frozen
    }

    /// Forward passes only.
    public static let nothing = GradientRequest(input: false, parameters: false)
    /// The input's gradient alone, as learning noise needs it.
    public static let input = GradientRequest(input: true, parameters: false)
    /// The parameters' gradients alone, as training needs them.
    public static let parameters = GradientRequest(input: false, parameters: true)
    /// Both.
    public static let both = GradientRequest(input: true, parameters: true)

    func wants(_ parameter: ParameterSpecification, of node: Graph.Node) -> Bool {
        parameters && parameter.isTrained && !frozen.contains(node.key(parameter.name)) && !frozen.contains(node.name)
    }

    func wantsParameters(of node: Graph.Node) -> Bool {
        node.parameters.contains { wants($0, of: node) }
    }
}
