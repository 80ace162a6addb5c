// `import Unlearning` alone is enough to load a safetensors model and data, forget, and write the model.
// `import ModelInterchange` adds ONNX and Core ML.
@_exported import ImageDatasets
@_exported import ModelFiles
@_exported import NeuralGraph
