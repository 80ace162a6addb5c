/// The gradients that a plan computes; unrequested ones cost no time or memory.
public struct GradientRequest: Sendable, Hashable {
    /// Whether the gradient with respect to the input is computed.
    public var input: Bool
    /// Whether the gradients with respect to the parameters that are not frozen are computed.
    public var parameters: Bool
    /// The names of parameters, or of nodes for all of theirs, that training leaves as they are.
    public var frozen: Set<String>

    /// Creates a request.
    public init(input: Bool, parameters: Bool, frozen: Set<String> = []) {
        self.input = input
        self.parameters = parameters
        self.frozen = frozen
    }

    /// No gradients: forward passes only.
    public static let nothing = GradientRequest(input: false, parameters: false)
    /// The input's gradient only, for learning noise.
    public static let input = GradientRequest(input: true, parameters: false)
    /// The parameters' gradients only, for training.
    public static let parameters = GradientRequest(input: false, parameters: true)
    /// The gradients of input and parameters.
    public static let both = GradientRequest(input: true, parameters: true)

    func wants(_ parameter: ParameterSpecification, of node: Graph.Node) -> Bool {
        parameters && parameter.isTrained && !frozen.contains(node.key(parameter.name)) && !frozen.contains(node.name)
    }

    func wantsParameters(of node: Graph.Node) -> Bool {
        node.parameters.contains { wants($0, of: node) }
    }
}
