package squall.model;

/** Largest sizes that are believed. Real models stay far below; products of any three of them fit a long. */
final class Limits {
    static final int WIDTH = 1 << 20;
    static final int VOCAB = 1 << 24;
    static final int CONTEXT = 1 << 30;
    static final int HEADS = 1 << 14;
    static final int HEAD_DIM = 1 << 12;
    static final int EXPERTS = 1 << 16;
    static final int TAPS = 64;
    static final int LAYERS = 1 << 14;
    /** Elements of one projection's output: heads times head size, convolution channels. */
    static final int PROJECTION = 1 << 26;

    private Limits() {}
}
