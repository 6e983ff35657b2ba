package squall.tornado;

import java.util.List;
import squall.ops.Rope;
import squall.ops.StateSpec;
import squall.ops.Weight;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What the weights and states of a layer are on the device. Asked in the order in which the layer uses them. */
interface Store {

    /** The matrices stacked to one; all of one format and with equal inputs. */
    Bank matrices(List<Weight> stack);

    /** One matrix per expert: the expert's matrices stacked to one. All are of one format and with equal inputs. */
    Bank experts(List<Weight> stack);

    Small vector(Weight w);

    Slab memory(StateSpec.Recurrent spec);

    Slab window(StateSpec.Window spec);

    Pages pages(StateSpec.Kv spec);

    /** Cosines, then sines, of every position; scale included. */
    FloatArray angles(Rope rope);

    /** Room for the experts' ids of every row. */
    IntArray chosen();
}
