package squall.engine;

/**
 * Logits of the rows a step asked for, [rows, vocab] in the order asked. Valid until the next step.
 *
 * @param values rows * vocab numbers, and whatever lies behind them
 */
public record Logits(float[] values, int rows, int vocab) {}
