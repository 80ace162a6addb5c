// `import Unlearning` alone is enough to load a model and data, forget, and write the model.
@_exported import ImageDatasets
@_exported import ModelInterchange
@_exported import NeuralGraph
