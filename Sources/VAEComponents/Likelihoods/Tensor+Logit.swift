import Tensors

extension Tensor {
  /// log(p / (1 − p)) of probabilities, which are first kept between 0.001 and 0.999.
  func logit() -> Tensor {
    let kept = clamped(to: 0.001...0.999)
    return kept.log() - (1 - kept).log()
  }
}
