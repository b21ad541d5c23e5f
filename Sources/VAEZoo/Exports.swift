// One import for whoever uses the package: the layers below are part of this module's interface.
@_exported import Communication
@_exported import Messages
@_exported import NeuralNetworks
@_exported import Tensors
@_exported import VAEComponents
@_exported import VAECore
@_exported import VAEData
@_exported import VAEEvaluation
@_exported import VAEFiles
@_exported import VAEPluginHost
@_exported import VAERecipes
@_exported import VAETraining
