import Foundation

/// The series that a report draws. A list is empty where there was nothing to measure it on.
public struct AuditFigures: Sendable, Codable, Hashable {
    /// Test accuracy of every class.
    public var classAccuracy: [ClassAccuracyFigure] = []
    /// Where test images of each forgotten class are put.
    public var forgottenConfusion: [ConfusionFigure] = []
    /// How scores that membership attacks use are distributed.
    public var membershipScores: [ScoreHistogramFigure] = []
    /// Layer by layer, from input to output.
    public var layers: [LayerFigure] = []
    /// Penultimate features of test images in two dimensions.
    public var embeddings: [EmbeddingFigure] = []
    /// Forget accuracy while the classes are learned again.
    public var relearning: [RelearningCurve] = []
    /// Where the networks look, over sample pictures.
    public var attention: [AttentionFigure] = []

    /// Creates figures without any series.
    public init() {}
}

/// One class's accuracy, 0 to 1.
public struct ClassAccuracyFigure: Sendable, Codable, Hashable {
    /// How a class stands to the forgotten ones.
    public enum Relation: String, Sendable, Codable {
        /// It is one of them.
        case forgotten
        /// The original confuses it with them most.
        case adjacent
        /// Any other class.
        case remote
    }

    /// The class.
    public var index: Int
    /// Its name.
    public var name: String
    /// How it stands to the forgotten classes.
    public var relation: Relation
    /// Test accuracy.
    public var accuracy: ByModel<Double>

    /// Creates a class's accuracy.
    public init(index: Int, name: String, relation: Relation, accuracy: ByModel<Double>) {
        self.index = index
        self.name = name
        self.relation = relation
        self.accuracy = accuracy
    }
}

/// What share of a forgotten class's test images is put into each class.
public struct ConfusionFigure: Sendable, Codable, Hashable {
    /// The forgotten class.
    public var index: Int
    /// Its name.
    public var name: String
    /// Shares by predicted class, in the order of the classes; they add up to 1.
    public var shares: ByModel<[Double]>

    /// Creates a class's confusion.
    public init(index: Int, name: String, shares: ByModel<[Double]>) {
        self.index = index
        self.name = name
        self.shares = shares
    }
}

/// How a score is distributed over three groups of examples, for one model.
public struct ScoreHistogramFigure: Sendable, Codable, Hashable {
    /// The attack that uses the score.
    public var measure: MeasureIdentifier
    /// What the score is, such as `entropy of the prediction (nats)`.
    public var score: String
    /// The model.
    public var model: AuditedModel
    /// Borders of the bins, one more than bins, in rising order.
    public var edges: [Double]
    /// Shares of retained training examples by bin.
    public var members: [Double]
    /// Shares of retained test examples by bin.
    public var nonMembers: [Double]
    /// Shares of forgotten training examples by bin.
    public var forgotten: [Double]

    /// Creates a histogram.
    public init(
        measure: MeasureIdentifier, score: String, model: AuditedModel, edges: [Double], members: [Double],
        nonMembers: [Double], forgotten: [Double]
    ) {
        self.measure = measure
        self.score = score
        self.model = model
        self.edges = edges
        self.members = members
        self.nonMembers = nonMembers
        self.forgotten = forgotten
    }
}

/// What one layer or stage shows. Nil where a number does not apply.
public struct LayerFigure: Sendable, Codable, Hashable {
    /// The node's name.
    public var name: String
    /// ‖weights - original's‖ / ‖original's‖, of the unlearned and the retrained model.
    public var weightDistance: ByModel<Double>
    /// Linear CKA of features with the original's, of the unlearned and the retrained model.
    public var alignment: ByModel<Double>
    /// Recall of the forgotten classes by a linear probe of features.
    public var probeRecall: ByModel<Double>
    /// Recall of the forgotten classes by the nearest class centroid of features.
    public var centroidRecall: ByModel<Double>

    /// Creates a layer's numbers.
    public init(
        name: String, weightDistance: ByModel<Double> = ByModel(), alignment: ByModel<Double> = ByModel(),
        probeRecall: ByModel<Double> = ByModel(), centroidRecall: ByModel<Double> = ByModel()
    ) {
        self.name = name
        self.weightDistance = weightDistance
        self.alignment = alignment
        self.probeRecall = probeRecall
        self.centroidRecall = centroidRecall
    }
}

/// Penultimate features of some test images on two principal components, for one model. The unlearned model's are on the
/// original's components, so that what moved is seen to move; a retrained model's are on its own.
public struct EmbeddingFigure: Sendable, Codable, Hashable {
    /// The model.
    public var model: AuditedModel
    /// The first component of each image.
    public var x: [Double]
    /// The second component of each image.
    public var y: [Double]
    /// The class of each image.
    public var labels: [Int]
    /// The share of this model's variance that each of the two components explains.
    public var explainedVariance: [Double]

    /// Creates an embedding.
    public init(model: AuditedModel, x: [Double], y: [Double], labels: [Int], explainedVariance: [Double]) {
        self.model = model
        self.x = x
        self.y = y
        self.labels = labels
        self.explainedVariance = explainedVariance
    }
}

/// How one model learns the forgotten classes again.
public struct RelearningCurve: Sendable, Codable, Hashable {
    /// The model.
    public var model: AuditedModel
    /// Which of several retrained models, from 0.
    public var number: Int
    /// Optimizer steps, from 0.
    public var steps: [Int]
    /// Forget accuracy after so many steps, 0 to 1.
    public var accuracies: [Double]
    /// The accuracy at which the class counts as learned again.
    public var target: Double

    /// Creates a curve.
    public init(model: AuditedModel, number: Int, steps: [Int], accuracies: [Double], target: Double) {
        self.model = model
        self.number = number
        self.steps = steps
        self.accuracies = accuracies
        self.target = target
    }
}

/// A picture as bytes.
public struct FigureImage: Sendable, Codable, Hashable {
    /// Columns.
    public var width: Int
    /// Rows.
    public var height: Int
    /// 1 for gray, 3 for red, green and blue.
    public var channels: Int
    /// Rows from the top, channels last; Base64 in JSON.
    public var pixels: Data

    /// Creates a picture.
    public init(width: Int, height: Int, channels: Int, pixels: Data) {
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }
}

/// Where the networks look in one picture (Grad-CAM; Selvaraju et al. 2017).
public struct AttentionFigure: Sendable, Codable, Hashable {
    /// The picture.
    public var image: FigureImage
    /// The picture's class.
    public var label: Int
    /// The class that each model puts it into.
    public var predicted: ByModel<Int>
    /// Heat maps in the picture's size, values 0 to 255, one channel.
    public var heat: ByModel<FigureImage>

    /// Creates a picture's maps.
    public init(image: FigureImage, label: Int, predicted: ByModel<Int>, heat: ByModel<FigureImage>) {
        self.image = image
        self.label = label
        self.predicted = predicted
        self.heat = heat
    }
}
