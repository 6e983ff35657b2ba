package squall.tornado;

import java.util.List;
import squall.quant.Format;

/**
 * One place in a layer's recording that stands for something of the layer: its weights or its state. Layers whose
 * recordings have equal sites and equal tasks are one group: the same tasks, with another layer index.
 */
sealed interface Site {

    /** Elements of the array that one layer takes; 0 for what is counted elsewhere. */
    long layerElements();

    /** Stacked matrices of one format, or one matrix per expert. */
    record Matrices(Format format, List<Integer> rows, int cols, int experts, boolean scaled) implements Site {
        int allRows() {
            return rows.stream().mapToInt(Integer::intValue).sum();
        }

        @Override public long layerElements() {
            return (long) experts * allRows() * Bank.elements(format, cols);
        }
    }

    /** A small weight, float32 on the device. */
    record Vector(int size) implements Site {
        @Override public long layerElements() {
            return size;
        }
    }

    /** State of fixed size, so many floats a slot. */
    record Memory(int size) implements Site {
        @Override public long layerElements() {
            return size;
        }
    }

    record Cache(int kvHeads, int headDim) implements Site {
        @Override public long layerElements() {
            return (long) kvHeads * headDim;
        }
    }
}
