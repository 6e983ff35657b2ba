package squall.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import squall.quant.Codec;
import squall.quant.Format;

/** Weights for benchmarks. */
final class Blocks {
    private Blocks() {}

    /** A row of random blocks whose values are finite and not so small that arithmetic becomes slow. */
    static MemorySegment usable(Format format, int columns, Random random) {
        Codec codec = format.codec;
        MemorySegment row = MemorySegment.ofArray(new byte[(int) format.rowBytes(columns)]);
        byte[] block = new byte[codec.blockBytes()];
        for (long at = 0; at < row.byteSize(); at += block.length) {
            do {
                random.nextBytes(block);
                MemorySegment.copy(MemorySegment.ofArray(block), 0, row, at, block.length);
            } while (!isUsable(codec, row, at));
        }
        return row;
    }

    private static boolean isUsable(Codec codec, MemorySegment row, long at) {
        for (int i = 0; i < codec.blockSize(); i++) {
            float value = Math.abs(codec.at(row, at, i));
            if (!(value == 0 || value > 1e-20f && value < 100)) return false;
        }
        return true;
    }
}
