package squall.engine;

/** Logits of the rows a step asked for, [rows, vocab] in one array, in the order asked. Valid until the next step. */
public record Logits(float[] values, int rows, int vocab) {}
