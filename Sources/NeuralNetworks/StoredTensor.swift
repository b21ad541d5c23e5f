import Tensors

/// A tensor of a module that files hold, under the path of its member: a parameter or a buffer.
public enum StoredTensor {
  /// A tensor that training changes.
  case parameter(Parameter)
  /// A tensor that is saved only.
  case buffer(Buffer)

  /// The values at this moment, a constant. Setting them needs the same shape.
  public var value: Tensor {
    get {
      switch self {
      case .parameter(let parameter): parameter.value
      case .buffer(let buffer): buffer.value
      }
    }
    nonmutating set {
      switch self {
      case .parameter(let parameter): parameter.value = newValue
      case .buffer(let buffer): buffer.value = newValue
      }
    }
  }

  /// Sets the values, without a copy where nothing else refers to their memory.
  package func take(_ value: consuming Tensor) {
    switch self {
    case .parameter(let parameter): parameter.value = consume value
    case .buffer(let buffer): buffer.value = consume value
    }
  }

  /// The shape of the values, which need not have been made.
  public var shape: Shape {
    switch self {
    case .parameter(let parameter): parameter.shape
    case .buffer(let buffer): buffer.shape
    }
  }

  /// The values as computations take them: tracked where they are trained.
  public var tensor: Tensor {
    switch self {
    case .parameter(let parameter): parameter.tensor
    case .buffer(let buffer): buffer.value
    }
  }

  /// The values that it has where a file has none, nil where a file must have some.
  public var valueOfOldFiles: Tensor? {
    switch self {
    case .parameter: nil
    case .buffer(let buffer): buffer.valueOfOldFiles
    }
  }

  /// What a module states of it.
  public var member: Member {
    switch self {
    case .parameter(let parameter): .parameter(parameter)
    case .buffer(let buffer): .buffer(buffer)
    }
  }
}

extension Module {
  /// Every parameter of this module and its parts and then every buffer, with its path: the order
  /// of files.
  public var storedTensors: [(path: String, tensor: StoredTensor)] {
    parameters.map { (path: $0.path, tensor: .parameter($0.parameter)) }
      + buffers.map { (path: $0.path, tensor: .buffer($0.buffer)) }
  }
}
