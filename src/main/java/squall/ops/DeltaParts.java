package squall.ops;

/**
 * What a Gated DeltaNet layer has between its two projections.
 *
 * @param conv      [channels, taps]
 * @param window    inputs of the convolution that came before the step
 * @param decay, dt [valueHeads]; decay holds -exp(A_log)
 * @param memory    S
 * @param norm      of one head's output, shared by all heads: [dv]
 */
public record DeltaParts(Weight conv, StateSpec.Window window, Weight decay, Weight dt, StateSpec.Recurrent memory, DeltaShape shape, Norm norm) {}
