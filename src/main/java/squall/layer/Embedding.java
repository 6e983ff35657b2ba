package squall.layer;

import squall.ops.Buf;
import squall.ops.Ops;
import squall.ops.Weight;

/** {@code x[r] = table[token[r]]}: no scale, no position. table: [vocab, dim]. */
public record Embedding(Weight table) {

    public Buf forward(Ops ops) {
        Buf x = ops.rows(table.cols());
        ops.embed(x, table);
        return x;
    }
}
