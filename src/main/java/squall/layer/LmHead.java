package squall.layer;

import squall.ops.Buf;
import squall.ops.Norm;
import squall.ops.Ops;
import squall.ops.Weight;

/** {@code logits = W rmsNorm(x)} for the rows asked for; W: [vocab, dim], the embedding's own table where they are tied. */
public record LmHead(Norm norm, Weight weight) {

    public Buf forward(Ops ops, Buf x) {
        Buf chosen = ops.outputs(x);
        Buf logits = ops.rows(weight.rows());
        ops.normMatmul(new Buf[] {logits}, chosen, norm, new Weight[] {weight});
        return logits;
    }
}
