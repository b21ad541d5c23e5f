import NeuralNetworks
import Tensors
import VAECore

/// The records that a trainer makes of what the model learns.
extension Trainer {
  private var recorder: Recorder {
    let recorder =
      storedRecorder
      ?? Recorder(model: model, data: data, examples: measuredExamples, options: options)
    storedRecorder = recorder
    return recorder
  }

  /// The steps that have a record, beside the last one of a training.
  public var recordingSchedule: RecordingSchedule { recorder.schedule }

  /// Makes a record where it is time for one, with the weights that evaluation uses and statistics
  /// that suit them.
  func makeRecord(after terms: BoundTerms?) throws {
    guard makesRecords, !records.contains(where: { $0.step == step }),
      step >= totalSteps || isFinished || recorder.schedule.contains(step)
    else { return }
    let buffers = model.buffers.map { (buffer: $0.buffer, value: $0.buffer.value) }
    let record = withAveragedWeights {
      calibrate(examples: Recorder.calibrationExamples)
      return recorder.record(
        step: step, epochs: Double(step) / Double(updatesPerEpoch), batch: terms)
    }
    do {
      try model.checkParts()
      try data.checkExamples()
      records.append(record)
      restore(buffers)
    } catch {
      // One that was made in short memory may lack what it shows.
      storedRecorder = nil
      restore(buffers)
      throw error
    }
  }

  /// Gives buffers back what they held before a calibration.
  func restore(_ buffers: [(buffer: Buffer, value: Tensor)]) {
    guard model.usesCalibration else { return }
    for (buffer, value) in buffers { buffer.restore(value) }
  }

  /// Stores the records that were made since the last checkpoint. They come before the checkpoint,
  /// so that one never lacks a record of a step before it.
  func storeRecords(in run: RunFolder) throws {
    try run.writeRecords(records) { recorder.recordedExamples }
    records = []
  }
}
